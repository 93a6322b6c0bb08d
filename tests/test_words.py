"""Docstrings of the package and the scripts begin with a verb or a noun."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted(
    path.relative_to(ROOT).as_posix()
    for folder in ("spacy_str_encoder", "scripts")
    for path in (ROOT / folder).rglob("*.py")
)
QUESTION = re.compile(r"(how|that|what|when|where|whether|which|who)\b", re.IGNORECASE)
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def find_docstrings(source: str) -> Iterator[tuple[str, str]]:
    """Yield the name and the docstring of the module, and of each class and function in it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, DOCUMENTED) and (docstring := ast.get_docstring(node)):
            yield getattr(node, "name", "module"), docstring


def find_questions(source: str) -> list[str]:
    """List the docstrings that begin with a question word."""
    return [
        f"{name}: {docstring.splitlines()[0]}"
        for name, docstring in find_docstrings(source)
        if QUESTION.match(docstring)
    ]


@pytest.mark.parametrize("file", FILES)
def test_docstrings_begin_with_a_verb_or_a_noun(file: str) -> None:
    assert find_questions((ROOT / file).read_text("utf8")) == []


def test_question_words_are_detected_at_every_level() -> None:
    source = '''
"""What is here."""

class Pair:
    """Pair of entities."""

    async def read(self):
        """How it is read."""

        def inner():
            """that of the outer one."""


def _find():
    """Return what is there."""
'''
    assert find_questions(source) == [
        "module: What is here.",
        "read: How it is read.",
        "inner: that of the outer one.",
    ]
