"""The documentation site: it can read every docstring, and has a place for all that is public."""

import ast
import re
from collections.abc import Iterator
from configparser import ConfigParser
from typing import Any

import pytest

import spacy_str_encoder
from scripts.site.docstrings import to_google
from spacy_str_encoder import evaluation, frames, visualize

from .reduced_project import ROOT

PACKAGE = ROOT / "spacy_str_encoder"
DOCSTRING = """Read docs.

    Source: a paper, section I.

    path (Path | None): A file, or
        a folder.
    **kwargs (Any): Not needed.
    YIELDS (tuple[str, int]): A name, and how often it is: 1 or more.
    RAISES (ValueError): If there is no file.
    """
GOOGLE = """Read docs.

Source: a paper, section I.


Args:
    path (Path | None): A file, or
        a folder.
    **kwargs (Any): Not needed.

Yields:
    tuple[str, int]: A name, and how often it is: 1 or more.

Raises:
    ValueError: If there is no file."""


def test_fields_become_items_of_sections() -> None:
    assert to_google(DOCSTRING) == GOOGLE


def test_fields_of_a_class_are_attributes() -> None:
    text = to_google("A pair.\n\n    head (Span): The first.\n    ", heading="Attributes:")
    assert text == "A pair.\n\n\nAttributes:\n    head (Span): The first."


def test_a_docstring_may_begin_with_a_field() -> None:
    assert to_google("RETURNS (int): How many.") == "\nReturns:\n    int: How many."


def test_types_may_have_brackets_in_them() -> None:
    text = to_google("Cut.\n\nget (Callable[[Doc], tuple[()]]): Cuts (if asked): well.")
    assert text.endswith("    get (Callable[[Doc], tuple[()]]): Cuts (if asked): well.")


def test_text_after_the_fields_is_text() -> None:
    assert to_google("x (int): A number.\nMore of it.").endswith(
        "    x (int): A number.\n\nMore of it."
    )


def test_text_without_fields_stays() -> None:
    text = to_google("Say so.\n\n    Twice, or (more): as\n    often.")
    assert text == "Say so.\n\nTwice, or (more): as\noften."


def test_every_field_of_the_package_is_found() -> None:
    texts = [text for _, text in documented(ast.Module, ast.ClassDef, ast.FunctionDef)]
    lines = [line for text in texts for line in to_google(text).splitlines()]
    assert "Returns:" in lines
    assert [line for line in lines if re.match(r" *(RETURNS|YIELDS|RAISES)\b", line)] == []


def test_every_attribute_in_a_docstring_has_a_type() -> None:
    untyped = [
        f"{node.name}.{name}"
        for node, text in documented(ast.ClassDef)
        for name in re.findall(r"^ *(\w+): ", text, flags=re.MULTILINE)
        if name
        in {ast.unparse(each.target) for each in node.body if isinstance(each, ast.AnnAssign)}
    ]
    assert untyped == []


@pytest.mark.parametrize("module", [spacy_str_encoder, evaluation, frames, visualize])
def test_the_reference_has_every_name_that_is_exported(module: object) -> None:
    names = {f"{module.__name__}.{name}" for name in module.__all__}
    assert names - documented_names() == set()


def test_the_reference_has_everything_that_a_config_can_name() -> None:
    names = set(config_names())
    assert len(names) > 20
    assert names - documented_names() == set()


def documented(*kinds: type[Any]) -> Iterator[tuple[Any, str]]:
    """What of the package has a docstring, and the docstring."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, kinds) and (text := ast.get_docstring(node, clean=False)):
                yield node, text


def documented_names() -> set[str]:
    pages = (ROOT / "docs" / "reference").glob("*.md")
    texts = (path.read_text("utf-8") for path in pages)
    return {name for text in texts for name in re.findall(r"^::: (\S+)$", text, flags=re.MULTILINE)}


def config_names() -> Iterator[str]:
    """The functions behind the names that configs can use, as setup.cfg has them."""
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg", "utf-8")
    for group, entries in setup["options.entry_points"].items():
        if group.startswith(("spacy_", "thinc_")):
            for entry in entries.split("\n")[1:]:
                yield entry.partition(" = ")[2].replace(":", ".")
