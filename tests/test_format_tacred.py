"""TACRED: one pair of entities for each text."""

from pathlib import Path
from typing import Any

import pytest

from spacy_str_encoder.formats.annotated_text import (
    AnnotatedEntity,
    AnnotatedRelation,
    AnnotatedText,
)
from spacy_str_encoder.formats.report import ConversionReport
from spacy_str_encoder.formats.tacred import FORMAT

from .json_files import detect, read_error, read_item, write_items

ITEM: dict[str, Any] = {
    "id": "e7",
    "relation": "per:employee_of",
    "token": ["At", "Acme", ",", "Ada", "Lovelace", "works"],
    "subj_start": 3,
    "subj_end": 4,
    "obj_start": 1,
    "obj_end": 1,
    "subj_type": "PERSON",
    "obj_type": "ORGANIZATION",
    "stanford_head": ["2", "6", "6", "5", "6", "0"],
}
RECORD = AnnotatedText(
    "At Acme , Ada Lovelace works",
    [AnnotatedEntity(10, 22, "PERSON"), AnnotatedEntity(3, 7, "ORGANIZATION")],
    [AnnotatedRelation(0, 1, "per:employee_of")],
    [(0, 2), (3, 7), (8, 9), (10, 13), (14, 22), (23, 28)],
    {"id": "e7", "stanford_head": ITEM["stanford_head"]},
)


def test_the_relation_points_from_the_subject_to_the_object(tmp_path: Path) -> None:
    assert read_item(FORMAT, tmp_path / "a.json", ITEM) == (RECORD, ConversionReport())


def test_no_relation_is_none(tmp_path: Path) -> None:
    record, report = read_item(FORMAT, tmp_path / "a.json", {**ITEM, "relation": "no_relation"})
    assert (record.entities, record.relations) == (RECORD.entities, [])
    assert record.has_relations
    assert report == ConversionReport()


def test_each_pair_is_a_text(tmp_path: Path) -> None:
    path = write_items(tmp_path / "a.json", ITEM, ITEM)
    assert list(FORMAT.read(path, ConversionReport(strict_all=True))) == [RECORD, RECORD]


BAD_RECORDS: dict[str, tuple[Any, str]] = {
    "no object": (3, "not a JSON object"),
    "no tokens": ({"relation": "r"}, "'token' is missing"),
    "tokens are text": ({**ITEM, "token": "Ada"}, "'token' must be a list"),
    "an end is outside": ({**ITEM, "subj_end": 6}, "3 to 7 (exclusive)"),
    "an end is before its start": ({**ITEM, "obj_end": 0}, "1 to 1 (exclusive)"),
    "an offset is text": ({**ITEM, "obj_end": "1"}, "'obj_end' must be an integer, got '1'"),
    "a type is null": ({**ITEM, "subj_type": None}, "must be a string, got None"),
    "a relation is null": ({**ITEM, "relation": None}, "must be a string, got None"),
    "a relation is empty": ({**ITEM, "relation": ""}, "must not be empty"),
}


@pytest.mark.parametrize(("item", "problem"), BAD_RECORDS.values(), ids=BAD_RECORDS.keys())
def test_file_and_number_of_a_bad_record_are_named(item: Any, problem: str, tmp_path: Path) -> None:
    path = write_items(tmp_path / "bad.json", ITEM, item)
    message = read_error(FORMAT, path)
    assert message.startswith(f"{path}, text 2: ")
    assert problem in message


def test_the_format_is_detected(tmp_path: Path) -> None:
    assert detect(write_items(tmp_path / "a.json", ITEM)) == "tacred"
