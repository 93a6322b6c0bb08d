"""The command `convert` reads folders that `annotate` wrote."""

from pathlib import Path
from typing import Any

import pytest

from .test_convert import read_lines, run, run_error, write_lines

ENTITY = {"start": 0, "end": 4, "label": "P", "score": 0.9}
RECORD = {"text": "Anna", "label": "P", "start": 0, "end": 4, "score": 0.9, "values": {}}
SETTINGS = {"version": "0.1.0", "schema": 2, "settings": {"format": "jsonl"}}
SOURCE = {"name": "notes.txt", "path": "/notes.txt", "fingerprint": "1"}


def make_row(number: int) -> dict[str, Any]:
    origin = {"id": None, "source": "notes.txt", "number": number}
    annotations = {"text": f"Anna {number}", "entities": [ENTITY], "relations": []}
    return {**origin, **annotations, "records": [RECORD]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "annotated"
    write_lines(path / "manifest.jsonl", SETTINGS, SOURCE, {"finished": 0})
    write_lines(path / "part-00000-000001.jsonl", make_row(3))
    write_lines(path / "part-00000-000000.jsonl", make_row(1))
    rejected = {"source": "notes.txt", "number": 2, "reason": "not UTF-8"}
    write_lines(path / "rejected.jsonl", rejected)
    return path


def test_parts_are_read_and_rejected_texts_are_said(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    result = run(folder, "-o", output, "--to", "jsonl")
    assert result.exit_code == 0
    texts = [read_lines(path) for path in sorted(output.iterdir())]
    assert [item["text"] for [item] in texts] == ["Anna 1", "Anna 3"]
    assert "left out (1): texts that annotate rejected" in result.stdout
    assert "notes.txt, text 2: not UTF-8" in result.stdout
    assert "not finished" not in result.stdout


def test_predicted_records_are_left_out(folder: Path, tmp_path: Path) -> None:
    result = run(folder, "-o", tmp_path / "out", "--to", "jsonl")
    assert "left out (2): records that annotate predicted" in result.stdout
    [item] = read_lines(tmp_path / "out" / "part-00000-000000.jsonl")
    assert item["meta"] == {"id": None, "source": "notes.txt", "number": 1}


def test_an_unfinished_archive_is_said_to_be(folder: Path, tmp_path: Path) -> None:
    write_lines(folder / "manifest.jsonl", SETTINGS, SOURCE)
    result = run(folder, "-o", tmp_path / "out", "--to", "jsonl")
    assert "chosen (1): sources that annotate has not finished" in result.stdout


def test_a_folder_without_readable_parts_is_an_error(folder: Path, tmp_path: Path) -> None:
    for path in folder.glob("part-*"):
        path.unlink()
    assert "--format jsonl or --format spacy" in run_error(folder, "-o", tmp_path / "out")
