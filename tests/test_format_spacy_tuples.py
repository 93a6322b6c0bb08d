"""Training data of spaCy v2: pairs of a text and its entities, also as saved by ner-annotator."""

import json
from collections import Counter
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import spacy
from hypothesis import given
from spacy.training import Example

from spacy_str_encoder.formats.annotated_text import AnnotatedEntity, AnnotatedText
from spacy_str_encoder.formats.registry import all_formats, detect_format
from spacy_str_encoder.formats.report import ConversionReport
from spacy_str_encoder.formats.spacy_tuples import FORMAT

from .annotated_texts import any_records
from .json_files import counts, detect, read_error, write_items, write_record
from .token_texts import keep_first

TEXT = "Ann met Bob"
PAIR: list[Any] = [TEXT, {"entities": [[0, 3, "P"], [8, 11, "P"]]}]
RECORD = AnnotatedText(
    TEXT, [AnnotatedEntity(0, 3, "P"), AnnotatedEntity(8, 11, "P")], [], has_relations=False
)
OTHERS = {"cats": {"GREETING": 1.0}, "links": {"0": 1}}


def read(path: Path) -> tuple[list[AnnotatedText], ConversionReport]:
    report = ConversionReport()
    return list(FORMAT.read(path, report)), report


def test_pairs_are_read(tmp_path: Path) -> None:
    path = write_items(tmp_path / "in.json", PAIR, ["前降支", {"entities": []}])
    texts, report = read(path)
    assert texts == [RECORD, AnnotatedText("前降支", [], [], has_relations=False)]
    assert report.lost == {}
    assert counts(report.chosen) == {}
    assert detect(path) == "spacy-tuples"


def test_the_object_of_ner_annotator_is_read(tmp_path: Path) -> None:
    path = tmp_path / "annotations.json"
    content = {"classes": ["P", "Q"], "annotations": [None, PAIR, None], "version": 3}
    path.write_text(json.dumps(content))
    texts, report = read(path)
    assert texts == [RECORD]
    assert report.lost == {
        "unsupported fields of files": [f"{path}, line 1: 'version': 3"],
        "unannotated texts, which the file lacks": [
            f"{path}, text 1: null",
            f"{path}, text 3: null",
        ],
    }
    assert detect(path) == "spacy-tuples"
    assert list(FORMAT.read(path, ConversionReport(strict=True))) == [RECORD]


def test_the_object_may_lack_the_classes(tmp_path: Path) -> None:
    path = tmp_path / "annotations.json"
    path.write_text(json.dumps({"annotations": [None, PAIR, ["Ann", "P"]]}))
    report = ConversionReport(skip_bad=True)
    assert list(FORMAT.read(path, report)) == [RECORD]
    assert [case.partition(": ")[0] for case in report.rejected] == [f"{path}, text 3"]
    assert detect(path) == "spacy-tuples"


@pytest.mark.parametrize("annotations", [[], [None], [{"result": []}], [["Ann", "P"]], "Ann", None])
def test_other_objects_are_not_taken_for_it(annotations: Any) -> None:
    assert not FORMAT.recognizes(Path("a.json"), {"annotations": annotations})


def test_ner_annotator_counts_utf_16_code_units_and_spacy_characters(tmp_path: Path) -> None:
    pair: list[Any] = ["😀 Ann", {"entities": [[3, 6, "P"]]}]
    path = tmp_path / "annotations.json"
    path.write_text(json.dumps({"classes": [], "annotations": [pair]}))
    assert read(path)[0][0].entities == [AnnotatedEntity(2, 5, "P")]
    pair[1]["entities"] = [[2, 5, "P"]]
    assert read(write_items(path, pair))[0][0].entities == [AnnotatedEntity(2, 5, "P")]
    path.write_text(
        json.dumps({"classes": [], "annotations": [["😀", {"entities": [[0, 1, "P"]]}]]})
    )
    assert "must not split a character" in read_error(FORMAT, path)


def test_other_annotations_are_counted_as_lost(tmp_path: Path) -> None:
    path = write_items(tmp_path / "in.json", [TEXT, {**PAIR[1], **OTHERS}])
    texts, report = read(path)
    assert texts == [RECORD]
    assert counts(report.lost) == {"unsupported fields of texts": 2}
    assert list(FORMAT.read(path, ConversionReport(strict=True))) == [RECORD]


def test_without_entities_they_are_unannotated(tmp_path: Path) -> None:
    path = write_items(tmp_path / "in.json", [TEXT, {"cats": {"A": 1.0}}])
    [record], _ = read(path)
    assert (record.has_entities, record.entities) == (False, [])
    assert detect(path) == "spacy-tuples"
    again, _ = write_record(FORMAT, tmp_path / "out.json", record)
    assert again == [TEXT, {}]


def test_overlapping_entities_are_read(tmp_path: Path) -> None:
    entities = [[0, 3, "P"], [0, 11, "S"], [2, 5, "X"], [0, 3, "P"]]
    [record], report = read(write_items(tmp_path / "in.json", [TEXT, {"entities": entities}]))
    assert [list(each.place) for each in record.entities] == entities
    assert report.lost == {}


def overlap(one: AnnotatedEntity, other: AnnotatedEntity) -> bool:
    return one.start < other.end and other.start < one.end


@given(record=any_records())
def test_what_spacy_accepts_is_written_and_read_again(
    record: AnnotatedText, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("tuples") / "out.json"
    _, report = write_record(FORMAT, path, replace(record, meta={"id": 7}))
    [again], _ = read(path)
    unique, lost = keep_first(record)
    assert again.text == record.text
    assert set(again.entities) <= set(unique.entities)
    assert not any(overlap(*pair) for pair in combinations(again.entities, 2))
    left_out = set(unique.entities) - set(again.entities)
    assert all(any(overlap(each, kept) for kept in again.entities) for each in left_out)
    lost += Counter(
        {
            "relations, which this format can't hold": len(record.relations),
            "entities that overlap another entity": len(left_out),
            "unsupported fields of the metadata (id)": 1,
        }
    )
    assert report.losses == +lost


def test_spacy_learns_from_what_is_written(tmp_path: Path) -> None:
    entities = [*RECORD.entities, AnnotatedEntity(4, 11, "S"), AnnotatedEntity(0, 3, "P")]
    record = AnnotatedText(TEXT, entities, [])
    (text, annotations), _ = write_record(FORMAT, tmp_path / "out.json", record)
    example = Example.from_dict(spacy.blank("en").make_doc(text), annotations)
    assert [(ent.text, ent.label_) for ent in example.reference.ents] == [
        ("Ann", "P"),
        ("met Bob", "S"),
    ]


def test_a_file_named_jsonl_is_a_list_too(tmp_path: Path) -> None:
    FORMAT.write([RECORD, RECORD], tmp_path / "out.jsonl", ConversionReport())
    assert json.loads((tmp_path / "out.jsonl").read_text()) == [PAIR, PAIR]


BAD_PAIRS: dict[str, tuple[Any, str]] = {
    "an object": ({"text": TEXT, "entities": []}, "must be a list of a text and an object"),
    "a text": (TEXT, "must be a list of a text and an object, got 'Ann met Bob'"),
    "a text alone": ([TEXT], "must be a list of a text and an object"),
    "three": ([*PAIR, {}], "must be a list of a text and an object"),
    "entities without a name": ([TEXT, [[0, 3, "P"]]], "must be a list of a text and an object"),
    "a number as text": ([3, {"entities": []}], "the text must be a string, got 3"),
    "entities that are null": ([TEXT, {"entities": None}], "must be a list, got None"),
    "a tag": ([TEXT, {"entities": ["U-P", "O", "U-P"]}], "'entities[0]' must be a list, got 'U-P'"),
    "an entity of two": (
        [TEXT, {"entities": [[0, 3]]}],
        "'entities[0]' must be a list of 3 values, got [0, 3]",
    ),
    "an entity outside": ([TEXT, {"entities": [[8, 12, "P"]]}], "8-12"),
    "an offset of text": (
        [TEXT, {"entities": [["0", 3, "P"]]}],
        "'entities[0][0]' must be an integer, got '0'",
    ),
    "an empty label": ([TEXT, {"entities": [[0, 3, ""]]}], "must not be empty"),
}


@pytest.mark.parametrize(("item", "problem"), BAD_PAIRS.values(), ids=BAD_PAIRS.keys())
def test_file_and_number_of_a_bad_text_are_named(item: Any, problem: str, tmp_path: Path) -> None:
    path = write_items(tmp_path / "bad.json", PAIR, item)
    message = read_error(FORMAT, path)
    assert message.startswith(f"{path}, text 2: ")
    assert problem in message
    report = ConversionReport(skip_bad=True)
    assert list(FORMAT.read(write_items(path, PAIR, item, PAIR), report)) == [RECORD] * 2
    assert report.rejected == [message]


@pytest.mark.parametrize(
    "item",
    [[TEXT, "P"], [TEXT, {"entities": {}}], [0, 3, "P"], {"classes": [], "annotations": {}}],
    ids=["a label", "an object of entities", "an entity", "annotations by name"],
)
def test_other_lists_are_not_taken_for_it(item: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no format matches"):
        detect_format(write_items(tmp_path / "in.json", item), all_formats(spacy.blank("xx")))
