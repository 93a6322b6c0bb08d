"""SpERT's JSON: entities count tokens, the end is exclusive."""

from pathlib import Path
from typing import Any

import pytest
import spacy
from hypothesis import given

from spacy_str_encoder.formats.annotated_text import (
    AnnotatedEntity,
    AnnotatedRelation,
    AnnotatedText,
)
from spacy_str_encoder.formats.report import ConversionReport, LossError
from spacy_str_encoder.formats.spert import FORMAT
from spacy_str_encoder.formats.writer import TextWriter

from .json_files import detect, read_error, read_item, write_items, write_record
from .token_texts import MISALIGNED, UNCONNECTED, is_aligned, keep, tokenized_texts

# As SpERT's scripts write it.
ENGLISH: dict[str, Any] = {
    "tokens": ["Ada", "Lovelace", "was", "born", "in", "London", "."],
    "entities": [
        {"type": "Peop", "start": 0, "end": 2},
        {"type": "Loc", "start": 5, "end": 6},
    ],
    "relations": [{"type": "Live_In", "head": 0, "tail": 1}],
    "orig_id": 7,
}
CHINESE: dict[str, Any] = {
    "tokens": ["前降支", "近段", "狭窄", "约", "70", "%", "。"],
    "entities": [
        {"type": "Degree", "start": 2, "end": 6},
        {"type": "Location", "start": 1, "end": 2},
        {"type": "Body", "start": 0, "end": 1},
    ],
    "relations": [{"type": "Modifier", "head": 0, "tail": 1}],
}


def test_tokens_are_joined_to_a_text_and_entities_found_in_it(tmp_path: Path) -> None:
    path = write_items(tmp_path / "good.json", ENGLISH, CHINESE)
    assert list(FORMAT.read(path, ConversionReport(strict_all=True))) == [
        AnnotatedText(
            "Ada Lovelace was born in London .",
            [AnnotatedEntity(0, 12, "Peop"), AnnotatedEntity(25, 31, "Loc")],
            [AnnotatedRelation(0, 1, "Live_In")],
            [(0, 3), (4, 12), (13, 16), (17, 21), (22, 24), (25, 31), (32, 33)],
            {"orig_id": 7},
        ),
        AnnotatedText(
            "前降支近段狭窄约 70 % 。",
            [
                AnnotatedEntity(5, 13, "Degree"),
                AnnotatedEntity(3, 5, "Location"),
                AnnotatedEntity(0, 3, "Body"),
            ],
            [AnnotatedRelation(0, 1, "Modifier")],
            [(0, 3), (3, 5), (5, 7), (7, 8), (9, 11), (12, 13), (14, 15)],
        ),
    ]


def test_tokens_are_found_in_the_text_if_it_is_there(tmp_path: Path) -> None:
    item = {**CHINESE, "text": "前降支近段\r\n狭窄约70%。 "}
    record, _ = read_item(FORMAT, tmp_path / "good.json", item)
    assert record.text == item["text"]
    assert record.entities[0] == AnnotatedEntity(7, 13, "Degree")
    assert record.tokens == [(0, 3), (3, 5), (7, 9), (9, 10), (10, 12), (12, 13), (13, 14)]


@pytest.mark.parametrize("text", [{}, {"text": "a \n 😀 b"}], ids=["no text", "text"])
def test_tokens_of_white_space_are_counted_but_not_kept(text: Any, tmp_path: Path) -> None:
    item = {"tokens": ["a", "\n", " ", "😀", "b"], "relations": [], **text}
    item["entities"] = [{"type": "X", "start": 3, "end": 5}]
    record, _ = read_item(FORMAT, tmp_path / "good.json", item)
    [entity], tokens = record.entities, record.tokens or []
    assert record.text[entity.start : entity.end] == "😀 b"
    assert [record.text[start:end] for start, end in tokens] == ["a", "😀", "b"]


@given(record=tokenized_texts())
def test_what_aligns_with_tokens_is_read_as_it_was_written(
    record: AnnotatedText, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("spert") / "records.json"
    _, report = write_record(FORMAT, path, record)
    expected, lost = keep(record, is_aligned(record))
    assert list(FORMAT.read(path, ConversionReport(strict_all=True))) == [expected]
    assert report.losses == lost


def test_the_file_says_what_spert_reads(tmp_path: Path) -> None:
    record, _ = read_item(FORMAT, tmp_path / "good.json", ENGLISH)
    item, _ = write_record(FORMAT, tmp_path / "again.json", record)
    assert item == {**ENGLISH, "text": "Ada Lovelace was born in London ."}


def test_lost_entities_and_their_relations_are_named(tmp_path: Path) -> None:
    entities = [AnnotatedEntity(0, 2, "A"), AnnotatedEntity(0, 3, "B")]
    record = AnnotatedText(
        "abc", entities, [AnnotatedRelation(1, 0, "X")], [(0, 3)], place="a.txt, line 3"
    )
    item, report = write_record(FORMAT, tmp_path / "records.json", record)
    assert report.lost == {
        MISALIGNED: ["a.txt, line 3: 'ab' (A, 0-2)"],
        UNCONNECTED: ["a.txt, line 3: 'abc' X 'ab'"],
    }
    assert item["entities"] == [{"type": "B", "start": 0, "end": 1}]
    with pytest.raises(LossError, match="'ab'"):
        FORMAT.write([record], tmp_path / "strict.json", ConversionReport(strict_all=True))


def test_meta_data_with_the_name_of_a_field_are_lost(tmp_path: Path) -> None:
    record = AnnotatedText("ab", [], [], [(0, 2)], {"tokens": 3, "orig_id": 4}, "a.jsonl, line 1")
    item, report = write_record(FORMAT, tmp_path / "records.json", record)
    assert (item["tokens"], item["orig_id"]) == (["ab"], 4)
    reason = "metadata fields whose name the format uses itself"
    assert report.lost == {reason: ["a.jsonl, line 1: 'tokens'"]}


def test_other_fields_of_entities_and_relations_are_lost(tmp_path: Path) -> None:
    entity = {**ENGLISH["entities"][0], "score": 0.5}
    relation = {**ENGLISH["relations"][0], "tail": 0, "score": 0.25}
    item = {**ENGLISH, "entities": [entity], "relations": [relation]}
    path = tmp_path / "good.json"
    _, report = read_item(FORMAT, path, item)
    assert report.lost == {
        "unsupported fields of entities": [f"{path}, text 1: 'score': 0.5"],
        "unsupported fields of relations": [f"{path}, text 1: 'score': 0.25"],
    }


def test_texts_without_tokens_are_tokenized_first(tmp_path: Path) -> None:
    record = AnnotatedText("前降支 狭窄", [AnnotatedEntity(4, 6, "Degree")], [])
    path = tmp_path / "records.json"
    TextWriter(FORMAT, spacy.blank("zh"), ConversionReport(strict_all=True)).write([record], path)
    [found] = FORMAT.read(path, ConversionReport(strict_all=True))
    assert found.tokens == [(0, 1), (1, 2), (2, 3), (4, 5), (5, 6)]
    assert found.entities == record.entities


def without(field: str) -> dict[str, Any]:
    return {name: value for name, value in ENGLISH.items() if name != field}


def with_entity(**fields: Any) -> dict[str, Any]:
    entity = {"type": "Loc", "start": 5, "end": 6, **fields}
    return {**ENGLISH, "entities": [entity], "relations": []}


def with_relation(**fields: Any) -> dict[str, Any]:
    return {**ENGLISH, "relations": [{"type": "Live_In", "head": 0, "tail": 1, **fields}]}


ANYTHING = ""
BAD_RECORDS: dict[str, tuple[Any, str]] = {
    "no object": (["Ada", "Lovelace"], "not a JSON object"),
    "null": (None, "not a JSON object"),
    "no tokens": (without("tokens"), "'tokens' is missing"),
    "no entities": (without("entities"), "'entities' is missing"),
    "relations are null": ({**ENGLISH, "relations": None}, ANYTHING),
    "tokens are a text": ({**ENGLISH, "tokens": "Ada"}, "must be a list"),
    "a token is a number": ({**ENGLISH, "tokens": [1]}, "must be a string, got 1"),
    "a token is empty": ({**ENGLISH, "tokens": ["Ada", ""]}, "a token must not be empty"),
    "a token is a lone surrogate": ({**ENGLISH, "tokens": ["\ud83d"]}, "lone surrogate"),
    "the text is a number": ({**ENGLISH, "text": 3}, "must be a string, got 3"),
    "the text is another one": ({**ENGLISH, "text": "Ada was born."}, "'Lovelace' at 3"),
    "the text goes on": ({**ENGLISH, "text": "Ada Lovelace was born in London . So"}, "33"),
    "entities are null": ({**ENGLISH, "entities": None}, ANYTHING),
    "an entity is a list": ({**ENGLISH, "entities": [[0, 2, "Peop"]]}, ANYTHING),
    "an entity lacks its end": (
        {**ENGLISH, "entities": [{"type": "Peop", "start": 0}]},
        "'end' is missing",
    ),
    "an entity ends outside": (with_entity(end=8), "the tokens 5 to 8"),
    "an entity begins outside": (with_entity(start=-1), "the tokens -1 to 6"),
    "an entity is empty": (with_entity(end=5), "the tokens 5 to 5"),
    "an entity ends before it begins": (with_entity(end=4), "the tokens 5 to 4"),
    "an offset is text": (
        with_entity(start="5"),
        "'entities[0].start' must be an integer, got '5'",
    ),
    "an offset is no integer": (
        with_entity(start=5.0),
        "'entities[0].start' must be an integer, got 5.0",
    ),
    "an offset is null": (with_entity(end=None), "'entities[0].end' must be an integer, got None"),
    "a type is null": (with_entity(type=None), "must be a string, got None"),
    "a type is empty": (with_entity(type=""), "must not be empty"),
    "an index is too high": (with_relation(tail=2), "0-2"),
    "an index is negative": (with_relation(head=-1), "-1-1"),
    "an index is text": (with_relation(head="0"), "'0'"),
    "a label is a number": (with_relation(type=3), "must be a string, got 3"),
    "a relation is a list": ({**ENGLISH, "relations": [[0, 1, "Live_In"]]}, ANYTHING),
}


@pytest.mark.parametrize(("item", "problem"), BAD_RECORDS.values(), ids=BAD_RECORDS.keys())
def test_file_and_number_of_a_bad_record_are_named(item: Any, problem: str, tmp_path: Path) -> None:
    path = write_items(tmp_path / "bad.json", ENGLISH, item)
    message = read_error(FORMAT, path)
    assert message.startswith(f"{path}, text 2: ")
    assert problem in message


def test_texts_without_the_field_have_unannotated_relations(tmp_path: Path) -> None:
    item = {**without("relations"), "tags": ["X"] * 7}
    record, _ = read_item(FORMAT, tmp_path / "a.json", item)
    assert (record.has_relations, record.meta["tags"]) == (False, ["X"] * 7)
    written, _ = write_record(FORMAT, tmp_path / "again.json", record)
    # SpERT needs the field.
    assert written["relations"] == []


@pytest.mark.parametrize("item", [without("relations"), {"tokens": ["So"], "entities": []}])
def test_texts_without_relations_are_found_out(item: Any, tmp_path: Path) -> None:
    assert detect(write_items(tmp_path / "a.json", item)) == "spert"


def test_json_lines_of_texts_and_tokens_alone_are_no_spert(tmp_path: Path) -> None:
    item = {"text": "So.", "tokens": ["So", "."], "entities": []}
    assert detect(write_items(tmp_path / "a.jsonl", item)) == "jsonl"


def test_the_format_is_found_out(tmp_path: Path) -> None:
    empty = {"tokens": ["So", "."], "entities": [], "relations": [], "text": "So."}
    path = write_items(tmp_path / "good.json", empty, CHINESE)
    assert detect(path) == "spert"
