"""Files of JSON for the tests of formats, read as a user reads them."""

import json
from pathlib import Path
from typing import Any

import pytest

from spacy_str_encoder.formats.annotated_text import AnnotatedText
from spacy_str_encoder.formats.docs import make_tokenizer
from spacy_str_encoder.formats.format import Format
from spacy_str_encoder.formats.registry import all_formats, detect_format
from spacy_str_encoder.formats.report import ConversionReport


def write_items(path: Path, *items: Any) -> Path:
    """Write JSON lines, or a list; they may hold what no reader should accept."""
    lines = [json.dumps(item) for item in items]
    is_list = path.suffix == ".json"
    path.write_text(f"[{','.join(lines)}]" if is_list else "\n".join(lines), "utf-8")
    return path


def read_item(format: Format, path: Path, item: Any) -> tuple[AnnotatedText, ConversionReport]:
    """Read a file of one record."""
    report = ConversionReport()
    [record] = format.read(write_items(path, item), report)
    return record, report


def write_record(format: Format, path: Path, record: AnnotatedText) -> tuple[Any, ConversionReport]:
    """Write a file of one record, and read it as JSON."""
    report = ConversionReport()
    format.write([record], path, report)
    content = json.loads(path.read_text("utf-8"))
    return content[0] if path.suffix == ".json" else content, report


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
