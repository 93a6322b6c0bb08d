"""doccano's JSON lines: ids, UTF-16 code units, projects with and without relations."""

import json
import unicodedata
import zipfile
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from spacy_str_encoder.formats import archives, doccano
from spacy_str_encoder.formats.annotated_text import (
    AnnotatedEntity,
    AnnotatedRelation,
    AnnotatedText,
)
from spacy_str_encoder.formats.report import ConversionReport

from .annotated_texts import any_records, contents, reader
from .json_files import counts, detect, read_error, read_item, write_items, write_record

CODE_UNITS = "texts with offsets in UTF-16 code units, doccano's default"
BEST = "texts with offsets in {}, which fit best"
UNITS = ["UTF-16 code units", "code points", "grapheme clusters"]

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
    assert counts(report.chosen) == {BEST.format(UNITS[0]): 1}


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
        ("👍 Ada", 2, True),
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
    assert sum(counts(read.chosen).values()) == differs
    assert counts(written.chosen) == ({CODE_UNITS: 1} if differs else {})
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


@pytest.mark.parametrize(("start", "end"), [(0, 9), (-1, 2), (3, 20)])
def test_an_offset_that_is_outside_of_the_text_in_each_unit_is_named(
    start: int, end: int, tmp_path: Path
) -> None:
    item = {"text": "👍👍👍👍", "label": [[start, end, "A"]]}
    message = read_error(doccano.FORMAT, write_items(tmp_path / "a.jsonl", item))
    assert message.startswith(f"{tmp_path / 'a.jsonl'}, line 1: the entity {start}-{end}")
    assert "8 UTF-16 code units" in message


FAMILY, FLAGS = "👨\u200d👩\u200d👧", "🇩🇪🇫🇷"
# Texts, the strings that are entities, and the units that fit: their offsets lie in the text, and
# the entities are whole words.
FITTING: dict[str, tuple[str, list[str], str]] = {
    "code points after an emoji": ("👍 Ada works at Acme.", ["Ada", "Acme"], "code points"),
    "code units after an emoji": ("👍 Ada works at Acme.", ["Ada", "Acme"], UNITS[0]),
    "clusters after a family": (f"{FAMILY} Ada works at Acme.", ["Ada", "Acme"], UNITS[2]),
    "clusters after flags": (f"{FLAGS} Ada works at Acme.", ["Ada", "Acme"], UNITS[2]),
    "clusters after an accent": ("Cafe\u0301 Ada", ["Ada"], UNITS[2]),
    "clusters after a line break": ("a\r\nb Ada\r\nx", ["Ada"], UNITS[2]),
    "clusters of Hindi": ("किताब Ada", ["Ada"], UNITS[2]),
    "code units at the end": ("Ada likes 👍", ["👍"], UNITS[0]),
    "an emoji in Chinese": ("😀阿司匹林 100 mg 治头痛", ["100 mg"], "code points"),
}
CLUSTERS = [FAMILY, "🇩🇪", "🇫🇷", "e\u0301", "\r\n", "कि", "ता", "👍🏽", "❤\ufe0f"]


def count_units(text: str, unit: str) -> int:
    """How many units a text has, counted without the code under test."""
    if unit == UNITS[0]:
        return len(text.encode("utf-16-le")) // 2
    if unit == UNITS[2]:
        for cluster in CLUSTERS:
            text = text.replace(cluster, "x")
    return len(text)


def counted(text: str, surfaces: list[str], unit: str) -> dict[str, Any]:
    places = [(text.index(surface), surface) for surface in surfaces]
    spans = [(text[:start], text[: start + len(surface)]) for start, surface in places]
    label = [[count_units(a, unit), count_units(b, unit), "A"] for a, b in spans]
    return {"text": text, "label": label}


@pytest.mark.parametrize(("text", "surfaces", "unit"), FITTING.values(), ids=FITTING.keys())
def test_the_unit_is_the_one_whose_offsets_fit(
    text: str, surfaces: list[str], unit: str, tmp_path: Path
) -> None:
    item = counted(text, surfaces, unit)
    record, report = read_item(doccano.FORMAT, tmp_path / "a.jsonl", item)
    assert [record.text[e.start : e.end] for e in record.entities] == surfaces
    case = f"{tmp_path / 'a.jsonl'}, line 1: the last entity is {surfaces[-1]!r}"
    assert report.chosen.pop(BEST.format(unit)) == [case]
    assert counts(report.chosen) == {}


@pytest.mark.parametrize("unit", UNITS)
def test_one_text_decides_for_the_others_of_its_file(unit: str, tmp_path: Path) -> None:
    # In the second text, each unit finds whole words.
    texts = [(f"{FAMILY} Ada works.", ["Ada"]), ("👍🏽👍🏽 x x x x x x x x", ["x"])]
    items = [counted(text, surfaces, unit) for text, surfaces in texts]
    report = ConversionReport()
    path = write_items(tmp_path / "a.jsonl", *items, {"text": "not", "label": 3})
    path.write_text(path.read_text("utf-8").rsplit("\n", 1)[0], "utf-8")
    records = list(doccano.FORMAT.read(path, report))
    for record, (text, [surface]) in zip(records, texts, strict=True):
        [entity] = record.entities
        assert (entity.start, record.text[entity.start : entity.end]) == (
            text.index(surface),
            surface,
        )
    assert counts(report.chosen) == {BEST.format(unit): 2}


def test_if_no_unit_fits_a_whole_file_each_text_has_its_own(tmp_path: Path) -> None:
    texts = [("👍👍 Ada", "code points"), ("x👍", UNITS[0])]
    items = [counted(text, ["👍"], unit) for text, unit in texts]
    report = ConversionReport()
    path = write_items(tmp_path / "a.jsonl", *items)
    records = list(doccano.FORMAT.read(path, report))
    assert [[r.text[e.start : e.end] for e in r.entities] for r in records] == [["👍"]] * 2
    expected = {BEST.format("code points"): 1, BEST.format(UNITS[0]): 1}
    assert counts(report.chosen) == expected


def test_one_mistake_of_an_annotator_decides_nothing(tmp_path: Path) -> None:
    items = [counted("👍 Ada works at Acme.", ["Ada", "Acme", "wor"], UNITS[0]) for _ in range(3)]
    report = ConversionReport()
    path = write_items(tmp_path / "a.jsonl", *items)
    for record in doccano.FORMAT.read(path, report):
        assert [record.text[e.start : e.end] for e in record.entities] == ["Ada", "Acme", "wor"]
    assert counts(report.chosen) == {BEST.format(UNITS[0]): 3}


def test_if_nothing_decides_code_units_are_read(tmp_path: Path) -> None:
    item = {"text": "👍 药药药", "label": [[3, 4, "A"]]}
    record, report = read_item(doccano.FORMAT, tmp_path / "a.jsonl", item)
    assert record.entities == [AnnotatedEntity(2, 3, "A")]
    assert counts(report.chosen) == {CODE_UNITS: 1}


WORDS = st.sampled_from(["Ada", "药", "x", "Acme.", *CLUSTERS])


@given(words=st.lists(WORDS, min_size=1), chosen=st.sets(st.integers(0, 9)))
def test_code_units_of_whole_words_are_always_found(
    words: list[str], chosen: set[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    words = [word.strip() or "x" for word in words]
    ends = list(accumulate(len(word) + 1 for word in words))
    entities = [
        AnnotatedEntity(ends[i] - 1 - len(words[i]), ends[i] - 1, "A")
        for i in sorted(chosen)
        if i < len(words)
    ]
    record = AnnotatedText(" ".join(words), entities, [])
    path = tmp_path_factory.mktemp("doccano") / "out.jsonl"
    doccano.FORMAT.write([record], path, ConversionReport())
    assert list(doccano.FORMAT.read(path, ConversionReport())) == [record]


# Archives


def zip_items(path: Path, members: dict[str, list[Any]]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, items in members.items():
            archive.writestr(name, "\n".join(map(json.dumps, items)))
    return path


def test_all_files_of_an_export_are_read(tmp_path: Path) -> None:
    members = {
        "bob.jsonl": [CHINESE],
        "admin.jsonl": [CHINESE, ENGLISH],
        "unknown.jsonl": [{**ENGLISH, "label": []}],
        "__MACOSX/._admin.jsonl": [3],
        "readme.txt": ["x"],
    }
    path = zip_items(tmp_path / "export.zip", members)
    assert detect(path) == "doccano"
    report = ConversionReport()
    records = list(doccano.FORMAT.read(path, report))
    assert [(record.place, len(record.entities)) for record in records] == [
        (f"{path}/admin.jsonl, line 1", 2),
        (f"{path}/admin.jsonl, line 2", 2),
        (f"{path}/bob.jsonl, line 1", 2),
        (f"{path}/unknown.jsonl, line 1", 0),
    ]
    reason = "files of texts that no user has labeled, read as texts without entities"
    assert report.chosen[reason] == [f"{path}/unknown.jsonl"]
    assert not report.lost


def test_the_unit_is_found_for_each_file_of_an_export(tmp_path: Path) -> None:
    text, surfaces, _ = FITTING["code points after an emoji"]
    members = {f"{i}.jsonl": [counted(text, surfaces, unit)] for i, unit in enumerate(UNITS[:2])}
    for record in doccano.FORMAT.read(zip_items(tmp_path / "a.zip", members), ConversionReport()):
        assert [record.text[e.start : e.end] for e in record.entities] == surfaces


def test_a_bad_line_of_an_export_is_named_and_can_be_left_out(tmp_path: Path) -> None:
    path = zip_items(tmp_path / "a.zip", {"all.jsonl": [CHINESE, changed(text=3), ENGLISH]})
    problem = "line 2: the field 'text' must be a string, got 3"
    assert read_error(doccano.FORMAT, path) == f"{path}/all.jsonl, {problem}"
    report = ConversionReport(skip_bad=True)
    assert len(list(doccano.FORMAT.read(path, report))) == 2
    assert len(report.rejected) == 1


def test_bad_archives_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = zip_items(tmp_path / "a.zip", {"all.csv": ["x"]})
    assert read_error(doccano.FORMAT, path).startswith(f"{path}: no .jsonl files")
    with pytest.raises(ValueError, match="no format matches"):
        detect(path)
    path.write_bytes(b"PK")
    assert read_error(doccano.FORMAT, path).startswith(f"{path}: the archive is damaged")
    zip_items(path, {"all.jsonl": [CHINESE]})
    monkeypatch.setattr(archives, "MAX_MEMBER", 10)
    # Not even its first line is read.
    with pytest.raises(ValueError, match="no format matches"):
        detect(path)
    assert read_error(doccano.FORMAT, path).startswith(f"{path}/all.jsonl: files in an archive")


# Writing


def even(record: AnnotatedText) -> AnnotatedText:
    """Replace the characters that units count differently."""
    uneven = {
        c
        for c in record.text
        if c > "\uffff" or c == "\r" or unicodedata.category(c)[0] == "M" or c in JOINING
    }
    return replace(record, text="".join("x" if c in uneven else c for c in record.text))


JOINING = [chr(i) for i in (0x200C, 0x200D, *range(0x1160, 0x1200), 0xFF9E, 0xFF9F)]


@given(expected=st.lists(any_records().map(even), max_size=3))
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
    "text is a number": (changed(text=7), "'text' must be a string, got 7"),
    "text is a list": (changed(text=["前降支"]), "'text' must be a string, got ['前降支']"),
    "text is null": (changed(text=None), "'text' must be a string, got None"),
    "entities are an object": (changed(entities={}), "'entities' must be a list, got {}"),
    "relations are an object": (changed(relations={}), "'relations' must be a list, got {}"),
    "labels are an object": ({"text": "a", "label": {}}, "'label' must be a list, got {}"),
    "a label is short": (
        {"text": "a", "label": [[0, 1]]},
        "'label[0]' must be a list of 3 values, got [0, 1]",
    ),
    "an entity is a list": (
        changed(entities=[[0, 3, "Body"]]),
        "'entities[0]' must be an object, got [0, 3, 'Body']",
    ),
    "an offset is text": (with_entity(start_offset="5"), "'5'"),
    "an offset is no integer": (with_entity(start_offset=5.0), "5.0"),
    "an offset is null": (with_entity(end_offset=None), "None"),
    "an entity ends outside": (with_entity(end_offset=8), "5-8"),
    "an entity is empty": (with_entity(end_offset=5), "5-5"),
    "an entity ends before it begins": (
        with_entity(end_offset=4),
        "5-4 (Degree) must end after its start",
    ),
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
