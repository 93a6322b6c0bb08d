"""UBIAI: entities have offsets of characters, relations name the first tokens of entities."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from spacy_str_encoder.formats.annotated_text import (
    AnnotatedEntity,
    AnnotatedRelation,
    AnnotatedText,
)
from spacy_str_encoder.formats.entities import UNFOUND
from spacy_str_encoder.formats.report import ConversionReport
from spacy_str_encoder.formats.ubiai import FORMAT

from .json_files import counts, detect, read_error, read_item, write_items


def span(text: str, start: int, first: int, label: str, **fields: Any) -> dict[str, Any]:
    last = first + text.count(" ")
    place = {"text": text, "start": start, "end": start + len(text)}
    return {**place, "token_start": first, "token_end": last, "entityLabel": label, **fields}


MS, YEARS = span("MS", 0, 0, "DIPLOMA"), span("2 years", 6, 3, "EXPERIENCE")
ITEM: dict[str, Any] = {
    "document": "MS or 2 years of work",
    "tokens": [MS, YEARS, span("work", 17, 6, "SKILL")],
    "relations": [{"child": 6, "head": 3, "relationLabel": "EXPERIENCE_IN"}],
    "name": "a.txt",
}
RECORD = AnnotatedText(
    ITEM["document"],
    [
        AnnotatedEntity(0, 2, "DIPLOMA"),
        AnnotatedEntity(6, 13, "EXPERIENCE"),
        AnnotatedEntity(17, 21, "SKILL"),
    ],
    [AnnotatedRelation(1, 2, "EXPERIENCE_IN")],
    meta={"name": "a.txt"},
)


def with_relation(**fields: Any) -> dict[str, Any]:
    return {**ITEM, "relations": [{**ITEM["relations"][0], **fields}]}


def without(field: str) -> dict[str, Any]:
    return {name: value for name, value in ITEM.items() if name != field}


def test_relations_name_the_first_tokens_of_entities(tmp_path: Path) -> None:
    assert read_item(FORMAT, tmp_path / "a.json", ITEM) == (RECORD, ConversionReport())


@pytest.mark.parametrize("end", [4, 1, None])
def test_relations_of_other_tokens_are_lost(end: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    record, report = read_item(FORMAT, path, with_relation(child=end))
    assert record.relations == []
    case = f"{path}, text 1: EXPERIENCE_IN between the tokens 3 and {end}"
    assert report.lost == {UNFOUND: [case]}


def test_relations_of_one_of_several_entities_are_lost(tmp_path: Path) -> None:
    item = {**ITEM, "tokens": [*ITEM["tokens"], span("2", 6, 3, "NUMBER")]}
    record, report = read_item(FORMAT, tmp_path / "a.json", item)
    assert (len(record.entities), record.relations) == (4, [])
    assert counts(report.lost) == {UNFOUND: 1}


def test_relations_are_lost_if_entities_lack_their_tokens(tmp_path: Path) -> None:
    tokens = [
        {name: value for name, value in span.items() if not name.startswith("token_")}
        for span in ITEM["tokens"]
    ]
    path = tmp_path / "a.json"
    item = {**ITEM, "tokens": tokens[:1]}
    item["relations"] = [*ITEM["relations"], {"child": None, "head": None, "relationLabel": "X"}]
    record, report = read_item(FORMAT, path, item)
    assert record == replace(RECORD, entities=RECORD.entities[:1], relations=[])
    assert report.lost == {
        UNFOUND: [
            f"{path}, text 1: EXPERIENCE_IN between the tokens 3 and 6",
            f"{path}, text 1: X between the tokens None and None",
        ]
    }
    assert detect(path) == "ubiai"


def test_unknown_fields_are_counted(tmp_path: Path) -> None:
    item = {**with_relation(score=1), "tokens": [{**MS, "id": 1}, *ITEM["tokens"][1:]]}
    record, report = read_item(FORMAT, tmp_path / "a.json", item)
    assert record == RECORD
    assert report.losses == {
        "unsupported fields of entities": 1,
        "unsupported fields of relations": 1,
    }


def test_texts_without_the_field_have_unannotated_relations(tmp_path: Path) -> None:
    record, report = read_item(FORMAT, tmp_path / "a.json", without("relations"))
    assert not record.has_relations
    assert counts(report.chosen) == {}


BAD_RECORDS: dict[str, tuple[Any, str]] = {
    "no object": (3, "not a JSON object"),
    "no text": (without("document"), "'document' is missing"),
    "no entities": (without("tokens"), "'tokens' is missing"),
    "another text": (
        {**ITEM, "tokens": [{**MS, "text": "BS"}]},
        "the entity 0-2 must have the text 'BS', got 'MS'",
    ),
    "an end is outside": ({**ITEM, "tokens": [{**MS, "start": 19, "end": 30, "text": "rk"}]}, "30"),
    "a label is null": ({**ITEM, "tokens": [{**MS, "entityLabel": None}]}, "got None"),
    "no head": ({**ITEM, "relations": [{"child": 0, "relationLabel": "X"}]}, "'head' is missing"),
    "a label is a number": (with_relation(relationLabel=3), "must be a string, got 3"),
    "relations are null": ({**ITEM, "relations": None}, ""),
}


@pytest.mark.parametrize(("item", "problem"), BAD_RECORDS.values(), ids=BAD_RECORDS.keys())
def test_file_and_number_of_a_bad_record_are_named(item: Any, problem: str, tmp_path: Path) -> None:
    path = write_items(tmp_path / "bad.json", ITEM, item)
    message = read_error(FORMAT, path)
    assert message.startswith(f"{path}, text 2: ")
    assert problem in message


def test_the_format_is_detected(tmp_path: Path) -> None:
    assert detect(write_items(tmp_path / "a.json", ITEM)) == "ubiai"
