"""Results of GLiNER2: entities are strings, with or without offsets."""

from pathlib import Path
from typing import Any

import pytest

from spacy_str_encoder.formats.annotated_text import (
    AnnotatedEntity,
    AnnotatedRelation,
    AnnotatedText,
)
from spacy_str_encoder.formats.gliner2 import FORMAT
from spacy_str_encoder.formats.report import ConversionReport

from .json_files import counts, detect, read_error, read_item, write_items

OCCURRENCES = "entities without offsets, read at each occurrence of their text"
CLOSEST = "relations of entities with several mentions, read between the closest ones"
UNTYPED = "entities without a type, read as 'Entity'"
TEXT = "Ann met Bob. Annie knows Ann."


def span(text: str, start: int, **fields: Any) -> dict[str, Any]:
    return {"text": text, "start": start, "end": start + len(text), **fields}


WITH_SPANS: dict[str, Any] = {
    "text": TEXT,
    "entities": {"person": [span("Bob", 8), span("Ann", 0)], "place": []},
    "relation_extraction": {"met": [{"head": span("Ann", 0), "tail": span("Bob", 8)}], "knows": []},
    "intent": "chat",
}
RECORD = AnnotatedText(
    TEXT,
    [AnnotatedEntity(8, 11, "person"), AnnotatedEntity(0, 3, "person")],
    [AnnotatedRelation(1, 0, "met")],
    meta={"intent": "chat"},
)


def read(tmp_path: Path, entities: Any, **relations: Any) -> tuple[AnnotatedText, ConversionReport]:
    item = {"text": TEXT, "entities": entities, "relation_extraction": relations}
    return read_item(FORMAT, tmp_path / "a.jsonl", item)


def test_results_with_spans_are_exact(tmp_path: Path) -> None:
    assert read_item(FORMAT, tmp_path / "a.jsonl", WITH_SPANS) == (RECORD, ConversionReport())


@pytest.mark.parametrize("entity", ["Ann", {"text": "Ann", "confidence": 0.9}])
def test_strings_are_read_at_each_word_and_the_closest_are_related(
    entity: Any, tmp_path: Path
) -> None:
    record, report = read(tmp_path, {"person": [entity, "Bob"]}, knows=[["Bob", "Ann"]])
    assert [(e.start, e.end) for e in record.entities] == [(0, 3), (25, 28), (8, 11)]
    assert record.relations == [AnnotatedRelation(2, 0, "knows")]
    assert counts(report.chosen) == {OCCURRENCES: 2, CLOSEST: 1}
    assert report.losses == ({} if entity == "Ann" else {"unsupported fields of entities": 1})


@pytest.mark.parametrize(("value", "count"), [("Bob", 1), (span("Bob", 8), 1), ("", 0), (None, 0)])
def test_there_may_be_one_entity_in_place_of_a_list(value: Any, count: int, tmp_path: Path) -> None:
    record, report = read(tmp_path, {"person": value})
    assert record.entities == [AnnotatedEntity(8, 11, "person")] * count
    assert report == ConversionReport()


def test_ends_that_are_no_entities_have_no_type(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    item = {"text": TEXT, "relation_extraction": {"met": [["Annie", "Bob"], ["Bob", "Annie"]]}}
    record, report = read_item(FORMAT, path, item)
    assert record.entities == [AnnotatedEntity(13, 18, "Entity"), AnnotatedEntity(8, 11, "Entity")]
    assert record.relations == [AnnotatedRelation(0, 1, "met"), AnnotatedRelation(1, 0, "met")]
    cases = [f"{path}, line 1: 'Annie' (13-18)", f"{path}, line 1: 'Bob' (8-11)"]
    assert report.chosen == {UNTYPED: cases}


def test_strings_that_are_not_in_the_text_are_counted(tmp_path: Path) -> None:
    record, report = read(tmp_path, {"person": ["Bob", "Eve"]}, met=[["Bob", "Eve"]])
    assert (len(record.entities), record.relations) == (1, [])
    assert report.losses == {
        "entities that are not in the text": 1,
        "relations whose head or tail is not in the text": 1,
    }


def test_other_fields_are_counted(tmp_path: Path) -> None:
    head, tail = span("Ann", 0, confidence=0.8), span("Bob", 8)
    entities = WITH_SPANS["entities"]
    _, report = read(tmp_path, entities, met=[{"head": head, "tail": tail, "score": 1}])
    assert report.losses == {
        "unsupported fields of entities": 1,
        "unsupported fields of relations": 1,
    }


def test_entities_alone_have_unannotated_relations(tmp_path: Path) -> None:
    item = {"text": TEXT, "entities": {"person": ["Bob"]}}
    record, report = read_item(FORMAT, tmp_path / "a.jsonl", item)
    assert not record.has_relations
    assert counts(report.chosen) == {}


def with_entities(entities: Any) -> dict[str, Any]:
    return {"text": TEXT, "entities": entities}


def with_relation(relation: Any) -> dict[str, Any]:
    return {"text": TEXT, "relation_extraction": {"met": [relation]}}


BAD_RECORDS: dict[str, tuple[Any, str]] = {
    "no object": (3, "not a JSON object"),
    "no text": ({"entities": {"person": ["Bob"]}}, "'text' is missing"),
    "text is null": ({**WITH_SPANS, "text": None}, "'text' must be a string"),
    "entities are a list": (with_entities([]), "'entities' must be an object, got []"),
    "a label is empty": (with_entities({"": ["Bob"]}), "must not be empty"),
    "an entity is empty": (with_entities({"person": [""]}), "must not be empty"),
    "an entity is a number": (
        with_entities({"person": [3]}),
        "must be a string or an object, got 3",
    ),
    "another text": (
        with_entities({"person": [span("Bob", 0)]}),
        "the entity 0-3 must have the text 'Bob', got 'Ann'",
    ),
    "an end is missing": (with_entities({"person": [{"text": "Bob", "start": 8}]}), "'end'"),
    "a relation has one end": (with_relation(["Bob"]), "must be a list of 2 values, got ['Bob']"),
    "a head is missing": (with_relation({"tail": "Bob"}), "'head' is missing"),
}


@pytest.mark.parametrize(("item", "problem"), BAD_RECORDS.values(), ids=BAD_RECORDS.keys())
def test_file_and_line_of_a_bad_record_are_named(item: Any, problem: str, tmp_path: Path) -> None:
    path = write_items(tmp_path / "bad.jsonl", WITH_SPANS, item)
    message = read_error(FORMAT, path)
    assert message.startswith(f"{path}, line 2: ")
    assert problem in message


@pytest.mark.parametrize("item", [WITH_SPANS, with_entities({}), with_relation(["Ann", "Bob"])])
def test_the_format_is_detected(item: Any, tmp_path: Path) -> None:
    assert detect(write_items(tmp_path / "a.json", item)) == "gliner2"
