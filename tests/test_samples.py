"""Samples of formats, and what formats are said to hold."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from spacy_str_encoder.cli import app
from spacy_str_encoder.formats.docs import make_tokenizer
from spacy_str_encoder.formats.registry import all_formats, detect_format
from spacy_str_encoder.formats.report import ConversionReport
from spacy_str_encoder.formats.samples import READ_ONLY, SAMPLE, find_contents, make_sample

NLP = make_tokenizer("en")
FORMATS = all_formats(NLP, spans_key="sc")
DATA = Path(__file__).parents[1] / "docs" / "data.md"
COLUMNS = ("written", "relations", "attributes", "overlaps", "ids", "metadata")


def read_documented() -> dict[str, list[bool]]:
    """What docs/data.md says that each format holds."""
    section = DATA.read_text("utf-8").partition("### What each format holds")[2]
    rows = [row for row in section.partition("\n### ")[0].splitlines() if row.startswith("|")]
    heading, _, *rest = ([cell.strip() for cell in row.split("|")[1:-1]] for row in rows)
    assert tuple(heading[2:]) == COLUMNS
    return {row[0].strip("`"): [cell == "yes" for cell in row[2:]] for row in rest}


def test_the_docs_say_what_each_format_holds() -> None:
    found = {name: list(vars(find_contents(each, NLP)).values()) for name, each in FORMATS.items()}
    assert read_documented() == found


@pytest.mark.parametrize("name", READ_ONLY)
def test_samples_of_formats_that_can_only_be_read_are_the_sample(name: str, tmp_path: Path) -> None:
    assert FORMATS[name].write is None
    path = tmp_path / f"sample{FORMATS[name].suffix or '.tsv'}"
    path.write_text(READ_ONLY[name], "utf-8")
    assert detect_format(path, FORMATS).name == name
    [found] = FORMATS[name].read(path, ConversionReport(strict=True))
    keeps = FORMATS[name].keeps_attributes
    expected = [each if keeps else replace(each, attributes=None) for each in SAMPLE.entities]
    assert [each.place for each in found.entities] == [each.place for each in expected]
    assert [each.attributes or None for each in found.entities] == [
        each.attributes for each in expected
    ]
    assert found.relations == SAMPLE.relations
    assert found.text.startswith(SAMPLE.text[:-1])


@pytest.mark.parametrize("name", [name for name in FORMATS if name not in READ_ONLY])
def test_samples_name_the_entities(name: str) -> None:
    sample = make_sample(FORMATS[name], NLP)
    assert ("Ann" in sample and "Bob" in sample) or FORMATS[name].suffix == ".spacy"


def test_the_command_lists_all_formats() -> None:
    result = CliRunner().invoke(app, ["convert", "--list-formats"])
    assert result.exit_code == 0
    for name, held in read_documented().items():
        [row] = re.findall(rf"^{re.escape(name)} .*$", result.stdout, re.M)
        assert row.split().count("x") == sum(held)
        assert f"\n{name}: {FORMATS[name].description}\n" in result.stdout
