"""What GLiREL trains on: relations name the places of their entities."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from spacy_str_encoder.formats.annotated_text import (
    AnnotatedEntity,
    AnnotatedRelation,
    AnnotatedText,
)
from spacy_str_encoder.formats.glirel import FORMAT
from spacy_str_encoder.formats.report import ConversionReport

from .json_files import detect, read_error, read_item, write_items, write_record
from .token_texts import UNFOUND, is_aligned, keep, keep_first, tokenized_texts


def end(mention: str, first: int, last: int, label: str) -> dict[str, Any]:
    return {"mention": mention, "position": [first, last], "type": label}


LOVELACE = end("Ada Lovelace", 0, 1, "PER")
ACME = end("Acme", 3, 3, "ORG")
ENGLISH: dict[str, Any] = {
    "ner": [[3, 3, "ORG", "Acme"], [0, 1, "PER", "Ada Lovelace"]],
    "relations": [{"head": LOVELACE, "tail": ACME, "relation_text": "works for"}],
    "tokenized_text": ["Ada", "Lovelace", "joined", "Acme", "."],
    "title": "Lovelace",
}
CHINESE: dict[str, Any] = {
    "ner": [[0, 1, "部位", "前降支近段"], [2, 2, "程度", "狭窄"]],
    "relations": [
        {
            "head": end("狭窄", 2, 2, "程度"),
            "tail": end("前降支近段", 0, 1, "部位"),
            "relation_text": "修饰",
        }
    ],
    "tokenized_text": ["前降支", "近段", "狭窄", "。"],
}
ENGLISH_RECORD = AnnotatedText(
    "Ada Lovelace joined Acme .",
    [AnnotatedEntity(20, 24, "ORG"), AnnotatedEntity(0, 12, "PER")],
    [AnnotatedRelation(1, 0, "works for")],
    [(0, 3), (4, 12), (13, 19), (20, 24), (25, 26)],
    {"title": "Lovelace"},
)


def test_relations_name_their_entities_by_place(tmp_path: Path) -> None:
    path = write_items(tmp_path / "good.jsonl", ENGLISH, CHINESE)
    assert list(FORMAT.read(path, ConversionReport(strict_all=True))) == [
        ENGLISH_RECORD,
        AnnotatedText(
            "前降支近段狭窄。",
            [AnnotatedEntity(0, 5, "部位"), AnnotatedEntity(5, 7, "程度")],
            [AnnotatedRelation(1, 0, "修饰")],
            [(0, 3), (3, 5), (5, 7), (7, 8)],
        ),
    ]


def test_what_an_entity_is_called_may_differ_in_white_space(tmp_path: Path) -> None:
    head = end("Ada  Lovelace", 0, 1, "PER")
    relation = {**ENGLISH["relations"][0], "head": head}
    item = {**ENGLISH, "ner": [[3, 3, "ORG"], [0, 1, "PER", "AdaLovelace"]]}
    record, report = read_item(FORMAT, tmp_path / "good.jsonl", {**item, "relations": [relation]})
    assert record == ENGLISH_RECORD
    assert report == ConversionReport()


def with_ends(head: dict[str, Any], tail: dict[str, Any] = ACME, **fields: Any) -> dict[str, Any]:
    relation = {"head": head, "tail": tail, "relation_text": "works for", **fields}
    return {**ENGLISH, "relations": [relation]}


@pytest.mark.parametrize(("label", "head"), [("PER", 1), ("X", 2)])
def test_the_type_decides_among_entities_at_one_place(
    label: str, head: int, tmp_path: Path
) -> None:
    item = with_ends({**LOVELACE, "type": label})
    item["ner"] = [*item["ner"], [0, 1, "X", "Ada Lovelace"]]
    record, report = read_item(FORMAT, tmp_path / "good.jsonl", item)
    assert record.relations == [AnnotatedRelation(head, 0, "works for")]
    assert report == ConversionReport()


def test_another_type_does_not_matter_where_one_entity_is(tmp_path: Path) -> None:
    path = tmp_path / "good.jsonl"
    record, report = read_item(FORMAT, path, with_ends({**LOVELACE, "type": "Q7259"}))
    assert record == ENGLISH_RECORD
    reason = "entities whose label differs from that in a relation"
    case = f"{path}, line 1: 'Ada Lovelace' (PER, 0-12), not 'Q7259'"
    assert report.chosen == {reason: [case]}


@pytest.mark.parametrize(
    "item",
    [
        with_ends(end("Lovelace", 1, 1, "PER")),
        with_ends(ACME, end("joined Acme", 2, 3, "ORG")),
        {**with_ends({**LOVELACE, "type": "X"}), "ner": [*ENGLISH["ner"], [0, 1, "Y"]]},
    ],
    ids=["head", "tail", "one of several"],
)
def test_relations_of_what_is_no_entity_are_lost(item: Any, tmp_path: Path) -> None:
    path = tmp_path / "good.jsonl"
    record, report = read_item(FORMAT, path, item)
    assert record.relations == []
    ends = [item["relations"][0][name]["position"] for name in ("head", "tail")]
    case = f"{path}, line 1: works for between the tokens {ends[0]} and {ends[1]}"
    assert report.lost == {UNFOUND: [case]}


def test_other_fields_of_relations_are_lost(tmp_path: Path) -> None:
    path = tmp_path / "good.jsonl"
    item = with_ends({**LOVELACE, "h_idx": 3}, relation_id="P108")
    record, report = read_item(FORMAT, path, item)
    assert record == ENGLISH_RECORD
    assert report.lost == {
        "unsupported fields of heads and tails": [f"{path}, line 1: 'h_idx': 3"],
        "unsupported fields of relations": [f"{path}, line 1: 'relation_id': 'P108'"],
    }


@given(record=tokenized_texts())
def test_what_aligns_with_tokens_is_read_as_it_was_written(
    record: AnnotatedText, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("glirel") / "records.jsonl"
    _, report = write_record(FORMAT, path, record)
    different, repeated = keep_first(record)
    expected, misaligned = keep(different, is_aligned(record))
    assert list(FORMAT.read(path, ConversionReport(strict_all=True))) == [expected]
    assert report.losses == repeated + misaligned


@pytest.mark.parametrize("item", [ENGLISH, CHINESE], ids=["English", "Chinese"])
def test_the_file_says_what_glirel_reads(item: Any, tmp_path: Path) -> None:
    record, _ = read_item(FORMAT, tmp_path / "good.jsonl", item)
    again, _ = write_record(FORMAT, tmp_path / "again.jsonl", record)
    assert again == {**item, "text": record.text}


def without(field: str) -> dict[str, Any]:
    return {name: value for name, value in ENGLISH.items() if name != field}


ANYTHING = ""
BAD_RECORDS: dict[str, tuple[Any, str]] = {
    "no object": (3, "not a JSON object"),
    "no tokens": (without("tokenized_text"), "'tokenized_text' is missing"),
    "no entities": (without("ner"), "'ner' is missing"),
    "no relations": (without("relations"), "'relations' is missing"),
    "relations are null": ({**ENGLISH, "relations": None}, ANYTHING),
    "an end is exclusive": (
        {**ENGLISH, "ner": [[0, 2, "PER", "Ada Lovelace"]]},
        "the tokens 0 to 2 (inclusive) must be 'Ada Lovelace', got 'Ada Lovelace joined'",
    ),
    "an end is outside": ({**ENGLISH, "ner": [[3, 5, "ORG", "Acme"]]}, "3 to 6 (exclusive)"),
    "a mention is another one": (
        with_ends({**LOVELACE, "mention": "Lovelace"}),
        "the tokens 0 to 1 (inclusive) must be 'Lovelace', got 'Ada Lovelace'",
    ),
    "a mention is a number": (with_ends({**LOVELACE, "mention": 3}), ANYTHING),
    "a position is outside": (with_ends({**LOVELACE, "position": [4, 5]}), "4 to 6 (exclusive)"),
    "a position is text": (
        with_ends({**LOVELACE, "position": ["0", 1]}),
        "'relations[0].head.position[0]' must be an integer, got '0'",
    ),
    "a position is a number": (with_ends({**LOVELACE, "position": 0}), ANYTHING),
    "a position has one number": (with_ends({**LOVELACE, "position": [0]}), ANYTHING),
    "no position": (with_ends({"mention": "Acme"}), "'position' is missing"),
    "no head": ({**ENGLISH, "relations": [{"relation_text": "X", "tail": ACME}]}, "'head'"),
    "no label": ({**ENGLISH, "relations": [{"head": LOVELACE, "tail": ACME}]}, "'relation_text'"),
    "a label is null": (with_ends(LOVELACE, relation_text=None), "must be a string, got None"),
    "a relation is a list": ({**ENGLISH, "relations": [[0, 1, "X"]]}, ANYTHING),
}


@pytest.mark.parametrize(("item", "problem"), BAD_RECORDS.values(), ids=BAD_RECORDS.keys())
def test_file_and_line_of_a_bad_record_are_named(item: Any, problem: str, tmp_path: Path) -> None:
    path = write_items(tmp_path / "bad.jsonl", ENGLISH, item)
    message = read_error(FORMAT, path)
    assert message.startswith(f"{path}, line 2: ")
    assert problem in message


def test_the_format_is_found_out(tmp_path: Path) -> None:
    empty = {"tokenized_text": ["So"], "ner": [], "relations": []}
    path = write_items(tmp_path / "good.jsonl", empty, CHINESE)
    assert detect(path) == "glirel"
