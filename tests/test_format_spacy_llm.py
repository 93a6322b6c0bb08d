"""spacy-llm's REL task: examples for prompts, and predictions."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_str_encoder.formats.annotated_text import (
    AnnotatedEntity,
    AnnotatedRelation,
    AnnotatedText,
)
from spacy_str_encoder.formats.report import ConversionReport
from spacy_str_encoder.formats.spacy_llm import FORMAT

from .annotated_texts import any_records
from .json_files import detect, read_error, read_item, write_items, write_record

ITEM: dict[str, Any] = {
    "text": "Ada met Bob",
    "ents": [
        {"start_char": 8, "end_char": 11, "label": "PERSON"},
        {"start_char": 0, "end_char": 3, "label": "PERSON"},
    ],
    "relations": [{"dep": 1, "dest": 0, "relation": "Met"}],
    "id": 3,
}
RECORD = AnnotatedText(
    "Ada met Bob",
    [AnnotatedEntity(8, 11, "PERSON"), AnnotatedEntity(0, 3, "PERSON")],
    [AnnotatedRelation(1, 0, "Met")],
    meta={"id": 3},
)


def without(field: str) -> dict[str, Any]:
    return {name: value for name, value in ITEM.items() if name != field}


def test_a_relation_points_from_dep_to_dest(tmp_path: Path) -> None:
    assert read_item(FORMAT, tmp_path / "a.jsonl", ITEM) == (RECORD, ConversionReport())
    assert write_record(FORMAT, tmp_path / "b.jsonl", RECORD) == (ITEM, ConversionReport())


@given(records=st.lists(any_records(), max_size=3))
@pytest.mark.parametrize("suffix", [".json", ".jsonl"])
def test_what_was_written_is_read_again(
    suffix: str, records: list[AnnotatedText], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("llm") / f"a{suffix}"
    FORMAT.write(records, path, ConversionReport(strict_all=True))
    assert list(FORMAT.read(path, ConversionReport(strict_all=True))) == records


def test_what_is_missing_or_unknown_is_told(tmp_path: Path) -> None:
    record, _ = read_item(FORMAT, tmp_path / "a.jsonl", without("relations"))
    assert not record.has_relations
    relation, entity = {**ITEM["relations"][0], "score": 1}, {**ITEM["ents"][0], "kb_id": "Q1"}
    item = {**ITEM, "relations": [relation], "ents": [entity, ITEM["ents"][1]]}
    record, report = read_item(FORMAT, tmp_path / "a.jsonl", item)
    assert record == RECORD
    reasons = {"unsupported fields of entities": 1, "unsupported fields of relations": 1}
    assert report.losses == reasons


BAD_RECORDS: dict[str, tuple[Any, str]] = {
    "no object": (3, "not a JSON object"),
    "no text": (without("text"), "'text' is missing"),
    "no entities": (without("ents"), "'ents' is missing"),
    "no label": ({**ITEM, "ents": [{"start_char": 0, "end_char": 3}]}, "'label' is missing"),
    "an end is outside": (
        {**ITEM, "ents": [{"start_char": 0, "end_char": 99, "label": "PERSON"}]},
        "0-99",
    ),
    "no dest": ({**ITEM, "relations": [{"dep": 1, "relation": "Met"}]}, "'dest' is missing"),
    "an index is too high": (
        {**ITEM, "relations": [{"dep": 1, "dest": 2, "relation": "Met"}]},
        "1-2",
    ),
    "an index is text": (
        {**ITEM, "relations": [{"dep": "ENT1", "dest": 0, "relation": "Met"}]},
        "'relations[0].dep' must be an integer, got 'ENT1'",
    ),
}


@pytest.mark.parametrize(("item", "problem"), BAD_RECORDS.values(), ids=BAD_RECORDS.keys())
def test_file_and_line_of_a_bad_record_are_named(item: Any, problem: str, tmp_path: Path) -> None:
    path = write_items(tmp_path / "bad.jsonl", ITEM, item)
    message = read_error(FORMAT, path)
    assert message.startswith(f"{path}, line 2: ")
    assert problem in message


def test_the_format_is_detected(tmp_path: Path) -> None:
    assert detect(write_items(tmp_path / "a.json", without("relations"))) == "spacy-llm"
