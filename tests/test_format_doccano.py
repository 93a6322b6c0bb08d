"""doccano's JSON lines: ids, UTF-16 code units, projects with and without relations."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from spacy_str_encoder.formats import doccano
from spacy_str_encoder.formats.annotated_text import (
    AnnotatedEntity,
    AnnotatedRelation,
    AnnotatedText,
)
from spacy_str_encoder.formats.report import ConversionReport

from .annotated_texts import any_records, contents, reader
from .json_files import counts, detect, read_error, read_item, write_items, write_record

CODE_UNITS = "texts with offsets in UTF-16 code units, doccano's default"
UNANNOTATED = "texts with unannotated relations"

# As doccano exports it: the ids are those of its database.
CHINESE: dict[str, Any] = {
    "id": 41,
    "text": "前降支近段狭窄",
    "病历号": "A7",
    "entities": [
        {"id": 905, "label": "Degree", "start_offset": 5, "end_offset": 7},
        {"id": 903, "label": "Body", "start_offset": 0, "end_offset": 3},
    ],
    "relations": [{"id": 12, "from_id": 903, "to_id": 905, "type": "Finding"}],
    "Comments": [{"id": 3, "comment": "近段?"}],
}
# Its label list is in text order, and it counts the emoji as two.
ENGLISH: dict[str, Any] = {
    "id": 7,
    "text": "👍 Ada works at Acme.",
    "label": [[3, 6, "Person"], [16, 20, "Organization"]],
    "Comments": [],
}


# Reading


def test_relations_are_those_of_the_ids(tmp_path: Path) -> None:
    record, report = read_item(doccano.FORMAT, tmp_path / "a.jsonl", CHINESE)
    assert record == AnnotatedText(
        "前降支近段狭窄",
        [AnnotatedEntity(5, 7, "Degree"), AnnotatedEntity(0, 3, "Body")],
        [AnnotatedRelation(1, 0, "Finding")],
        meta={"id": 41, "病历号": "A7", "Comments": [{"id": 3, "comment": "近段?"}]},
    )
    assert report == ConversionReport()


@pytest.mark.parametrize("field", ["text", "data"])
def test_a_project_without_relations_has_a_list_of_labels(field: str, tmp_path: Path) -> None:
    item = {field if name == "text" else name: value for name, value in ENGLISH.items()}
    record, report = read_item(doccano.FORMAT, tmp_path / "a.jsonl", item)
    assert record.text == ENGLISH["text"]
    assert [record.text[e.start : e.end] for e in record.entities] == ["Ada", "Acme"]
    assert [entity.label for entity in record.entities] == ["Person", "Organization"]
    assert (record.relations, record.has_relations) == ([], False)
    assert record.meta == {"id": 7, "Comments": []}
    assert not report.lost
    assert counts(report.chosen) == {UNANNOTATED: 1, CODE_UNITS: 1}


def test_entities_without_ids_are_read_if_nothing_connects_them(tmp_path: Path) -> None:
    entity = {"label": "Body", "start_offset": 0, "end_offset": 3}
    item = {**CHINESE, "entities": [entity, entity], "relations": []}
    record, _ = read_item(doccano.FORMAT, tmp_path / "a.jsonl", item)
    assert record.entities == [AnnotatedEntity(0, 3, "Body")] * 2


def test_a_label_beside_entities_is_one_of_the_other_fields(tmp_path: Path) -> None:
    record, _ = read_item(doccano.FORMAT, tmp_path / "a.jsonl", {**CHINESE, "label": ["urgent"]})
    assert len(record.entities) == 2
    assert record.meta["label"] == ["urgent"]


def test_data_beside_a_text_are_one_of_the_other_fields(tmp_path: Path) -> None:
    record, _ = read_item(doccano.FORMAT, tmp_path / "a.jsonl", {**CHINESE, "data": "CT"})
    assert record.text == CHINESE["text"]
    assert record.meta["data"] == "CT"


def test_what_else_is_said_of_entities_and_relations_is_counted(tmp_path: Path) -> None:
    item = {
        **CHINESE,
        "entities": [{**entity, "prob": 0.5} for entity in CHINESE["entities"]],
        "relations": [{**relation, "prob": 0.5} for relation in CHINESE["relations"]],
    }
    record, report = read_item(doccano.FORMAT, tmp_path / "a.jsonl", item)
    assert (len(record.entities), len(record.relations)) == (2, 1)
    assert report.losses == {
        "unsupported fields of entities": 2,
        "unsupported fields of relations": 1,
    }


# Offsets


@pytest.mark.parametrize(
    ("text", "end", "differs"),
    [
        ("plain text", 10, False),
        ("前降支近段\n狭窄。", 9, False),
        ("é in one character", 5, False),
        ("👍 Ada", 6, True),
        ("Ada 👍", 3, False),
        ("Ada 👍", 6, True),
        ("e\u0301 in two", 5, True),
        ("क्षि", 2, True),
        ("line\r\nline", 8, True),
        ("line\r\nline", 4, False),
        ("a\u200db", 3, True),
    ],
)
def test_texts_are_told_whose_characters_can_be_counted_otherwise(
    text: str, end: int, differs: bool, tmp_path: Path
) -> None:
    item = {**CHINESE, "text": text, "relations": []}
    item["entities"] = [{"id": 1, "label": "A", "start_offset": 0, "end_offset": end}]
    record, read = read_item(doccano.FORMAT, tmp_path / "a.jsonl", item)
    _, written = write_record(doccano.FORMAT, tmp_path / "b.jsonl", record)
    expected = {CODE_UNITS: 1} if differs else {}
    assert counts(read.chosen) == counts(written.chosen) == expected
    assert not read.lost
    assert not written.lost


def cut(text: str, start: int, end: int) -> str:
    """Cut a text by code units, as JavaScript does."""
    return text.encode("utf-16-le")[2 * start : 2 * end].decode("utf-16-le")


@given(record=any_records())
@example(
    record=AnnotatedText(
        "\U00010000b\uffffb", [AnnotatedEntity(1, 2, "A"), AnnotatedEntity(3, 4, "A")], []
    )
)
def test_written_offsets_count_code_units(
    record: AnnotatedText, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("doccano") / "out.jsonl"
    item, _ = write_record(doccano.FORMAT, path, record)
    surfaces = [record.text[entity.start : entity.end] for entity in record.entities]
    assert [
        cut(item["text"], e["start_offset"], e["end_offset"]) for e in item["entities"]
    ] == surfaces
    assert len({entity["id"] for entity in item["entities"]}) == len(surfaces)


@pytest.mark.parametrize(("start", "end"), [(1, 2), (0, 1), (0, 9), (-1, 2)])
def test_an_offset_inside_of_a_character_or_outside_of_the_text_is_named(
    start: int, end: int, tmp_path: Path
) -> None:
    item = {"text": "👍👍👍👍", "label": [[start, end, "A"]]}
    message = read_error(doccano.FORMAT, write_items(tmp_path / "a.jsonl", item))
    assert message.startswith(f"{tmp_path / 'a.jsonl'}, line 1: the entity {start}-{end}")
    assert "8 UTF-16 code units" in message


# Writing


@given(expected=st.lists(any_records(), max_size=3))
@pytest.mark.parametrize("suffix", [".json", ".jsonl"])
def test_what_was_written_is_read_again(
    suffix: str, expected: list[AnnotatedText], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("doccano") / f"out{suffix}"
    doccano.FORMAT.write(expected, path, ConversionReport(strict_all=True))
    assert list(reader(doccano.FORMAT)(path)) == expected


def test_all_fields_come_back_but_the_ids(tmp_path: Path) -> None:
    record, _ = read_item(doccano.FORMAT, tmp_path / "a.jsonl", CHINESE)
    item, report = write_record(doccano.FORMAT, tmp_path / "b.jsonl", record)
    assert report == ConversionReport()
    assert item == {
        **CHINESE,
        "entities": [
            {"id": 0, "label": "Degree", "start_offset": 5, "end_offset": 7},
            {"id": 1, "label": "Body", "start_offset": 0, "end_offset": 3},
        ],
        "relations": [{"id": 0, "from_id": 1, "to_id": 0, "type": "Finding"}],
    }
    again, _ = read_item(doccano.FORMAT, tmp_path / "c.jsonl", item)
    assert contents(again) == contents(record)


# Refusing


def changed(**fields: Any) -> dict[str, Any]:
    return {**CHINESE, **fields}


def without(field: str) -> dict[str, Any]:
    return {name: value for name, value in CHINESE.items() if name != field}


def with_entity(**fields: Any) -> dict[str, Any]:
    return changed(entities=[{**CHINESE["entities"][0], **fields}], relations=[])


def with_relation(**fields: Any) -> dict[str, Any]:
    return changed(relations=[{**CHINESE["relations"][0], **fields}])


LONE_SURROGATE = "\ud83d"
BAD: dict[str, tuple[Any, str]] = {
    "no object": ("text", "not a JSON object"),
    "a list": ([CHINESE], "not a JSON object"),
    "no text": (without("text"), "'text' is missing"),
    "no entities": (without("entities"), "'entities' is missing"),
    "no relations": (without("relations"), "'relations' is missing"),
    "text is a number": (changed(text=7), ""),
    "text is a list": (changed(text=["前降支近段狭窄"]), ""),
    "text is null": (changed(text=None), ""),
    "entities are an object": (changed(entities={}), "the entities must be a list"),
    "relations are an object": (changed(relations={}), "the relations must be a list"),
    "labels are an object": ({"text": "a", "label": {}}, "the labels must be a list"),
    "a label is short": ({"text": "a", "label": [[0, 1]]}, ""),
    "an entity is a list": (changed(entities=[[0, 3, "Body"]]), ""),
    "an offset is text": (with_entity(start_offset="5"), "'5'"),
    "an offset is no integer": (with_entity(start_offset=5.0), "5.0"),
    "an offset is null": (with_entity(end_offset=None), "None"),
    "an entity ends outside": (with_entity(end_offset=8), "5-8"),
    "an entity is empty": (with_entity(end_offset=5), "5-5"),
    "an entity ends before it begins": (with_entity(end_offset=4), "5-4"),
    "a label is empty": (with_entity(label=""), "the type of an entity must not be empty"),
    "a label is a number": (with_entity(label=3), "3"),
    "a lone surrogate in a label": (with_entity(label=LONE_SURROGATE), "lone surrogate"),
    "two entities of one id": (
        changed(entities=CHINESE["entities"] * 2),
        "duplicate entity id 905",
    ),
    "an unknown id": (with_relation(to_id=904), "the id 904"),
    "an id is text": (with_relation(to_id="905"), "'905'"),
    "an id is no integer": (with_relation(to_id=905.0), "905.0"),
    "an id is null": (with_relation(from_id=None), "None"),
    "a relation lacks its end": (changed(relations=[{"from_id": 903, "type": "A"}]), "'to_id'"),
    "a type is empty": (with_relation(type=""), "the label of a relation must not be empty"),
    "a lone surrogate": (changed(text="前降支近段狭窄" + LONE_SURROGATE), "lone surrogate"),
}


@pytest.mark.parametrize(("item", "problem"), BAD.values(), ids=BAD.keys())
def test_file_and_line_of_a_bad_record_are_named(item: Any, problem: str, tmp_path: Path) -> None:
    path = write_items(tmp_path / "bad.jsonl", CHINESE, item)
    message = read_error(doccano.FORMAT, path)
    assert message.startswith(f"{path}, line 2: ")
    assert problem in message


# Detecting


@pytest.mark.parametrize("item", [CHINESE, ENGLISH, {**ENGLISH, "label": []}])
def test_an_export_is_recognized(item: Any, tmp_path: Path) -> None:
    assert detect(write_items(tmp_path / "a.jsonl", item)) == "doccano"


@pytest.mark.parametrize(
    "item",
    [
        {"text": "a", "label": ["positive"]},
        {"text": "a", "label": "positive"},
        {"text": "a", "label": [["positive", "urgent"]]},
        {"text": "a", "cats": [], "entities": [[0, 1, "A"]]},
        {"filename": "a.png", "label": []},
    ],
    ids=["classes", "a class", "groups of classes", "intents", "an image"],
)
def test_exports_of_other_projects_are_not_taken_for_it(item: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no format matches"):
        detect(write_items(tmp_path / "a.jsonl", item))
