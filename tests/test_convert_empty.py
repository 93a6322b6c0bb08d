"""The command `convert`: files in which there are no texts."""

import json
from pathlib import Path

import pytest
import spacy
from spacy.tokens import DocBin

from spacy_str_encoder.formats.registry import read_docs
from spacy_str_encoder.formats.report import EMPTY, ConversionReport

from .test_convert import LINE, run, run_error, write_lines

# The format, and what a file of it may have without a text. A file of JSON lines is of any format.
CONTENTS = [
    ("conll", "a.conll", ""),
    ("conll", "a.conll", " \n\n"),
    ("pubtator", "a.pubtator", "\n"),
    ("bioc", "a.bioc", "<collection/>"),
    ("jsonl", "a.jsonl", ""),
    ("jsonl", "a.jsonl", "[]"),
    ("spert", "a.json", "[]\n"),
    ("docred", "a.json", "[]"),
    ("spacy-json", "a.json", "\ufeff"),
]
MENTIONED = "chosen (1): files that are read although they have no texts"


def write_docs(path: Path) -> Path:
    DocBin().to_disk(path)
    return path


@pytest.mark.parametrize(("name", "file", "content"), CONTENTS)
def test_an_input_without_any_text_is_refused(
    name: str, file: str, content: str, tmp_path: Path
) -> None:
    path, output = tmp_path / file, tmp_path / "out"
    path.write_text(content, "utf-8")
    error = run_error(path, "-o", output, "--from", name, "--lang", "en")
    assert error == f"{path}: the input must have texts, got none; nothing is written"
    assert not output.exists()


def test_many_files_without_texts_are_not_all_named(tmp_path: Path) -> None:
    paths = [write_docs(tmp_path / f"{name}.spacy") for name in "abcd"]
    error = run_error(*paths, "-o", tmp_path / "out", "--split", "8:1:1")
    assert error.startswith(f"{paths[0]}, {paths[1]}, {paths[2]} and 1 more file: the ")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("options", [(), ("--split", "1:1", "--group-by", "id")])
@pytest.mark.parametrize("suffix", [".conll", ".spacy"])
def test_a_file_without_texts_beside_others_is_mentioned_once(
    suffix: str, options: tuple[str, ...], tmp_path: Path
) -> None:
    first = write_lines(
        tmp_path / "first.jsonl", *({**LINE, "meta": {"id": name}} for name in "ab")
    )
    empty = write_docs(tmp_path / f"empty{suffix}")
    if suffix == ".conll":
        empty.write_text("\n", "utf-8")
    report = tmp_path / "report.json"
    result = run(first, empty, "-o", tmp_path / "out", "--lang", "zh", "--report", report, *options)
    assert result.exit_code == 0
    assert f"{MENTIONED}\n  {empty}\n" in result.stdout
    assert json.loads(report.read_text("utf-8"))["chosen"] == {EMPTY: [str(empty)]}


def test_a_file_of_invalid_texts_is_not_called_a_file_without_texts(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text("3\n", "utf-8")
    result = run(path, "-o", tmp_path / "out", "--from", "jsonl", "--lang", "en", "--skip-bad")
    assert result.exit_code == 3
    assert "left out (1): invalid texts" in result.stdout and EMPTY not in result.stdout


@pytest.mark.parametrize("suffix", [".conll", ".spacy"])
def test_docs_of_a_file_without_texts_are_mentioned(suffix: str, tmp_path: Path) -> None:
    path, report = write_docs(tmp_path / f"a{suffix}"), ConversionReport()
    if suffix == ".conll":
        path.write_text("", "utf-8")
    assert [*read_docs(path, spacy.blank("en"), report)] == []
    assert (report.lost, report.chosen) == ({}, {EMPTY: [str(path)]})
