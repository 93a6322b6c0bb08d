"""What the package exports, and what importing it takes."""

import subprocess
import sys

import pytest

import spacy_str_encoder


def run(code: str) -> str:
    """What a fresh process prints."""
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("name", spacy_str_encoder.__all__)
def test_every_name_that_is_exported_is_there(name: str) -> None:
    assert getattr(spacy_str_encoder, name).__name__ == name


def test_the_names_that_are_exported_are_listed() -> None:
    assert {*spacy_str_encoder.__all__} <= {*dir(spacy_str_encoder)}


def test_a_name_that_is_not_there_is_an_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'relations'"):
        _ = spacy_str_encoder.relations


@pytest.mark.parametrize("arguments", [[], ["annotate"], ["pretrain"]])
def test_help_waits_for_neither_torch_nor_transformers(arguments: list[str]) -> None:
    code = f"""
import sys
from typer.testing import CliRunner
from spacy_str_encoder.cli import app
result = CliRunner().invoke(app, {[*arguments, "--help"]})
print(result.exit_code, *sorted({{"spacy", "torch", "transformers"}} & {{*sys.modules}}))
"""
    assert run(code).split() == ["0"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "imports",
    [
        "import spacy; import spacy_str_encoder",
        "from spacy_str_encoder import Relation; import spacy",
        "import spacy_str_encoder.evaluation; import spacy",
        "import spacy_str_encoder.visualize; import spacy",
        "import spacy; spacy.blank('en').add_pipe('str_ner')",
    ],
)
def test_attributes_are_declared(imports: str) -> None:
    code = f"{imports}; print(spacy.tokens.Doc.has_extension('relations'))"
    assert run(code).split() == ["True"]
