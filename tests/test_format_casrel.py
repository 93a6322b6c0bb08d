"""CasRel: triples of strings, without offsets and types."""

import re
from collections import Counter
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
from spacy_str_encoder.formats.casrel import FORMAT
from spacy_str_encoder.formats.occurrences import find_words
from spacy_str_encoder.formats.report import ConversionReport

from .json_files import counts, detect, read_error, read_item, write_items, write_record

UNTYPED = "entities without a type, read as 'Entity'"
ITEM: dict[str, Any] = {
    "text": "Iranian guests left Iran for Oslo.",
    "triple_list": [["Iran", "/location/contains", "Oslo"]],
    "id": 3,
}
RECORD = AnnotatedText(
    ITEM["text"],
    [AnnotatedEntity(20, 24, "Entity"), AnnotatedEntity(29, 33, "Entity")],
    [AnnotatedRelation(0, 1, "/location/contains")],
    meta={"id": 3},
)


def test_triples_are_found_and_the_missing_type_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    record, report = read_item(FORMAT, path, ITEM)
    assert record == RECORD
    place = f"{path}, text 1"
    assert report.chosen == {
        UNTYPED: [f"{place}: 'Iran' (Entity, 20-24)", f"{place}: 'Oslo' (Entity, 29-33)"]
    }
    assert not report.lost


def test_triples_whose_place_is_not_clear_are_counted(tmp_path: Path) -> None:
    triples = [["Iran", "x", "Bergen"], ["left", "x", "left"], ["a b", "x", "c"]]
    item = {"text": "left a b c, c a b", "triple_list": triples}
    record, report = read_item(FORMAT, tmp_path / "a.json", item)
    assert record.entities == [AnnotatedEntity(0, 4, "Entity")]
    assert record.relations == [AnnotatedRelation(0, 0, "x")]
    assert counts(report.lost) == {
        "triples with a string that is not in the text": 1,
        "triples with several possible positions": 1,
    }


@pytest.mark.parametrize(
    ("text", "string", "starts"),
    [
        ("Iranian Iran", "Iran", [8]),
        ("Iranian", "Iran", [0]),
        ("Iranian, Tehran-Iran, Iran", "Iran", [16, 22]),
        ("airman", "man", [3]),
        ("iPhone15 15", "15", [9]),
        ("糖尿病肾病", "糖尿病", [0]),
        ("糖尿病TIMI 3", "TIMI", [3]),
        ("病病", "病", [0, 1]),
    ],
)
def test_words_are_preferred_to_parts_of_words(text: str, string: str, starts: list[int]) -> None:
    assert find_words(text, string) == [(start, start + len(string)) for start in starts]


@given(text=st.text("ab 1-", max_size=8), string=st.text("ab1", min_size=1, max_size=2))
def test_words_are_those_of_regular_expressions(text: str, string: str) -> None:
    parts = [match.start() for match in re.finditer(f"(?={string})", text)]
    words = [match.start() for match in re.finditer(rf"(?=\b{string}\b)", text)]
    assert [start for start, _ in find_words(text, string)] == (words or parts)


def test_the_file_says_what_casrel_reads(tmp_path: Path) -> None:
    assert write_record(FORMAT, tmp_path / "a.json", RECORD) == (ITEM, ConversionReport())


def test_types_and_what_triples_can_not_hold_is_counted(tmp_path: Path) -> None:
    entities = [
        AnnotatedEntity(20, 24, "Country"),
        AnnotatedEntity(20, 24, "Place"),
        AnnotatedEntity(29, 33, "Entity"),
        AnnotatedEntity(0, 4, "Place"),
    ]
    relations = [AnnotatedRelation(i, 2, "r") for i in (0, 1, 3)]
    record = AnnotatedText(ITEM["text"], entities, relations)
    written, report = write_record(FORMAT, tmp_path / "a.json", record)
    assert written["triple_list"] == [["Iran", "r", "Oslo"]] * 2
    assert report.losses == {
        "relations whose strings would be read at another position": 1,
        "entities without relations": 1,
        "types of entities": 2,
        "duplicate entities": 1,
    }


@given(text=st.text("ab -", min_size=1, max_size=9), data=st.data())
def test_what_is_written_is_read_again(
    text: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    offsets = st.tuples(st.integers(0, len(text)), st.integers(0, len(text)))
    places = data.draw(st.lists(offsets.filter(lambda each: each[0] < each[1]), max_size=4))
    entities = [AnnotatedEntity(*place, "Entity") for place in dict.fromkeys(places)]
    indices = st.integers(0, max(0, len(entities) - 1))
    relations = st.lists(st.builds(AnnotatedRelation, indices, indices, st.sampled_from("XY")))
    record = AnnotatedText(text, entities, data.draw(relations) if entities else [])
    path = tmp_path_factory.mktemp("casrel") / "a.json"
    _, report = write_record(FORMAT, path, record)
    [found] = FORMAT.read(path, ConversionReport(strict_all=True))
    lost = report.losses["relations whose strings would be read at another position"]
    assert triples(found) <= triples(record)
    assert triples(found).total() == triples(record).total() - lost


def triples(record: AnnotatedText) -> Counter[Any]:
    found = record.entities
    return Counter((found[r.head], r.label, found[r.tail]) for r in record.relations)


BAD_RECORDS: dict[str, tuple[Any, str]] = {
    "no object": ("text", "not a JSON object"),
    "no text": ({"triple_list": []}, "'text' is missing"),
    "text is null": ({"text": None, "triple_list": []}, "'text' must be a string"),
    "no triples": ({"text": "a"}, "'triple_list' is missing"),
    "triples are null": ({"text": "a", "triple_list": None}, "'triple_list' must be a list"),
    "a triple is text": ({"text": "a", "triple_list": ["abc"]}, "'triple_list[0]' must be a list"),
    "a triple is short": ({"text": "a", "triple_list": [["a", "b"]]}, "must be a list of 3 values"),
    "a subject is empty": ({"text": "a", "triple_list": [["", "r", "a"]]}, "must not be empty"),
    "an object is a number": ({"text": "a", "triple_list": [["a", "r", 3]]}, "got 3"),
}


@pytest.mark.parametrize(("item", "problem"), BAD_RECORDS.values(), ids=BAD_RECORDS.keys())
def test_file_and_line_of_a_bad_record_are_named(item: Any, problem: str, tmp_path: Path) -> None:
    path = write_items(tmp_path / "bad.jsonl", ITEM, item)
    message = read_error(FORMAT, path)
    assert message.startswith(f"{path}, line 2: ")
    assert problem in message


def test_the_format_is_detected(tmp_path: Path) -> None:
    assert detect(write_items(tmp_path / "a.json", ITEM)) == "casrel"
