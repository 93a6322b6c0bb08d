"""DyGIE++: documents of sentences, with offsets that count the tokens of the document."""

from collections import Counter
from dataclasses import replace
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
from spacy_str_encoder.formats.dygie import FORMAT
from spacy_str_encoder.formats.entities import UNFOUND
from spacy_str_encoder.formats.report import ConversionReport

from .json_files import counts, detect, read_error, read_item, write_items, write_record
from .token_texts import is_aligned, keep, keep_first, tokenized_texts

SHARED = "relations of entities that share their place"
JOINED = "texts with sentences written as one, as an entity or a relation connects them"
ITEM: dict[str, Any] = {
    "doc_key": "A1",
    "sentences": [["Ada", "Lovelace", "wrote", "."], ["She", "met", "Babbage", "."]],
    "ner": [[[0, 1, "PER"]], [[4, 4, "PER"], [6, 6, "PER"]]],
    "relations": [[], [[4, 4, 6, 6, "met"]]],
}
RECORD = AnnotatedText(
    "Ada Lovelace wrote . She met Babbage .",
    [AnnotatedEntity(0, 12, "PER"), AnnotatedEntity(21, 24, "PER"), AnnotatedEntity(29, 36, "PER")],
    [AnnotatedRelation(1, 2, "met")],
    [(0, 3), (4, 12), (13, 18), (19, 20), (21, 24), (25, 28), (29, 36), (37, 38)],
    {"id": "A1", "sentence_offsets": [0, 21]},
)


def without(*fields: str) -> dict[str, Any]:
    return {name: value for name, value in ITEM.items() if name not in fields}


# Reading


def test_offsets_count_the_tokens_of_the_document(tmp_path: Path) -> None:
    item = {**ITEM, "sentence_start": [0, 4]}
    assert read_item(FORMAT, tmp_path / "a.jsonl", item) == (RECORD, ConversionReport())


def test_other_fields_become_metadata(tmp_path: Path) -> None:
    record, _ = read_item(
        FORMAT, tmp_path / "a.jsonl", {**ITEM, "dataset": "x", "_url": ["u", "v"]}
    )
    assert record.meta == {**RECORD.meta, "dataset": "x", "_url": ["u", "v"]}


@pytest.mark.parametrize(
    ("field", "value", "lost"),
    [
        ("clusters", [[[0, 1], [4, 4]], [[6, 6], [7, 7]]], {"coreference clusters": 2}),
        ("event_clusters", [[[2, 2], [5, 5]], []], {"coreference clusters": 1}),
        ("events", [[], [[[5, "Meet"], [4, 4, "Who"]], [[5, "Talk"]]]], {"events": 2}),
        ("predicted_ner", [[], [[6, 6, "PER", 3.1, 0.9]]], {"predictions": 1}),
        ("predicted_events", [[], []], {"predictions": 1}),
    ],
)
def test_coreference_events_and_predictions_are_counted(
    field: str, value: Any, lost: dict[str, int], tmp_path: Path
) -> None:
    record, report = read_item(FORMAT, tmp_path / "a.jsonl", {**ITEM, field: value})
    assert record == RECORD
    assert report.losses == lost


def test_what_is_missing_is_unannotated(tmp_path: Path) -> None:
    record, _ = read_item(FORMAT, tmp_path / "a.jsonl", without("relations"))
    assert (record.has_entities, record.has_relations) == (True, False)
    record, _ = read_item(FORMAT, tmp_path / "a.jsonl", without("ner", "relations"))
    assert (record.has_entities, record.has_relations) == (False, False)


@pytest.mark.parametrize(
    ("ner", "relation"),
    [
        (ITEM["ner"], [4, 4, 5, 5, "met"]),
        ([[], [[4, 4, "PER"], [4, 4, "X"], [6, 6, "PER"]]], [4, 4, 6, 6, "met"]),
    ],
    ids=["no entity", "two entities"],
)
def test_relations_whose_ends_are_not_clear_are_lost(
    ner: Any, relation: Any, tmp_path: Path
) -> None:
    path = tmp_path / "a.jsonl"
    record, report = read_item(FORMAT, path, {**ITEM, "ner": ner, "relations": [[], [relation]]})
    assert record.relations == []
    assert report.lost == {
        UNFOUND: [f"{path}, line 1: met between the tokens {relation[:4]}"],
    }


# Writing


def test_the_file_says_what_dygie_reads(tmp_path: Path) -> None:
    written, report = write_record(FORMAT, tmp_path / "a.jsonl", RECORD)
    # DyGIE++ refuses other names that do not start with _, and lists of other lengths.
    assert written == {
        **ITEM,
        "_text": ["Ada Lovelace wrote . ", "She met Babbage ."],
        "_meta": [{}, {}],
    }
    assert report == ConversionReport()


def test_a_text_without_known_sentences_is_one(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    record = replace(RECORD, meta={"weight": 2, "case": 7}, place=f"{path}, line 3")
    written, _ = write_record(FORMAT, tmp_path / "a.jsonl", record)
    assert written == {
        "doc_key": "in.jsonl, line 3",
        "weight": 2,
        "sentences": [[word for sentence in ITEM["sentences"] for word in sentence]],
        "_text": [RECORD.text],
        "_meta": [{"case": 7}],
        "ner": [[entity for sentence in ITEM["ner"] for entity in sentence]],
        "relations": [ITEM["relations"][1]],
    }


@pytest.mark.parametrize("offsets", [None, "0", [0, "21"], [0, 99], [0, 0]])
def test_what_says_nothing_of_sentences_is_ignored(offsets: Any, tmp_path: Path) -> None:
    record = replace(RECORD, meta={"sentence_offsets": offsets})
    written, _ = write_record(FORMAT, tmp_path / "a.jsonl", record)
    assert len(written["sentences"]) == 1


def test_sentences_that_annotations_connect_are_written_as_one(tmp_path: Path) -> None:
    across = replace(
        RECORD,
        relations=[AnnotatedRelation(2, 0, "met")],
        meta={"sentence_offsets": [0, 19, 21, 37]},
    )
    written, report = write_record(FORMAT, tmp_path / "a.jsonl", across)
    assert [len(sentence) for sentence in written["sentences"]] == [7, 1]
    assert written["relations"] == [[[6, 6, 0, 1, "met"]], []]
    assert counts(report.chosen) == {JOINED: 1}


@given(record=tokenized_texts(), offsets=st.lists(st.integers(0, 16), max_size=3))
def test_what_has_a_place_of_its_own_is_read_as_it_was_written(
    record: AnnotatedText, offsets: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("dygie") / "records.jsonl"
    record = replace(record, meta={**record.meta, "id": 5, "sentence_offsets": offsets})
    _, report = write_record(FORMAT, path, record)
    different, lost = keep_first(record)
    aligned, misaligned = keep(different, is_aligned(record))
    places = Counter((entity.start, entity.end) for entity in aligned.entities)
    once = [places[entity.start, entity.end] == 1 for entity in aligned.entities]
    relations = [r for r in aligned.relations if once[r.head] and once[r.tail]]
    lost += misaligned + Counter({SHARED: len(aligned.relations) - len(relations)})
    [again] = FORMAT.read(path, ConversionReport(strict_all=True))
    again.meta.pop("sentence_offsets", None)
    meta = {name: value for name, value in record.meta.items() if name != "sentence_offsets"}
    assert (again.text, again.tokens, again.meta) == (record.text, record.tokens, meta)
    assert Counter(again.entities) == Counter(aligned.entities)
    assert triples(again) == triples(replace(aligned, relations=relations))
    assert report.losses == +lost


def triples(record: AnnotatedText) -> Counter[Any]:
    found = record.entities
    return Counter((found[r.head], r.label, found[r.tail]) for r in record.relations)


@pytest.mark.parametrize("missing", [{"has_relations": False}, {"has_entities": False}])
def test_what_is_unannotated_comes_back(missing: dict[str, bool], tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    record = replace(RECORD, entities=[], relations=[], **missing)
    write_record(FORMAT, path, record)
    assert list(FORMAT.read(path, ConversionReport())) == [record]


# Refusing

BAD_RECORDS: dict[str, tuple[Any, str]] = {
    "no object": (3, "not a JSON object"),
    "no key": (without("doc_key"), "'doc_key' is missing"),
    "no sentences": (without("sentences"), "'sentences' is missing"),
    "a sentence is text": ({**ITEM, "sentences": ["Ada"]}, "'sentences[0]' must be a list"),
    "a token is empty": ({**ITEM, "sentences": [["Ada", ""]]}, "must not be empty"),
    "an end is outside": ({**ITEM, "ner": [[[7, 8, "PER"]]]}, "7 to 9 (exclusive)"),
    "an offset is text": (
        {**ITEM, "ner": [[["0", 1, "PER"]]]},
        "'ner[0][0][0]' must be an integer",
    ),
    "no label": ({**ITEM, "ner": [[[0, 1]]]}, "must be a list of 3 values"),
    "a label is null": ({**ITEM, "ner": [[[0, 1, None]]]}, "must be a string, got None"),
    "entities are not in sentences": (
        {**ITEM, "ner": [[0, 1, "PER"]]},
        "'ner[0][0]' must be a list",
    ),
    "a relation has one end": (
        {**ITEM, "relations": [[[4, 4, "met"]]]},
        "must be a list of 5 values",
    ),
    "an end of a relation is outside": (
        {**ITEM, "relations": [[[4, 4, 8, 8, "met"]]]},
        "8 to 9 (exclusive)",
    ),
}


@pytest.mark.parametrize(("item", "problem"), BAD_RECORDS.values(), ids=BAD_RECORDS.keys())
def test_file_and_line_of_a_bad_record_are_named(item: Any, problem: str, tmp_path: Path) -> None:
    path = write_items(tmp_path / "bad.jsonl", ITEM, item)
    message = read_error(FORMAT, path)
    assert message.startswith(f"{path}, line 2: ")
    assert problem in message


@pytest.mark.parametrize("item", [ITEM, without("ner", "relations")])
def test_the_format_is_detected(item: Any, tmp_path: Path) -> None:
    assert detect(write_items(tmp_path / "a.json", item)) == "dygie"
