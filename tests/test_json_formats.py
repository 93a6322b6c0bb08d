"""The authors' JSON and JSON lines: what is read, written and refused."""

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc

from spacy_str_encoder.formats import authors_json, jsonl
from spacy_str_encoder.formats.annotated_text import (
    AnnotatedEntity,
    AnnotatedRelation,
    AnnotatedText,
)
from spacy_str_encoder.formats.docs import to_docs
from spacy_str_encoder.formats.format import Format
from spacy_str_encoder.formats.report import ConversionReport

from .annotated_texts import ANY_ATTRIBUTES, NO_ATTRIBUTES, Read, any_records, contents, reader
from .json_files import detect

# The begin, end and label of an entity; a relation by the texts, or the begins, of head and tail.
Entity = tuple[int, int, str]
Triple = tuple[str, str, str]
Arc = tuple[int, int, str]

ASSETS = Path(__file__).parents[1] / "assets" / "coronary"
TEXT = "前降支近段狭窄"
RECORD = AnnotatedText(
    TEXT,
    [
        AnnotatedEntity(0, 3, "Body"),
        AnnotatedEntity(3, 5, "Location"),
        AnnotatedEntity(5, 7, "Degree"),
    ],
    [AnnotatedRelation(0, 1, "Position"), AnnotatedRelation(2, 1, "Modifier")],
)
AUTHORS: dict[str, Any] = {
    "text": TEXT,
    "entities": [[0, 3, "前降支", "Body"], [3, 5, "近段", "Location"], [5, 7, "狭窄", "Degree"]],
    "relations": [[0, 1, "Position_1_2"], [1, 2, "Modifier_2_1"]],
}
LINE: dict[str, Any] = {
    "text": TEXT,
    "entities": [
        {"start": 0, "end": 3, "label": "Body"},
        {"start": 3, "end": 5, "label": "Location"},
        {"start": 5, "end": 7, "label": "Degree"},
    ],
    "relations": [
        {"head": 0, "tail": 1, "label": "Position"},
        {"head": 2, "tail": 1, "label": "Modifier"},
    ],
}

FORMATS: dict[str, Format] = {"authors_json": authors_json.FORMAT, "jsonl": jsonl.FORMAT}
# Of the attributes that texts may have, those that a format keeps.
ATTRIBUTES = {"authors_json": NO_ATTRIBUTES, "jsonl": ANY_ATTRIBUTES}
READERS: dict[str, Read] = {name: reader(format) for name, format in FORMATS.items()}

all_formats = pytest.mark.parametrize("name", FORMATS)


def to_bytes(name: str, *items: Any, new_line: str = "\n") -> bytes:
    """Write records in a format; they may hold what no reader should accept."""
    lines = [json.dumps(item) for item in items]
    text = f",{new_line}".join(lines) if name == "authors_json" else new_line.join(lines)
    return (f"[{new_line}{text}{new_line}]" if name == "authors_json" else text).encode()


def good_item(name: str) -> dict[str, Any]:
    return AUTHORS if name == "authors_json" else LINE


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def convert(
    records: Iterable[AnnotatedText], language: str = "zh"
) -> tuple[list[Doc], ConversionReport]:
    report = ConversionReport()
    return list(to_docs(records, spacy.blank(language), report)), report


def read_entities(doc: Doc) -> list[Entity]:
    return [(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents]


def read_triples(doc: Doc) -> list[Triple]:
    return [(r.head.text, r.tail.text, r.label) for r in doc._.relations]


def read_arcs(doc: Doc) -> list[Arc]:
    return [(r.head.start_char, r.tail.start_char, r.label) for r in doc._.relations]


# Reading


@all_formats
def test_offsets_and_directions_are_those_of_the_file(name: str, tmp_path: Path) -> None:
    path = write(tmp_path / "good.json", to_bytes(name, good_item(name)))
    records = list(READERS[name](path))
    assert records == [RECORD]
    docs, _ = convert(records)
    assert read_entities(docs[0]) == [(0, 3, "Body"), (3, 5, "Location"), (5, 7, "Degree")]
    assert read_triples(docs[0]) == [("前降支", "近段", "Position"), ("狭窄", "近段", "Modifier")]


def to_authors_item(record: AnnotatedText) -> dict[str, Any]:
    text = record.text
    return {
        "text": text,
        "entities": [[e.start, e.end, text[e.start : e.end], e.label] for e in record.entities],
        "relations": [
            [r.head, r.tail, f"{r.label}_1_2"]
            if r.head < r.tail
            else [r.tail, r.head, f"{r.label}_2_1"]
            for r in record.relations
        ],
    }


def to_entity(entity: AnnotatedEntity) -> dict[str, Any]:
    fields = {name: value for name, value in vars(entity).items() if name != "identifiers"}
    return {**fields, **entity.identifiers}


def to_line(record: AnnotatedText) -> dict[str, Any]:
    return {
        "text": record.text,
        "entities": [to_entity(entity) for entity in record.entities],
        "relations": [vars(relation) for relation in record.relations],
    }


@given(expected=st.lists(any_records(), max_size=3))
def test_authors_json_reads_what_was_written(
    expected: list[AnnotatedText], tmp_path_factory: pytest.TempPathFactory
) -> None:
    content = json.dumps([to_authors_item(record) for record in expected], ensure_ascii=False)
    path = tmp_path_factory.mktemp("authors") / "records.json"
    assert list(READERS["authors_json"](write(path, content.encode()))) == expected


@given(expected=st.lists(any_records(ANY_ATTRIBUTES), max_size=3))
def test_jsonl_reads_what_was_written(
    expected: list[AnnotatedText], tmp_path_factory: pytest.TempPathFactory
) -> None:
    lines = [json.dumps(to_line(record), ensure_ascii=False) for record in expected]
    path = tmp_path_factory.mktemp("jsonl") / "records.jsonl"
    assert list(READERS["jsonl"](write(path, "\n".join(lines).encode()))) == expected


FIELDS: dict[str, Any] = {"id": 7, "评论": ["无", None], "unseen": True}


@all_formats
@given(data=st.data())
@pytest.mark.parametrize("suffix", [".json", ".jsonl"])
def test_what_was_written_is_read_again(
    name: str, suffix: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    expected = data.draw(st.lists(any_records(ATTRIBUTES[name]), max_size=3))
    expected = [replace(r, meta=data.draw(st.sampled_from([{}, FIELDS]))) for r in expected]
    path = tmp_path_factory.mktemp("formats") / f"records{suffix}"
    FORMATS[name].write(expected, path, ConversionReport(strict_all=True))
    assert list(map(contents, READERS[name](path))) == list(map(contents, expected))


@given(st.lists(any_records(), max_size=3))
def test_authors_json_is_written_in_text_order(records: list[AnnotatedText]) -> None:
    for record in records:
        item = authors_json.serialize(record, ConversionReport(strict_all=True))
        assert item["entities"] == sorted(item["entities"])
        assert all(first <= second for first, second, _ in item["relations"])


TOKENS = ["血流", "TIMI", "3", "级", "😀", "。"]


def test_jsonl_keeps_tokens(tmp_path: Path) -> None:
    text = "血流TIMI  3级 😀。"
    item = {**LINE, "text": text, "tokens": TOKENS, "entities": [], "relations": []}
    path = write(tmp_path / "tokens.jsonl", to_bytes("jsonl", item))
    [record] = READERS["jsonl"](path)
    assert record.tokens is not None
    assert [text[start:end] for start, end in record.tokens] == TOKENS
    jsonl.FORMAT.write([record], tmp_path / "again.jsonl", ConversionReport())
    assert json.loads((tmp_path / "again.jsonl").read_text("utf-8")) == item


@all_formats
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["no mark", "byte order mark"])
@pytest.mark.parametrize("new_line", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_marks_and_line_ends_of_windows_make_no_difference(
    name: str, mark: bytes, new_line: str, tmp_path: Path
) -> None:
    content = mark + to_bytes(name, good_item(name), good_item(name), new_line=new_line)
    assert list(READERS[name](write(tmp_path / "good.json", content))) == [RECORD] * 2


def test_jsonl_leaves_out_blank_lines_and_keeps_unknown_fields(tmp_path: Path) -> None:
    line = json.dumps({**LINE, "id": 7}).encode()
    path = write(tmp_path / "good.jsonl", b"\n" + line + b"\n  \n" + line + b"\n\n")
    assert list(READERS["jsonl"](path)) == [replace(RECORD, meta={"id": 7})] * 2


def test_jsonl_tells_unannotated_attributes_from_none(tmp_path: Path) -> None:
    [body, location, degree] = LINE["entities"]
    attributed = [body, {**location, "attributes": {}}, {**degree, "attributes": {"Sure": "no"}}]
    item = {**LINE, "tokens": None, "entities": attributed}
    [record] = READERS["jsonl"](write(tmp_path / "in.jsonl", to_bytes("jsonl", item)))
    assert [each.attributes for each in record.entities] == [None, {}, {"Sure": "no"}]
    assert jsonl.serialize(record, ConversionReport(strict_all=True)) == item


def test_jsonl_accepts_the_right_text_of_an_entity_or_none(tmp_path: Path) -> None:
    [body, location, degree] = LINE["entities"]
    entities = [{**body, "text": "前降支"}, {**location, "text": None}, degree]
    path = write(tmp_path / "in.jsonl", to_bytes("jsonl", changed(LINE, entities=entities)))
    assert list(READERS["jsonl"](path)) == [RECORD]


def test_jsonl_reads_entities_that_are_lists(tmp_path: Path) -> None:
    entities = [[0, 3, "Body"], [3, 5, "Location"], [5, 7, "Degree"]]
    path = write(tmp_path / "in.jsonl", to_bytes("jsonl", changed(LINE, entities=entities)))
    assert list(READERS["jsonl"](path)) == [RECORD]


@pytest.mark.parametrize(
    ("entities", "name"),
    [
        ([[0, 3, "Body"]], "jsonl"),
        ([[0, 3, "前降支", "Body"]], "authors"),
        ([{"start": 0, "end": 3, "label": "Body"}], "jsonl"),
    ],
)
def test_entities_tell_the_format(entities: list[Any], name: str, tmp_path: Path) -> None:
    items = [{"text": TEXT, "entities": each, "relations": []} for each in ([], entities)]
    assert detect(write(tmp_path / "in.jsonl", to_bytes("jsonl", *items))) == name


def test_jsonl_tells_of_fields_that_a_record_cannot_hold(tmp_path: Path) -> None:
    item = {**LINE, "entities": [{**entity, "rank": 1} for entity in LINE["entities"]]}
    report = ConversionReport()
    path = write(tmp_path / "in.jsonl", to_bytes("jsonl", item))
    assert list(jsonl.FORMAT.read(path, report)) == [RECORD]
    assert report.losses == {"unsupported fields of entities": len(LINE["entities"])}


@pytest.mark.parametrize("score", [95, -0.5, True, "high", float("nan")])
def test_jsonl_reads_probabilities_alone_as_scores(score: Any, tmp_path: Path) -> None:
    item = {**LINE, "entities": [{**LINE["entities"][0], "score": score}], "relations": []}
    report = ConversionReport()
    [record] = jsonl.FORMAT.read(write(tmp_path / "in.jsonl", to_bytes("jsonl", item)), report)
    assert record.entities[0].score is None
    assert report.losses == {"unsupported fields of entities": 1}


def test_jsonl_without_relations_is_one_that_nobody_annotated(tmp_path: Path) -> None:
    item = without(LINE, "relations")
    path = write(tmp_path / "in.jsonl", to_bytes("jsonl", item))
    report = ConversionReport(strict_all=True)
    [record] = jsonl.FORMAT.read(path, report)
    assert (record.relations, record.has_relations) == ([], False)
    assert report.chosen == {}
    assert jsonl.serialize(record, report) == {**item, "tokens": None}


@pytest.mark.parametrize("name", ["train", "dev", "test_seen", "test_unseen", "handwritten"])
def test_every_entity_and_relation_of_the_demo_corpus_arrives(name: str) -> None:
    path = ASSETS / f"{name}.json"
    docs, report = convert(READERS["authors_json"](path))
    items = json.loads(path.read_text("utf-8"))
    assert report == ConversionReport()
    for doc, item in zip(docs, items, strict=True):
        entities = item["entities"]
        found = [[ent.start_char, ent.end_char, ent.text, ent.label_] for ent in doc.ents]
        assert found == entities
        starts = [start for start, *_ in entities]
        expected = [
            (starts[i], starts[j], label[:-4])
            if label.endswith("1_2")
            else (starts[j], starts[i], label[:-4])
            for i, j, label in item["relations"]
        ]
        assert sorted(read_arcs(doc)) == sorted(expected)


# Refusing


def changed(item: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {**item, **fields}


def without(item: dict[str, Any], field: str) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name != field}


def with_entity(*values: Any) -> dict[str, Any]:
    return changed(AUTHORS, entities=[values], relations=[])


def with_relation(*values: Any) -> dict[str, Any]:
    return changed(AUTHORS, relations=[values])


def with_entity_line(start: Any, end: Any, label: Any) -> dict[str, Any]:
    entity = {"start": start, "end": end, "label": label}
    return changed(LINE, entities=[entity], relations=[])


def with_entity_list(*values: Any) -> dict[str, Any]:
    return changed(LINE, entities=[values], relations=[])


def with_entity_text(start: Any, end: Any, text: Any) -> dict[str, Any]:
    entity = {"start": start, "end": end, "label": "Body", "text": text}
    return changed(LINE, entities=[entity], relations=[])


def with_relation_line(head: Any, tail: Any, label: Any) -> dict[str, Any]:
    return changed(LINE, relations=[{"head": head, "tail": tail, "label": label}])


def with_attributes(attributes: Any) -> dict[str, Any]:
    entity = {**LINE["entities"][0], "attributes": attributes}
    return changed(LINE, entities=[entity], relations=[])


LONE_SURROGATE = "\ud83d"
# For what an error says about a record that has the wrong shape.
ANYTHING = ""
BAD_AUTHORS_RECORDS: dict[str, tuple[Any, str]] = {
    "no object": ("text", ANYTHING),
    "null": (None, ANYTHING),
    "a list": ([TEXT, [], []], ANYTHING),
    "no text": (without(AUTHORS, "text"), "'text' is missing"),
    "no entities": (without(AUTHORS, "entities"), "'entities' is missing"),
    "no relations": (without(AUTHORS, "relations"), "'relations' is missing"),
    "text is a number": ({"text": 7, "entities": [], "relations": []}, ANYTHING),
    "text is null": ({"text": None, "entities": [], "relations": []}, ANYTHING),
    "text is a list": ({"text": [TEXT], "entities": [], "relations": []}, ANYTHING),
    "entities are null": (changed(AUTHORS, entities=None), ANYTHING),
    "entities are a number": (changed(AUTHORS, entities=3), ANYTHING),
    "relations are null": (changed(AUTHORS, relations=None), ANYTHING),
    "an entity lacks its type": (with_entity(0, 3, "前降支"), ANYTHING),
    "an offset is text": (with_entity("0", 3, "前降支", "Body"), ANYTHING),
    "an offset is no integer": (with_entity(0.0, 3.0, "前降支", "Body"), ANYTHING),
    "an offset is null": (with_entity(None, 3, "前降支", "Body"), ANYTHING),
    "a type is a number": (with_entity(0, 3, "前降支", 1), ANYTHING),
    "a type is null": (with_entity(0, 3, "前降支", None), ANYTHING),
    "a type is empty": (with_entity(0, 3, "前降支", ""), ANYTHING),
    "an entity ends outside": (with_entity(5, 9, "狭窄", "Degree"), "5-9"),
    "an entity begins outside": (with_entity(-2, 7, "狭窄", "Degree"), "-2-7"),
    "an entity is empty": (with_entity(3, 3, "", "Degree"), "3-3"),
    "an entity ends before it begins": (with_entity(5, 3, "", "Degree"), "5-3"),
    "another surface": (
        with_entity(0, 3, "回旋支", "Body"),
        "must have the text '回旋支', got '前降支'",
    ),
    "no direction": (with_relation(0, 1, "Position"), "'Position'"),
    "unknown direction": (with_relation(0, 1, "Position_2_2"), "'Position_2_2'"),
    "a label is a number": (with_relation(0, 1, 12), ANYTHING),
    "a label is only a direction": (with_relation(0, 1, "_1_2"), ANYTHING),
    "a relation lacks its label": (with_relation(0, 1), ANYTHING),
    "an index is too high": (with_relation(0, 3, "Position_1_2"), "0-3"),
    "an index is negative": (with_relation(-1, 1, "Position_1_2"), "-1-1"),
    "an index is text": (with_relation("0", 1, "Position_1_2"), ANYTHING),
    "an index is no integer": (with_relation(0.0, 1, "Position_1_2"), ANYTHING),
    "an index is a list": (with_relation([0], 1, "Position_1_2"), ANYTHING),
    "a lone surrogate": (
        changed(AUTHORS, text=TEXT + LONE_SURROGATE),
        "lone surrogate at character 7",
    ),
    "a lone surrogate in a surface": (with_entity(0, 3, LONE_SURROGATE, "Body"), ANYTHING),
    "a lone surrogate in a type": (with_entity(0, 3, "前降支", LONE_SURROGATE), ANYTHING),
    "a lone surrogate in a label": (with_relation(0, 1, LONE_SURROGATE + "_1_2"), ANYTHING),
}
BAD_LINES: dict[str, tuple[Any, str]] = {
    "no object": ("text", ANYTHING),
    "null": (None, ANYTHING),
    "a list": ([LINE], ANYTHING),
    "no text": (without(LINE, "text"), "'text' is missing"),
    "no entities": (without(LINE, "entities"), "'entities' is missing"),
    "relations are null": (changed(LINE, relations=None), ANYTHING),
    "text is a number": ({"text": 7, "entities": [], "relations": []}, ANYTHING),
    "text is null": ({"text": None, "entities": [], "relations": []}, ANYTHING),
    "text is a list": ({"text": [TEXT], "entities": [], "relations": []}, ANYTHING),
    "entities are null": (changed(LINE, entities=None), ANYTHING),
    "an entity is a list of four": (with_entity_list(0, 3, "前降支", "Body"), ANYTHING),
    "an entity is a list of two": (with_entity_list(0, 3), ANYTHING),
    "an offset in a list is text": (
        with_entity_list("0", 3, "Body"),
        "'entities[0][0]' must be an integer, got '0'",
    ),
    "an entity in a list ends outside": (with_entity_list(5, 9, "Degree"), "5-9"),
    "an entity has another text": (
        with_entity_text(0, 3, "回旋支"),
        "the entity 0-3 must have the text '回旋支', got '前降支'",
    ),
    "an entity with a text has an offset of text": (with_entity_text("0", 3, "前降支"), "got '0'"),
    "an entity lacks its end": (
        changed(LINE, entities=[{"start": 0, "label": "Body"}]),
        "'end' is missing",
    ),
    "an offset is text": (with_entity_line("0", 3, "Body"), ANYTHING),
    "an offset is no integer": (with_entity_line(0.0, 3.0, "Body"), ANYTHING),
    "an offset is null": (with_entity_line(None, 3, "Body"), ANYTHING),
    "a type is a number": (with_entity_line(0, 3, 1), ANYTHING),
    "a type is null": (with_entity_line(0, 3, None), ANYTHING),
    "a type is empty": (with_entity_line(0, 3, ""), ANYTHING),
    "an entity ends outside": (with_entity_line(5, 9, "Degree"), "5-9"),
    "an entity begins outside": (with_entity_line(-2, 7, "Degree"), "-2-7"),
    "an entity is empty": (with_entity_line(3, 3, "Degree"), "3-3"),
    "an entity ends before it begins": (with_entity_line(5, 3, "Degree"), "5-3"),
    "attributes are a list": (with_attributes(["Sure"]), "must be an object, got ['Sure']"),
    "attributes are false": (with_attributes(False), "must be an object, got False"),
    "an attribute has no name": (with_attributes({"": "no"}), "must not be empty"),
    "a value is empty": (with_attributes({"Sure": ""}), "must not be empty"),
    "a value is null": (with_attributes({"Sure": None}), "must be a string, got None"),
    "a value is a number": (
        with_attributes({"Sure": 1}),
        "'Sure' of the entity 0-3 (Body) must be",
    ),
    "a lone surrogate in a value": (with_attributes({"Sure": LONE_SURROGATE}), "surrogate"),
    "a relation lacks its tail": (
        changed(LINE, relations=[{"head": 0, "label": "Position"}]),
        "'tail' is missing",
    ),
    "a label is a number": (with_relation_line(0, 1, 12), ANYTHING),
    "a label is null": (with_relation_line(0, 1, None), ANYTHING),
    "a label is empty": (with_relation_line(0, 1, ""), ANYTHING),
    "an index is too high": (with_relation_line(0, 3, "Position"), "0-3"),
    "an index is negative": (with_relation_line(-1, 1, "Position"), "-1-1"),
    "an index is text": (with_relation_line("0", 1, "Position"), ANYTHING),
    "an index is no integer": (with_relation_line(0.0, 1, "Position"), ANYTHING),
    "an index is a list": (with_relation_line([0], 1, "Position"), ANYTHING),
    "a lone surrogate": (changed(LINE, text=TEXT + LONE_SURROGATE), "surrogate at character 7"),
    "a lone surrogate in a type": (with_entity_line(0, 3, LONE_SURROGATE), ANYTHING),
    "tokens are text": (changed(LINE, tokens="前降支近段狭窄"), "must be a list"),
    "a token is missing": (changed(LINE, tokens=["前降支", "狭窄"]), "'狭窄' at 3"),
    "a token is a number": (changed(LINE, tokens=[3]), ANYTHING),
    "the end has no token": (changed(LINE, tokens=["前降支", "近段"]), "from 5 to 7"),
    "a lone surrogate in the meta data": (changed(LINE, meta={"id": LONE_SURROGATE}), ANYTHING),
    "meta data are a list": (changed(LINE, meta=[1]), ANYTHING),
    "a lone surrogate in a label": (with_relation_line(0, 1, LONE_SURROGATE), ANYTHING),
}


def read_error(read: Read, path: Path) -> str:
    """The message of the only error that reading a file may raise, fit to be printed."""
    with pytest.raises(ValueError) as error:
        list(read(path))
    message = str(error.value)
    assert "\n" not in message
    message.encode()
    return message


@pytest.mark.parametrize(
    ("item", "problem"), BAD_AUTHORS_RECORDS.values(), ids=BAD_AUTHORS_RECORDS.keys()
)
def test_authors_json_names_file_and_number_of_a_bad_record(
    item: Any, problem: str, tmp_path: Path
) -> None:
    path = write(tmp_path / "bad.json", to_bytes("authors_json", AUTHORS, item))
    message = read_error(READERS["authors_json"], path)
    assert message.startswith(f"{path}, text 2: ")
    assert problem in message


@pytest.mark.parametrize(("item", "problem"), BAD_LINES.values(), ids=BAD_LINES.keys())
def test_jsonl_names_file_and_line_of_a_bad_record(item: Any, problem: str, tmp_path: Path) -> None:
    path = write(tmp_path / "bad.jsonl", b"\n" + to_bytes("jsonl", LINE, item))
    message = read_error(READERS["jsonl"], path)
    assert message.startswith(f"{path}, line 3: ")
    assert problem in message


@all_formats
@pytest.mark.parametrize(
    "cut", [b'{"text": ', b"{'text': ''}", b'{"text": NULL}'], ids=["cut off", "quotes", "name"]
)
def test_file_and_line_of_what_is_not_json_are_named(name: str, cut: bytes, tmp_path: Path) -> None:
    first = json.dumps(good_item(name)).encode()
    content = b"[" + first + b",\n" + cut if name == "authors_json" else first + b"\n" + cut
    path = write(tmp_path / "bad.json", content)
    message = read_error(READERS[name], path)
    assert message.startswith(f"{path}, line 2, column ")
    assert "not JSON" in message


@all_formats
@pytest.mark.parametrize("content", [b"[" * 200_000, b"9" * 10_000], ids=["nesting", "number"])
def test_json_that_python_can_not_hold_is_an_error_too(
    name: str, content: bytes, tmp_path: Path
) -> None:
    path = write(tmp_path / "bad.json", content)
    assert read_error(READERS[name], path).startswith(f"{path}, line 1: not readable JSON")


@all_formats
@pytest.mark.parametrize("encoding", ["gb18030", "utf-16"])
def test_file_and_line_of_what_is_not_utf_8_are_named(
    name: str, encoding: str, tmp_path: Path
) -> None:
    content = json.dumps(good_item(name), ensure_ascii=False).encode(encoding)
    path = write(tmp_path / "bad.json", b"\n" + content)
    message = read_error(READERS[name], path)
    assert message.startswith(f"{path}, line 2: not UTF-8")
    assert "iconv -f UTF-16" in message if encoding == "utf-16" else "GB18030" in message


@all_formats
@pytest.mark.parametrize("content", ["text", 1, None], ids=lambda c: type(c).__name__)
def test_what_is_no_record_is_refused(name: str, content: Any, tmp_path: Path) -> None:
    path = write(tmp_path / "bad.json", json.dumps(content).encode())
    assert read_error(READERS[name], path) == f"{path}, line 1: not a JSON object"
