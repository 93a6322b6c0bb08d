"""Annotated files: what is read, what is refused, and what docs can't hold."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import combinations, permutations
from pathlib import Path
from typing import Any

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc

from spacy_str_encoder.formats import authors_json, jsonl
from spacy_str_encoder.formats.records import (
    ConversionReport,
    EntityRecord,
    Record,
    RelationRecord,
    to_docs,
)
from spacy_str_encoder.relation import has_relations

Read = Callable[[Path], Iterator[Record]]
# The begin, end and label of an entity; a relation by the texts, or the begins, of head and tail.
Entity = tuple[int, int, str]
Triple = tuple[str, str, str]
Arc = tuple[int, int, str]

ASSETS = Path(__file__).parents[1] / "assets" / "coronary"
TEXT = "前降支近段狭窄"
RECORD = Record(
    TEXT,
    [EntityRecord(0, 3, "Body"), EntityRecord(3, 5, "Location"), EntityRecord(5, 7, "Degree")],
    [RelationRecord(0, 1, "Position"), RelationRecord(2, 1, "Modifier")],
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

all_formats = pytest.mark.parametrize("name", ["authors_json", "jsonl"])
READERS: dict[str, Read] = {"authors_json": authors_json.read, "jsonl": jsonl.read}


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


def convert(records: list[Record], language: str = "zh") -> tuple[list[Doc], ConversionReport]:
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


@st.composite
def any_records(draw: st.DrawFn) -> Record:
    """Any text that JSON can hold, with entities and relations."""
    text = draw(st.text(min_size=1))
    labels = st.text(min_size=1, max_size=5)
    places = st.lists(st.sampled_from(list(combinations(range(len(text) + 1), 2))), max_size=4)
    found = [EntityRecord(start, end, draw(labels)) for start, end in draw(places)]
    if len(found) < 2:
        return Record(text, found, [])
    pairs = st.lists(st.sampled_from(list(permutations(range(len(found)), 2))), max_size=4)
    return Record(text, found, [RelationRecord(i, j, draw(labels)) for i, j in draw(pairs)])


def to_authors_item(record: Record) -> dict[str, Any]:
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


def to_line(record: Record) -> dict[str, Any]:
    return {
        "text": record.text,
        "entities": [vars(entity) for entity in record.entities],
        "relations": [vars(relation) for relation in record.relations],
    }


@given(expected=st.lists(any_records(), max_size=3))
def test_authors_json_reads_what_was_written(
    expected: list[Record], tmp_path_factory: pytest.TempPathFactory
) -> None:
    content = json.dumps([to_authors_item(record) for record in expected], ensure_ascii=False)
    path = tmp_path_factory.mktemp("authors") / "records.json"
    assert list(authors_json.read(write(path, content.encode()))) == expected


@given(expected=st.lists(any_records(), max_size=3))
def test_jsonl_reads_what_was_written(
    expected: list[Record], tmp_path_factory: pytest.TempPathFactory
) -> None:
    lines = [json.dumps(to_line(record), ensure_ascii=False) for record in expected]
    path = tmp_path_factory.mktemp("jsonl") / "records.jsonl"
    assert list(jsonl.read(write(path, "\n".join(lines).encode()))) == expected


@all_formats
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["no mark", "byte order mark"])
@pytest.mark.parametrize("new_line", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_marks_and_line_ends_of_windows_make_no_difference(
    name: str, mark: bytes, new_line: str, tmp_path: Path
) -> None:
    content = mark + to_bytes(name, good_item(name), good_item(name), new_line=new_line)
    assert list(READERS[name](write(tmp_path / "good.json", content))) == [RECORD] * 2


def test_jsonl_leaves_out_blank_lines_and_other_fields(tmp_path: Path) -> None:
    line = json.dumps({**LINE, "id": 7}).encode()
    path = write(tmp_path / "good.jsonl", b"\n" + line + b"\n  \n" + line + b"\n\n")
    assert list(jsonl.read(path)) == [RECORD] * 2


@pytest.mark.parametrize("name", ["train", "dev", "test", "handwritten"])
def test_every_entity_and_relation_of_the_demo_corpus_arrives(name: str) -> None:
    path = ASSETS / f"{name}.json"
    docs, report = convert(list(authors_json.read(path)))
    items = json.loads(path.read_text("utf-8"))
    assert report == ConversionReport(docs=len(items))
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


def with_relation_line(head: Any, tail: Any, label: Any) -> dict[str, Any]:
    return changed(LINE, relations=[{"head": head, "tail": tail, "label": label}])


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
    "another surface": (with_entity(0, 3, "回旋支", "Body"), "'前降支', not '回旋支'"),
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
    "no relations": (without(LINE, "relations"), "'relations' is missing"),
    "text is a number": ({"text": 7, "entities": [], "relations": []}, ANYTHING),
    "text is null": ({"text": None, "entities": [], "relations": []}, ANYTHING),
    "text is a list": ({"text": [TEXT], "entities": [], "relations": []}, ANYTHING),
    "entities are null": (changed(LINE, entities=None), ANYTHING),
    "an entity is a list": (changed(LINE, entities=[[0, 3, "Body"]]), ANYTHING),
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
    message = read_error(authors_json.read, path)
    assert message.startswith(f"{path}, record 2: ")
    assert problem in message


@pytest.mark.parametrize(("item", "problem"), BAD_LINES.values(), ids=BAD_LINES.keys())
def test_jsonl_names_file_and_line_of_a_bad_record(item: Any, problem: str, tmp_path: Path) -> None:
    path = write(tmp_path / "bad.jsonl", b"\n" + to_bytes("jsonl", LINE, item))
    message = read_error(jsonl.read, path)
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
    assert "iconv" in message


@pytest.mark.parametrize("content", [AUTHORS, "text", 1, None], ids=lambda c: type(c).__name__)
def test_authors_json_refuses_a_file_that_is_not_a_list(content: Any, tmp_path: Path) -> None:
    path = write(tmp_path / "bad.json", json.dumps(content).encode())
    assert read_error(authors_json.read, path) == f"{path}: the file is not a list of records"


# Making docs

WORDS = "ab cd e fgh"
NLP = spacy.blank("en")
MISALIGNED = "entities that do not align with tokens"
OVERLAPPING = "entities that overlap another one"
UNCONNECTED = "relations of such entities"

entities = st.builds(
    lambda a, b, label: EntityRecord(min(a, b), max(a, b), label),
    st.integers(0, len(WORDS)),
    st.integers(0, len(WORDS)),
    st.sampled_from("AB"),
).filter(lambda entity: entity.start < entity.end)


@st.composite
def crowded_records(draw: st.DrawFn) -> Record:
    """Entities that overlap each other and tokens, or are the same, and relations."""
    found = draw(st.lists(entities, max_size=6))
    indices = st.integers(0, max(0, len(found) - 1))
    relations = st.builds(RelationRecord, indices, indices, st.sampled_from("XY"))
    return Record(WORDS, found, draw(st.lists(relations, max_size=6)) if found else [])


def sweep(record: Record) -> tuple[dict[int, Entity], Counter[str]]:
    """Go through the text once: the entities that fit, by index, and the count of the others."""
    starts = {match.start() for match in re.finditer(r"\S+", record.text)}
    ends = {match.end() for match in re.finditer(r"\S+", record.text)}
    kept: dict[int, Entity] = {}
    lost: Counter[str] = Counter()
    reached = 0
    indexed = [(e.start, -e.end, i, e.label) for i, e in enumerate(record.entities)]
    for start, minus_end, i, label in sorted(indexed):
        if start not in starts or -minus_end not in ends:
            lost[MISALIGNED] += 1
        elif start < reached:
            lost[OVERLAPPING] += 1
        else:
            kept[i] = (start, -minus_end, label)
            reached = -minus_end
    return kept, lost


@given(st.lists(crowded_records(), max_size=3))
def test_what_docs_can_not_hold_is_counted_and_the_rest_is_used(records: list[Record]) -> None:
    report = ConversionReport()
    docs = list(to_docs(records, NLP, report))
    lost: Counter[str] = Counter()
    for doc, record in zip(docs, records, strict=True):
        kept, reasons = sweep(record)
        used = [r for r in record.relations if r.head in kept and r.tail in kept]
        assert read_entities(doc) == sorted(kept.values())
        arcs = [(kept[r.head][0], kept[r.tail][0], r.label) for r in used]
        assert sorted(read_arcs(doc)) == sorted(arcs)
        assert has_relations(doc)
        lost += reasons + Counter({UNCONNECTED: len(record.relations) - len(used)})
    assert report == ConversionReport(docs=len(records), lost=lost)


@pytest.mark.parametrize(
    ("places", "kept", "lost"),
    [
        ([(0, 2), (3, 6)], [(0, 2)], {MISALIGNED: 1, UNCONNECTED: 1}),
        ([(3, 7), (0, 5)], [(0, 5)], {OVERLAPPING: 1, UNCONNECTED: 1}),
        ([(0, 2), (0, 5)], [(0, 5)], {OVERLAPPING: 1, UNCONNECTED: 1}),
        ([(0, 2), (0, 2)], [(0, 2)], {OVERLAPPING: 1, UNCONNECTED: 1}),
        ([(0, 2), (3, 5)], [(0, 2), (3, 5)], {}),
    ],
    ids=["misaligned", "overlapping", "nested", "duplicate", "adjacent"],
)
def test_an_entity_that_a_doc_can_not_hold_is_left_out(
    places: list[tuple[int, int]], kept: list[tuple[int, int]], lost: dict[str, int]
) -> None:
    found = [EntityRecord(start, end, "A") for start, end in places]
    [doc], report = convert([Record(WORDS, found, [RelationRecord(0, 1, "X")])], "en")
    assert read_entities(doc) == [(start, end, "A") for start, end in kept]
    assert len(doc._.relations) == 1 - lost.get(UNCONNECTED, 0)
    assert report == ConversionReport(docs=1, lost=Counter(lost))


@pytest.mark.parametrize("text", [WORDS, ""], ids=["a text", "no text"])
def test_a_record_without_entities_is_annotated_as_having_no_relations(text: str) -> None:
    [doc], report = convert([Record(text, [], [])])
    assert (doc.text, read_entities(doc), doc._.relations) == (text, [], [])
    assert has_relations(doc)
    assert doc.has_annotation("ENT_IOB")
    assert report == ConversionReport(docs=1)


def test_offsets_count_characters_whatever_the_whitespace() -> None:
    text = "  前降支\r\n\t狭窄\u3000😀。"
    found = [EntityRecord(2, 5, "Body"), EntityRecord(8, 10, "Degree"), EntityRecord(11, 12, "X")]
    [doc], report = convert([Record(text, found, [])])
    assert doc.text == text
    assert [ent.text for ent in doc.ents] == ["前降支", "狭窄", "😀"]
    assert not report.lost
