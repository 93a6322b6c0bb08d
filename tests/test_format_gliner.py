"""What GLiNER trains on: entities count tokens, the last one included; relations name entities."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from spacy_str_encoder.formats.annotated_text import (
    AnnotatedEntity,
    AnnotatedRelation,
    AnnotatedText,
)
from spacy_str_encoder.formats.gliner import FORMAT
from spacy_str_encoder.formats.report import ConversionReport

from .json_files import detect, read_error, read_item, write_items, write_record
from .token_texts import is_aligned, keep, tokenized_texts

ENGLISH: dict[str, Any] = {
    "tokenized_text": ["Ada", "Lovelace", "joined", "Acme", "in", "London"],
    "ner": [[0, 1, "person"], [5, 5, "place"], [3, 3, "company"]],
    "relations": [[0, 2, "works for"], [2, 1, "is in"]],
    "ner_labels": ["person", "company", "place", "date"],
    "rel_negatives": ["owns"],
}
CHINESE: dict[str, Any] = {
    "tokenized_text": ["前降支", "近段", "狭窄", "。"],
    "ner": [[2, 2, "程度"], [0, 1, "部位"]],
    "relations": [[1, 0, "有"]],
}


def test_entities_end_with_their_last_token(tmp_path: Path) -> None:
    path = write_items(tmp_path / "good.json", ENGLISH, CHINESE)
    assert list(FORMAT.read(path, ConversionReport(strict_all=True))) == [
        AnnotatedText(
            "Ada Lovelace joined Acme in London",
            [
                AnnotatedEntity(0, 12, "person"),
                AnnotatedEntity(28, 34, "place"),
                AnnotatedEntity(20, 24, "company"),
            ],
            [AnnotatedRelation(0, 2, "works for"), AnnotatedRelation(2, 1, "is in")],
            [(0, 3), (4, 12), (13, 19), (20, 24), (25, 27), (28, 34)],
            {"ner_labels": ["person", "company", "place", "date"], "rel_negatives": ["owns"]},
        ),
        AnnotatedText(
            "前降支近段狭窄。",
            [AnnotatedEntity(5, 7, "程度"), AnnotatedEntity(0, 5, "部位")],
            [AnnotatedRelation(1, 0, "有")],
            [(0, 3), (3, 5), (5, 7), (7, 8)],
        ),
    ]


def test_a_text_of_which_only_entities_are_known_has_no_annotated_relations(tmp_path: Path) -> None:
    item = {name: CHINESE[name] for name in ("tokenized_text", "ner")}
    path = tmp_path / "good.json"
    record, report = read_item(FORMAT, path, item)
    assert (len(record.entities), record.relations, record.has_relations) == (2, [], False)
    assert report.chosen == {}


@given(record=tokenized_texts())
def test_what_aligns_with_tokens_is_read_as_it_was_written(
    record: AnnotatedText, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("gliner") / "records.json"
    _, report = write_record(FORMAT, path, record)
    expected, lost = keep(record, is_aligned(record))
    assert list(FORMAT.read(path, ConversionReport(strict_all=True))) == [expected]
    assert report.losses == lost


@pytest.mark.parametrize("item", [ENGLISH, CHINESE], ids=["English", "Chinese"])
def test_the_file_says_what_gliner_reads(item: Any, tmp_path: Path) -> None:
    record, _ = read_item(FORMAT, tmp_path / "good.json", item)
    again, _ = write_record(FORMAT, tmp_path / "again.json", record)
    assert again == {**item, "text": record.text}


def with_entity(*values: Any) -> dict[str, Any]:
    return {**ENGLISH, "ner": [values], "relations": []}


def with_relation(*values: Any) -> dict[str, Any]:
    return {**ENGLISH, "relations": [values]}


def without(field: str) -> dict[str, Any]:
    return {name: value for name, value in ENGLISH.items() if name != field}


ANYTHING = ""
BAD_RECORDS: dict[str, tuple[Any, str]] = {
    "no object": ("Ada Lovelace", "not a JSON object"),
    "no tokens": (without("tokenized_text"), "'tokenized_text' is missing"),
    "no entities": (without("ner"), "'ner' is missing"),
    "entities are null": ({**ENGLISH, "ner": None}, ANYTHING),
    "relations are null": ({**ENGLISH, "relations": None}, ANYTHING),
    "tokens are a text": ({**ENGLISH, "tokenized_text": "Ada"}, "must be a list"),
    "a token is null": ({**ENGLISH, "tokenized_text": [None]}, "must be a string, got None"),
    "the text is another one": ({**ENGLISH, "text": "Ada joined"}, "'Lovelace' at 3"),
    "an entity ends outside": (with_entity(3, 6, "x"), "3 to 7 (exclusive)"),
    "an entity begins outside": (with_entity(-1, 0, "x"), "-1 to 1 (exclusive)"),
    "an entity ends before it begins": (with_entity(3, 2, "x"), "3 to 3 (exclusive)"),
    "an offset is text": (with_entity("0", 1, "x"), "'ner[0][0]' must be an integer, got '0'"),
    "an offset is no integer": (
        with_entity(0, 1.0, "x"),
        "'ner[0][1]' must be an integer, got 1.0",
    ),
    "an offset is true": (with_entity(0, True, "x"), "'ner[0][1]' must be an integer, got True"),
    "an entity lacks its label": (with_entity(0, 1), ANYTHING),
    "an entity says too much": (with_entity(0, 1, "x", "Ada Lovelace", 0.5), ANYTHING),
    "a label is null": (with_entity(0, 1, None), "must be a string, got None"),
    "an entity has another text": (
        with_entity(0, 2, "person", "Ada Lovelace"),
        "the tokens 0 to 2 (inclusive) must be 'Ada Lovelace', got 'Ada Lovelace joined'",
    ),
    "an index is too high": (with_relation(0, 3, "owns"), "0-3"),
    "an index is negative": (with_relation(0, -1, "owns"), "0--1"),
    "an index is text": (with_relation("0", 1, "owns"), "'0'"),
    "a relation lacks its label": (with_relation(0, 1), ANYTHING),
    "a relation has an empty label": (with_relation(0, 1, ""), "must not be empty"),
    "a relation is an object": (
        {**ENGLISH, "relations": [{"head": 0, "tail": 1, "relation_text": "owns"}]},
        ANYTHING,
    ),
}


@pytest.mark.parametrize(("item", "problem"), BAD_RECORDS.values(), ids=BAD_RECORDS.keys())
def test_file_and_number_of_a_bad_record_are_named(item: Any, problem: str, tmp_path: Path) -> None:
    path = write_items(tmp_path / "bad.json", ENGLISH, item)
    message = read_error(FORMAT, path)
    assert message.startswith(f"{path}, text 2: ")
    assert problem in message


@pytest.mark.parametrize("item", [ENGLISH, CHINESE, without("relations")])
def test_the_format_is_found_out(item: Any, tmp_path: Path) -> None:
    empty = {"tokenized_text": ["So"], "ner": [], "relations": []}
    path = write_items(tmp_path / "good.json", empty, item)
    assert detect(path) == "gliner"
