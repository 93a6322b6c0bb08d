"""Files of JSON lines for the tests of formats, read as a user reads them."""

import json
from pathlib import Path
from typing import Any

import pytest

from spacy_str_encoder.formats.convert import make_tokenizer
from spacy_str_encoder.formats.format import Format
from spacy_str_encoder.formats.records import Record
from spacy_str_encoder.formats.registry import all_formats, detect_format
from spacy_str_encoder.formats.report import ConversionReport


def write_lines(path: Path, *items: Any) -> Path:
    """Write a JSON object a line; it may hold what no reader should accept."""
    path.write_text("".join(json.dumps(item) + "\n" for item in items), "utf-8")
    return path


def read_one(format: Format, path: Path, item: Any) -> tuple[Record, ConversionReport]:
    """Write an object to a file, and read it."""
    report = ConversionReport()
    [record] = format.read(write_lines(path, item), report)
    return record, report


def write_one(format: Format, path: Path, record: Record) -> tuple[Any, ConversionReport]:
    """Write a record to a file, and get what JSON finds in it."""
    report = ConversionReport()
    format.write([record], path.with_suffix(".jsonl"), report)
    return json.loads(path.with_suffix(".jsonl").read_text("utf-8")), report


def read_error(format: Format, path: Path) -> str:
    """The message of the only error that reading a file may raise, fit to be printed."""
    with pytest.raises(ValueError) as error:
        list(format.read(path, ConversionReport()))
    message = str(error.value)
    assert "\n" not in message
    message.encode()
    return message


def counts(cases: dict[str, list[str]]) -> dict[str, int]:
    """How many cases there are for each reason."""
    return {reason: len(found) for reason, found in cases.items()}


def detect(path: Path) -> str:
    """The name of the format that a file is found to be in."""
    return detect_format(path, all_formats(make_tokenizer(None))).name
