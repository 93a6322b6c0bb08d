"""Label Studio's JSON export: regions, relations, annotators, and what is neither."""

import json
import zipfile
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from spacy_str_encoder.formats import archives, label_studio
from spacy_str_encoder.formats.annotated_text import (
    AnnotatedEntity,
    AnnotatedRelation,
    AnnotatedText,
)
from spacy_str_encoder.formats.format import ReadOptions
from spacy_str_encoder.formats.report import ConversionReport, LossError

from .annotated_texts import SOME_ATTRIBUTES, any_records, contents, reader
from .json_files import counts, detect, read_error, read_item, write_items, write_record

FORMAT = label_studio.label_studio_format()


def region(region_id: str, start: Any, end: Any, text: str, *labels: str) -> dict[str, Any]:
    return {
        "value": {"start": start, "end": end, "text": text, "labels": list(labels)},
        "id": region_id,
        "from_name": "label",
        "to_name": "text",
        "type": "labels",
        "origin": "manual",
    }


def relation(head: str, tail: str, *labels: str, **fields: Any) -> dict[str, Any]:
    ends = {"from_id": head, "to_id": tail, "type": "relation", "direction": "right"}
    return {**ends, "labels": list(labels), **fields}


def attribute(owner: dict[str, Any], name: str, kind: str, value: Any) -> dict[str, Any]:
    """What a control says of a region, as Label Studio exports it."""
    place = {key: owner["value"][key] for key in ("start", "end", "text")}
    return {**owner, "from_name": name, "type": kind, "value": {**place, kind: value}}


BODY, DEGREE = region("q1Zd", 0, 3, "前降支", "Body"), region("x_7A", 5, 7, "狭窄", "Degree")
XPATH = "/div[1]/p[2]/text()[1]"
# As Label Studio exports it.
TASK: dict[str, Any] = {
    "id": 12,
    "annotations": [
        {
            "id": 31,
            "completed_by": 2,
            "result": [BODY, DEGREE, relation("q1Zd", "x_7A", "Finding")],
            "was_cancelled": False,
            "ground_truth": False,
            "lead_time": 8.25,
            "task": 12,
        }
    ],
    "file_upload": "c0a1-reports.json",
    "drafts": [],
    "predictions": [{"model_version": "v0", "result": [region("p", 0, 3, "前降支", "Body")]}],
    "data": {"text": "前降支近段狭窄", "patient": "A7"},
    "meta": {},
    "inner_id": 1,
    "project": 4,
}
RECORD = AnnotatedText(
    "前降支近段狭窄",
    [AnnotatedEntity(0, 3, "Body"), AnnotatedEntity(5, 7, "Degree")],
    [AnnotatedRelation(0, 1, "Finding")],
)


def changed(**fields: Any) -> dict[str, Any]:
    return {**deepcopy(TASK), **fields}


def with_result(*result: Any) -> dict[str, Any]:
    return changed(annotations=[{"result": list(result)}])


def with_region(**fields: Any) -> dict[str, Any]:
    return with_result({**BODY, **fields})


def with_value(**fields: Any) -> dict[str, Any]:
    return with_region(value={**BODY["value"], **fields})


def with_text(text: str, *result: Any) -> dict[str, Any]:
    return {**with_result(*result), "data": {"text": text}}


def read(tmp_path: Path, item: Any, **options: Any) -> tuple[AnnotatedText, ConversionReport]:
    """Read a task; what is kept for Label Studio alone is left out."""
    format = label_studio.label_studio_format(ReadOptions(**options))
    record, report = read_item(format, tmp_path / "in.jsonl", item)
    meta = {name: value for name, value in record.meta.items() if name != "label_studio"}
    return replace(record, meta=meta), report


def lose(tmp_path: Path, *items: Any, has_entities: bool = False, **options: Any) -> dict[str, int]:
    """Read tasks that are no texts, or may be none if they have entities; what is counted."""
    format = label_studio.label_studio_format(ReadOptions(**options))
    path = write_items(tmp_path / "in.jsonl", *items)
    if has_entities:
        with pytest.raises(LossError, match="task 12 would be lost"):
            list(format.read(path, ConversionReport(strict=True)))
    report = ConversionReport(strict=not has_entities)
    assert list(format.read(path, report)) == []
    assert not report.chosen
    return report.losses


def zip_files(path: Path, **files: Any) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(f"{name}.json", json.dumps(content))
        archive.writestr("config.xml", "<View/>")
        archive.writestr("__MACOSX/._result.json", "x")
    return path


# Reading


def test_regions_and_relations_are_read(tmp_path: Path) -> None:
    assert read(tmp_path, TASK) == (replace(RECORD, meta={"patient": "A7"}), ConversionReport())


def test_relations_may_come_before_their_regions(tmp_path: Path) -> None:
    record, report = read(tmp_path, with_result(relation("q1Zd", "x_7A", "Finding"), DEGREE, BODY))
    assert contents(replace(record, meta={})) == contents(RECORD)
    assert report == ConversionReport()


@pytest.mark.parametrize(
    ("fields", "arcs"),
    [
        ({"direction": "right"}, [(0, 1)]),
        ({"direction": "left"}, [(1, 0)]),
        ({"direction": "bi"}, [(0, 1), (1, 0)]),
    ],
)
def test_the_direction_says_where_a_relation_goes(
    fields: dict[str, str], arcs: list[tuple[int, int]], tmp_path: Path
) -> None:
    item = with_result(BODY, DEGREE, relation("q1Zd", "x_7A", "Finding", **fields))
    record, report = read(tmp_path, item)
    assert record.relations == [AnnotatedRelation(head, tail, "Finding") for head, tail in arcs]
    assert report == ConversionReport()


def test_a_relation_without_a_direction_goes_right(tmp_path: Path) -> None:
    arrow = relation("x_7A", "q1Zd", "Finding")
    del arrow["direction"]
    record, _ = read(tmp_path, with_result(BODY, DEGREE, arrow))
    assert record.relations == [AnnotatedRelation(1, 0, "Finding")]


def test_each_label_of_a_relation_is_a_relation(tmp_path: Path) -> None:
    item = with_result(BODY, DEGREE, relation("q1Zd", "x_7A", "Finding", "Cause"))
    record, report = read(tmp_path, item)
    assert record.relations == [
        AnnotatedRelation(0, 1, "Finding"),
        AnnotatedRelation(0, 1, "Cause"),
    ]
    assert report == ConversionReport()


def test_each_label_of_a_region_is_an_entity_and_the_first_is_connected(tmp_path: Path) -> None:
    both = region("q1Zd", 0, 3, "前降支", "Body", "Vessel")
    record, report = read(tmp_path, with_result(DEGREE, both, relation("x_7A", "q1Zd", "Of")))
    assert record.entities[1:] == [AnnotatedEntity(0, 3, "Body"), AnnotatedEntity(0, 3, "Vessel")]
    assert record.relations == [AnnotatedRelation(0, 1, "Of")]
    assert not report.lost
    assert counts(report.chosen) == {
        "relations of regions with several labels, attached to the first label": 1
    }


def test_labels_of_two_controls_are_those_of_one_region(tmp_path: Path) -> None:
    other = {**region("q1Zd", 0, 3, "前降支", "Certain"), "from_name": "certainty"}
    item = with_result(BODY, other, DEGREE, relation("q1Zd", "x_7A", "Finding"))
    record, report = read(tmp_path, item)
    assert [entity.label for entity in record.entities] == ["Body", "Certain", "Degree"]
    assert record.relations == [AnnotatedRelation(0, 2, "Finding")]
    assert not report.lost
    assert counts(report.chosen) == {
        "relations of regions with several labels, attached to the first label": 1,
        "tasks with labels from several controls (only the first is kept)": 1,
    }


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("choices", ["negated"], "negated"),
        ("choices", [["not sure", "negated"]], "not sure/negated"),
        ("taxonomy", [["Heart", "Left"]], "Heart/Left"),
        ("rating", 3, "3"),
        ("number", 2.5, "2.5"),
        ("choices", [], None),
    ],
)
def test_what_a_control_says_of_a_region_is_an_attribute(
    kind: str, value: Any, expected: str | None, tmp_path: Path
) -> None:
    item = with_result(attribute(BODY, "Assertion", kind, value), BODY, DEGREE)
    record, report = read(tmp_path, item)
    attributes = {"Assertion": expected} if expected else None
    assert [each.attributes for each in record.entities] == [attributes, None]
    assert report == ConversionReport()


def test_further_choices_are_counted(tmp_path: Path) -> None:
    item = with_result(
        BODY,
        attribute(BODY, "Assertion", "choices", ["negated", "possible", "negated"]),
        attribute(BODY, "Of", "choices", ["family"]),
    )
    record, report = read(tmp_path, item)
    assert record.entities[0].attributes == {"Assertion": "negated", "Of": "family"}
    case = f"{tmp_path / 'in.jsonl'}, line 1: 'Assertion=possible' beside 'Assertion=negated'"
    assert report.lost == {"further values of an attribute": [case]}


def test_attributes_of_a_region_with_several_labels_are_those_of_each(tmp_path: Path) -> None:
    both = region("q1Zd", 0, 3, "前降支", "Body", "Vessel")
    record, _ = read(tmp_path, with_result(both, attribute(both, "Side", "choices", ["left"])))
    assert [each.attributes for each in record.entities] == [{"Side": "left"}] * 2


def test_choices_of_the_whole_text_are_no_attributes(tmp_path: Path) -> None:
    whole = {"id": "w1", "type": "choices", "from_name": "Kind", "value": {"choices": ["CT"]}}
    noted = {**attribute(BODY, "Side", "choices", ["left"]), "meta": {"text": ["sure?"]}}
    record, report = read(tmp_path, with_result(BODY, noted, whole))
    assert record.entities == [AnnotatedEntity(0, 3, "Body", {"Side": "left"})]
    assert report.losses == {"regions of type 'choices'": 1, "unsupported fields of regions": 1}


def test_what_is_no_entity_or_relation_is_counted(tmp_path: Path) -> None:
    item = with_result(
        BODY,
        DEGREE,
        {**region("c1", 0, 3, "前降支"), "type": "choices", "value": {"choices": ["urgent"]}},
        {**region("t1", 0, 3, "前降支"), "type": "textarea", "value": {"text": ["see below"]}},
        region("u1", 3, 5, "近段"),
        {"id": "u2", "type": "labels", "value": {"start": 3, "end": 5, "text": "近段"}},
        relation("q1Zd", "x_7A"),
        {"type": "relation", "from_id": "q1Zd", "to_id": "x_7A", "direction": "right"},
        relation("q1Zd", "u1", "Position"),
        relation("c1", "q1Zd", "Position"),
    )
    record, report = read(tmp_path, item)
    assert (record.entities, record.relations) == (RECORD.entities, [])
    assert not report.chosen
    assert report.losses == {
        "regions of type 'choices'": 1,
        "regions of type 'textarea'": 1,
        "regions without a label": 2,
        "relations without a label": 2,
        "relations of regions that were left out": 2,
    }


def test_notes_of_annotators_are_counted(tmp_path: Path) -> None:
    noted = {**BODY, "meta": {"text": ["sure?"]}, "score": 0.5, "readonly": False}
    noted["value"] = {**BODY["value"], "score": 0.5}
    record, report = read(tmp_path, with_result(noted))
    assert record.entities == [AnnotatedEntity(0, 3, "Body")]
    # The score of the region is that of a prediction, which somebody has confirmed.
    assert record.entities[0].score is None
    assert report.losses == {"unsupported fields of regions": 2}


def test_predictions_have_scores_and_are_written_as_predictions(tmp_path: Path) -> None:
    result = [{**BODY, "score": 0.75}, {**DEGREE, "score": 95}]
    record, report = read(tmp_path, changed(predictions=[{"result": result}]), predictions=True)
    assert [entity.score for entity in record.entities] == [0.75, None]
    # A number that is no probability.
    assert report.losses == {"unsupported fields of regions": 1}
    task = label_studio.serialize(record, ConversionReport())
    assert "annotations" not in task
    [prediction] = task["predictions"]
    regions = [each for each in prediction["result"] if each["type"] == "labels"]
    assert [region.get("score") for region in regions] == [0.75, None]


def test_the_first_annotation_that_was_not_cancelled_is_read(tmp_path: Path) -> None:
    annotations = [
        {"result": [DEGREE], "was_cancelled": True},
        {"result": [BODY], "was_cancelled": False},
        {"result": [BODY, DEGREE]},
    ]
    record, report = read(tmp_path, changed(annotations=annotations))
    assert record.entities == [AnnotatedEntity(0, 3, "Body")]
    assert not report.lost
    assert counts(report.chosen) == {
        "tasks with several annotations (the first one not cancelled is read)": 1
    }


@pytest.mark.parametrize("predictions", [[], [{"result": [BODY]}]], ids=["", "predicted"])
@pytest.mark.parametrize(
    ("annotations", "reason"),
    [
        ([], None),
        ([{"result": [BODY], "was_cancelled": True}], "cancelled tasks"),
        ([{"result": [BODY], "skipped": True}], "cancelled tasks"),
        ([{"result": [BODY], "was_cancelled": True, "ground_truth": True}], "cancelled tasks"),
    ],
    ids=["none", "cancelled", "skipped", "cancelled ground truth"],
)
def test_tasks_that_nobody_annotated_are_left_out(
    annotations: list[Any], reason: str | None, predictions: list[Any], tmp_path: Path
) -> None:
    item = changed(annotations=annotations, predictions=predictions)
    path = write_items(tmp_path / "a.jsonl", TASK, item, TASK)
    report = ConversionReport()
    assert len(list(FORMAT.read(path, report))) == 2
    [(found, [case])] = report.lost.items()
    assert found == reason or (reason is None and found == (UNREAD if predictions else LEFT_OUT))
    assert case.startswith(f"{path}, line 2: ")
    with pytest.raises(LossError, match="line 2"):
        list(FORMAT.read(path, ConversionReport(strict_all=True)))


def test_tasks_are_named_by_the_id_of_their_data(tmp_path: Path) -> None:
    item = changed(id=7, data={"text": "x", "id": "r-1"}, annotations=[], predictions=[])
    report = ConversionReport()
    path = write_items(tmp_path / "a.jsonl", item)
    assert not [*FORMAT.read(path, report)]
    assert report.lost == {"unannotated tasks": [f"{path}, line 1: task 7 (id 'r-1')"]}


def test_the_ground_truth_is_read_before_other_annotations(tmp_path: Path) -> None:
    annotations = [
        {"result": [DEGREE], "ground_truth": True, "was_cancelled": True},
        {"result": [DEGREE], "ground_truth": False},
        {"result": [BODY], "ground_truth": True},
    ]
    record, report = read(tmp_path, changed(annotations=annotations))
    assert record.entities == RECORD.entities[:1]
    assert not report.lost
    reason = "tasks with several annotations (the ground truth is read)"
    assert counts(report.chosen) == {reason: 1}


def test_completions_of_old_exports_are_annotations(tmp_path: Path) -> None:
    task = {"id": 3, "data": TASK["data"], "completions": TASK["annotations"]}
    assert read(tmp_path, task) == (replace(RECORD, meta={"patient": "A7"}), ConversionReport())
    assert detect(write_items(tmp_path / "a.jsonl", task)) == "label-studio"
    record, _ = read_item(FORMAT, tmp_path / "in.jsonl", task)
    item, _ = write_record(FORMAT, tmp_path / "out", record)
    assert item.keys() == {"id", "data", "annotations"}


# Predictions

PREDICTED = [
    {"model_version": "v1", "score": 0.5, "result": [DEGREE]},
    {"model_version": "v0", "score": 0.7, "result": [BODY]},
]
UNREAD = "unannotated tasks that have predictions"
LEFT_OUT = "unannotated tasks"


@pytest.mark.parametrize("fields", [{"annotations": []}, {}], ids=["empty", "missing"])
def test_tasks_with_predictions_alone_are_unannotated(
    fields: dict[str, Any], tmp_path: Path
) -> None:
    task = {"data": TASK["data"], "predictions": PREDICTED, **fields}
    assert lose(tmp_path, task, task) == {UNREAD: 2}
    assert detect(tmp_path / "in.jsonl") == "label-studio"


def test_the_first_prediction_is_read_in_place_of_annotations_if_asked_for(tmp_path: Path) -> None:
    record, report = read(tmp_path, changed(predictions=PREDICTED), predictions=True)
    assert record.entities == RECORD.entities[1:]
    assert not report.lost
    assert counts(report.chosen) == {"tasks with several predictions (the first one is read)": 1}
    task = {"data": TASK["data"], "predictions": PREDICTED[1:]}
    record, report = read(tmp_path, task, predictions=True)
    assert record.entities == RECORD.entities[:1]
    assert report == ConversionReport()


def test_regions_of_predictions_may_lack_ids(tmp_path: Path) -> None:
    result = [{key: each[key] for key in each if key != "id"} for each in (BODY, DEGREE)]
    task = changed(predictions=[{"result": result}])
    record, report = read(tmp_path, task, predictions=True)
    assert record.entities == RECORD.entities
    assert report == ConversionReport()


def test_tasks_without_predictions_are_left_out_if_these_are_asked_for(tmp_path: Path) -> None:
    tasks = changed(predictions=[]), changed(predictions=None), without("predictions")
    assert lose(tmp_path, *tasks, predictions=True) == {"tasks without predictions": 3}


@pytest.mark.parametrize(
    ("name", "unread"), [("annotations", "predictions"), ("predictions", "annotations")]
)
def test_what_is_not_read_may_be_anything(name: str, unread: str, tmp_path: Path) -> None:
    options = {"predictions": name == "predictions"}
    task = changed(predictions=PREDICTED)
    record, _ = read(tmp_path, {**task, unread: [3]}, **options)
    assert record.entities
    path = write_items(tmp_path / "bad.json", {**task, name: [3]})
    format = label_studio.label_studio_format(ReadOptions(**options))
    problem = f"text 1: the field '{name}[0]' must be an object, got 3"
    assert read_error(format, path) == f"{path}, {problem}"


# The text


def test_a_task_without_regions_is_annotated_as_having_none(tmp_path: Path) -> None:
    record, report = read(tmp_path, with_result())
    assert (record.text, record.entities, record.relations) == (RECORD.text, [], [])
    assert report == ConversionReport()


@pytest.mark.parametrize(
    "data",
    [
        {"text": "前降支近段狭窄", "title": "CT"},
        {"reports": "前降支近段狭窄", "number": 3},
        {"text": ["CT"], "body": "前降支近段狭窄", "title": "CT"},
    ],
    ids=["called text", "the only string", "called like the object"],
)
def test_the_text_is_found_among_the_data(data: dict[str, Any], tmp_path: Path) -> None:
    item = {**with_result({**BODY, "to_name": "body"}), "data": data}
    record, report = read(tmp_path, item)
    assert record.text == "前降支近段狭窄"
    assert record.meta == {key: value for key, value in data.items() if value != record.text}
    assert report == ConversionReport()


SEVERAL = "tasks whose regions fit several fields"


@pytest.mark.parametrize(
    "data",
    [
        {"text": "Left lung clear", "report": RECORD.text},
        {"report": RECORD.text, "text": "前降支近段"},
        {"title": "CT", "report": RECORD.text, "url": "https://a.example/1.txt"},
        {"title": "CT", "report": RECORD.text, "lung": "Left lung clear"},
    ],
    ids=["after text", "before text", "beside an address", "among others"],
)
@pytest.mark.parametrize("to_name", ["text", "title", "body"])
def test_the_text_is_the_field_that_all_regions_fit(
    to_name: str, data: dict[str, str], tmp_path: Path
) -> None:
    result = [{**each, "to_name": to_name} for each in (BODY, DEGREE)]
    record, report = read(tmp_path, {**with_result(*result), "data": data})
    assert (record.text, record.entities) == (RECORD.text, RECORD.entities)
    assert record.meta == {key: value for key, value in data.items() if key != "report"}
    assert report == ConversionReport()


@given(record=any_records(), other=st.text(), to_name=st.sampled_from(["text", "report", "a"]))
def test_entities_are_never_cut_out_of_another_string(
    record: AnnotatedText,
    other: str,
    to_name: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    surfaces = [record.text[each.start : each.end] for each in record.entities]
    regions = [
        {**region(f"{i}", each.start, each.end, surface, "X"), "to_name": to_name}
        for i, (each, surface) in enumerate(zip(record.entities, surfaces, strict=True))
    ]
    assume(regions)
    item = {**with_result(*regions), "data": {"text": other, "report": record.text}}
    found, report = read(tmp_path_factory.mktemp("label-studio"), item)
    cut = [found.text[each.start : each.end] for each in found.entities]
    assert [each.split() for each in cut] == [each.split() for each in surfaces]
    assert found.text == record.text or report.chosen


def test_the_field_that_code_units_fit_is_found(tmp_path: Path) -> None:
    data = {"text": "abc Ada", "report": "👍👍 Ada"}
    item = {**with_result(region("a", 5, 8, "Ada", "P")), "data": data}
    record, report = read(tmp_path, item)
    assert record.text == "👍👍 Ada"
    assert counts(report.chosen) == {UTF16: 1}


@pytest.mark.parametrize(
    ("to_name", "expected"), [("body", "body"), ("text", "text"), ("other", "text")]
)
def test_of_several_fields_that_fit_one_is_chosen_by_name(
    to_name: str, expected: str, tmp_path: Path
) -> None:
    data = {name: f"前降支 {name}" for name in ("a", "text", "body")}
    item = {**with_result({**BODY, "to_name": to_name}), "data": data}
    record, report = read(tmp_path, item)
    assert record.text == data[expected]
    assert counts(report.chosen) == {SEVERAL: 1}


def test_old_regions_name_the_field_of_the_text(tmp_path: Path) -> None:
    data = {name: f"前降支 {name}" for name in ("a", "text", "body")}
    item = {**with_result({**BODY, "source": "$a", "parent_id": None}), "data": data}
    record, report = read(tmp_path, item)
    assert record.text == data["a"]
    assert report == ConversionReport()


@pytest.mark.parametrize(
    ("result", "data", "problem"),
    [
        ([BODY], {"a": "前降支a", "b": "前降支b"}, "got 2 strings: ['a', 'b']"),
        ([BODY], {"a": "x", "b": "y"}, "got 2 strings: ['a', 'b']"),
        ([], {"a": "x", "b": "y"}, "got 2 strings: ['a', 'b']"),
        ([BODY], {"a": "x", "text": "回旋支"}, "must have the text '前降支', got '回旋支'"),
        ([BODY], {"a": "回旋支", "url": "s3://b/c"}, "must have the text '前降支', got '回旋支'"),
        ([BODY], {"a": "前降支a", "b": "前降支b", "url": "s3://b/c"}, "got 3 strings"),
    ],
)
def test_if_no_field_can_be_chosen_the_error_names_the_option(
    result: list[Any], data: dict[str, str], problem: str, tmp_path: Path
) -> None:
    path = write_items(tmp_path / "a.jsonl", {**with_result(*result), "data": data})
    message = read_error(FORMAT, path)
    assert problem in message
    assert message.endswith("; name the field of the text with `convert --text-field`")


FROM_OTHERS = "tasks read with the field that the regions of other tasks fit"
TITLE_AND_BODY = {"title": "前降支", "body": "前降支近段狭窄"}
SHOWS_BODY = {**with_result(DEGREE), "data": TITLE_AND_BODY}
SHOWS_TITLE = {**with_result(BODY), "data": {"title": "前降支", "body": "x"}}


@pytest.mark.parametrize(
    ("result", "data", "fields"),
    [
        ([], TITLE_AND_BODY, ["title", "body"]),
        ([BODY], TITLE_AND_BODY, ["title", "body"]),
        ([], {"title": "CT", "body": "x", "url": "s3://a/b"}, ["title", "body"]),
        ([], {"text": "CT", "body": "x"}, ["text", "body"]),
        ([BODY], {"text": "前降支", "body": "前降支", "title": "x"}, ["text", "body"]),
    ],
    ids=["no regions", "fits both", "beside an address", "not called text", "fits text too"],
)
@pytest.mark.parametrize("suffix", [".json", ".zip"])
def test_the_field_that_other_tasks_show_is_read(
    suffix: str, result: list[Any], data: dict[str, str], fields: list[str], tmp_path: Path
) -> None:
    tasks = [{**with_result(*result), "data": data}, SHOWS_TITLE, SHOWS_BODY, SHOWS_BODY]
    if suffix == ".json":
        path = write_items(tmp_path / "a.json", *tasks)
        place = f"{path}, text 1"
    else:
        path = zip_files(tmp_path / "a.zip", **{str(i): task for i, task in enumerate(tasks)})
        place = f"{path}/0.json, line 1"
    report = ConversionReport()
    texts = [record.text for record in FORMAT.read(path, report)]
    assert texts == [data["body"], "前降支", *[TITLE_AND_BODY["body"]] * 2]
    assert report.chosen == {FROM_OTHERS: [f"{place}: 'body' of {fields}"]}


@pytest.mark.parametrize(
    ("result", "data", "text"),
    [
        ([], {"title": "CT", "text": "x"}, "x"),
        ([], {"report": "x"}, "x"),
        ([{**BODY, "source": "$text"}], {"body": "前降支", "text": "前降支。"}, "前降支。"),
        ([BODY], {"body": "x", "text": "前降支"}, "前降支"),
    ],
    ids=["no such field", "one string", "named by regions", "fits another"],
)
def test_other_tasks_do_not_overrule_what_a_task_shows(
    result: list[Any], data: dict[str, str], text: str, tmp_path: Path
) -> None:
    task = {**with_result(*result), "data": data}
    report = ConversionReport(skip_bad=True)
    path = write_items(tmp_path / "a.jsonl", SHOWS_BODY, 3, task)
    [_, record] = FORMAT.read(path, report)
    assert record.text == text
    assert report.chosen == {}


def test_tasks_called_text_are_no_choice_if_other_tasks_show_the_same(tmp_path: Path) -> None:
    shows_text = {**with_result(BODY), "data": {"text": "前降支", "title": "CT"}}
    task = {**with_result(), "data": {"title": "CT", "text": "x"}}
    report = ConversionReport()
    path = write_items(tmp_path / "a.jsonl", shows_text, task)
    assert [record.text for record in FORMAT.read(path, report)] == ["前降支", "x"]
    assert report == ConversionReport()


def test_predictions_show_the_field_if_they_are_read(tmp_path: Path) -> None:
    tasks = [{"data": TITLE_AND_BODY, "predictions": [{"result": each}]} for each in ([DEGREE], [])]
    path = write_items(tmp_path / "a.jsonl", *tasks)
    format = label_studio.label_studio_format(ReadOptions(predictions=True))
    report = ConversionReport()
    texts = [record.text for record in format.read(path, report)]
    assert texts == [TITLE_AND_BODY["body"]] * 2
    assert counts(report.chosen) == {FROM_OTHERS: 1}


@pytest.mark.parametrize("result", [[BODY, DEGREE], []], ids=["regions", "no regions"])
def test_the_field_of_the_text_can_be_named(result: list[Any], tmp_path: Path) -> None:
    data = {"text": RECORD.text, "b": RECORD.text + "。"}
    item = {**with_result(*result), "data": data}
    record, report = read(tmp_path, item, text_field="b")
    assert (record.text, record.meta) == (data["b"], {"text": RECORD.text})
    assert len(record.entities) == len(result)
    assert report == ConversionReport()


@pytest.mark.parametrize(
    ("field", "problem"),
    [
        ("c", "--text-field, 'c'; the fields with strings are ['text', 'b']"),
        ("n", "--text-field, 'n'; the fields with strings are ['text', 'b']"),
        ("b", "must have the text '前降支', got '回旋支'"),
    ],
)
def test_a_field_without_the_text_is_an_error(field: str, problem: str, tmp_path: Path) -> None:
    data = {"text": RECORD.text, "b": "回旋支", "n": 3}
    path = write_items(tmp_path / "a.jsonl", {**with_result(BODY), "data": data})
    format = label_studio.label_studio_format(ReadOptions(text_field=field))
    assert read_error(format, path).endswith(problem)


# Tasks without a plain text

FILES = "tasks with addresses of files in place of a text"
OTHERS = "tasks whose regions are not of plain text"
HYPERTEXT = "tasks with regions of HyperText whose globalOffsets do not fit the text"
BOX = {
    "id": "r1",
    "type": "rectanglelabels",
    "from_name": "label",
    "to_name": "image",
    "value": {"x": 4.5, "y": 3, "width": 5, "height": 2, "rectanglelabels": ["Car"]},
}
WHOLE = {**BOX, "type": "choices", "value": {"choices": ["Street"]}}
SOUND = {**region("s", 0, 3, "", "Speech"), "to_name": "audio"}
SOUND["value"] = {"start": 0, "end": 3, "channel": 0, "labels": ["Speech"]}


@pytest.mark.parametrize(
    ("data", "result", "reason"),
    [
        ({"text": "/a/b.png"}, [], FILES),
        ({"image": "/data/upload/7"}, [], FILES),
        ({"image": "s3://bucket/b.png", "patient": "A7"}, [], FILES),
        ({"image": "/a/b.png"}, [WHOLE], FILES),
        ({"audio": "https://a.example/b?c=1"}, [SOUND], FILES),
        ({"audio": "/a/b.wav", "speaker": "Ann"}, [SOUND], FILES),
        ({"text": "https://a.example/b.txt", "patient": "A7"}, [BODY], FILES),
        ({"url": "https://a.example/b.txt"}, [BODY], FILES),
        ({"image": "data:image/png;base64,iVBORw0KGgo="}, [], FILES),
        ({"image": "/a/b.png"}, [BOX], OTHERS),
        ({"text": "A car", "image": "/a/b.png"}, [BOX], OTHERS),
        ({"pages": ["/a/b.png"]}, [{**BOX, "type": "brush"}], OTHERS),
        ({"speaker": "Ann"}, [{**SOUND, "original_length": 4.2}], OTHERS),
        ({"text": [{"author": "A"}]}, [{**BOX, "type": "paragraphlabels"}], OTHERS),
    ],
)
def test_images_and_sounds_are_no_texts(
    data: dict[str, Any], result: list[Any], reason: str, tmp_path: Path
) -> None:
    item = {**with_result(*result), "data": data}
    assert lose(tmp_path, item, has_entities=result not in ([], [WHOLE])) == {reason: 1}


@pytest.mark.parametrize(
    "text", ["/a/b.png is broken", "/", "前降支/近段.狭窄", "n/a", "/正常。", "a.b", "9/10.5"]
)
def test_texts_with_dots_and_slashes_are_no_addresses(text: str, tmp_path: Path) -> None:
    record, _ = read(tmp_path, with_text(text))
    assert record.text == text


def test_an_address_that_all_regions_fit_is_a_text(tmp_path: Path) -> None:
    record, _ = read(
        tmp_path, with_text("https://a.example/b", region("a", 8, 17, "a.example", "H"))
    )
    assert record.entities == [AnnotatedEntity(8, 17, "H")]


def test_regions_of_a_text_are_read_beside_those_of_an_image(tmp_path: Path) -> None:
    record, report = read(tmp_path, with_result(BOX, BODY, DEGREE))
    assert record.entities == RECORD.entities
    assert report.losses == {"regions of type 'rectanglelabels'": 1}


def hypertext(text: str | None, start: int, end: int, **fields: Any) -> dict[str, Any]:
    place = {"start": XPATH, "end": XPATH, "startOffset": 2, "endOffset": 4}
    offsets = {"globalOffsets": {"start": start, "end": end}}
    value = {**place, **offsets, "hypertextlabels": ["Body"], **fields}
    if text is not None:
        value["text"] = text
    return {**BODY, "type": "hypertextlabels", "value": value}


@pytest.mark.parametrize(
    "item",
    [
        hypertext("前降支", 0, 3),
        {**hypertext("前降支", 0, 3, labels=["Body"]), "type": "labels"},
    ],
    ids=["hypertextlabels", "labels"],
)
def test_regions_of_hypertext_are_read_if_their_global_offsets_fit(
    item: Any, tmp_path: Path
) -> None:
    record, report = read(tmp_path, with_result(item))
    assert record.entities == RECORD.entities[:1]
    assert not report.lost
    reason = "tasks with regions of HyperText, read by their globalOffsets"
    assert counts(report.chosen) == {reason: 1}


@pytest.mark.parametrize(
    "item",
    [
        hypertext("前降支", 1, 4),
        hypertext(None, 0, 3),
        with_value(start=XPATH, end=XPATH)["annotations"][0]["result"][0],
    ],
    ids=["other offsets", "no text", "no global offsets"],
)
@pytest.mark.parametrize("data", [{"html": RECORD.text}, {"a": RECORD.text, "b": "<p>前降支</p>"}])
def test_other_regions_of_hypertext_are_left_out(
    data: dict[str, str], item: Any, tmp_path: Path
) -> None:
    item = {**with_result(item), "data": data}
    assert lose(tmp_path, item, has_entities=True) == {HYPERTEXT: 1}


# Offsets

UTF16 = "tasks with offsets in UTF-16 code units"


def test_offsets_count_code_points(tmp_path: Path) -> None:
    item = with_text(
        "👍👍 Ada at 𠮷野家", region("a", 3, 6, "Ada", "P"), region("b", 10, 13, "𠮷野家", "O")
    )
    record, report = read(tmp_path, item)
    assert record.entities == [AnnotatedEntity(3, 6, "P"), AnnotatedEntity(10, 13, "O")]
    assert report == ConversionReport()


def test_code_units_are_told_by_the_texts_of_the_regions(tmp_path: Path) -> None:
    item = with_text(
        "👍👍 Ada at 𠮷野家", region("a", 5, 8, "Ada", "P"), region("b", 12, 16, "𠮷野家", "O")
    )
    record, report = read(tmp_path, item)
    assert record.entities == [AnnotatedEntity(3, 6, "P"), AnnotatedEntity(10, 13, "O")]
    assert not report.lost
    assert counts(report.chosen) == {UTF16: 1}


def test_code_units_are_told_at_the_end_of_a_text(tmp_path: Path) -> None:
    record, report = read(tmp_path, with_text("Ada 👍", region("a", 0, 6, "Ada 👍", "P")))
    assert record.entities == [AnnotatedEntity(0, 5, "P")]
    assert counts(report.chosen) == {UTF16: 1}


def test_without_texts_of_regions_offsets_count_code_points(tmp_path: Path) -> None:
    bare = region("a", 3, 6, "", "P")
    del bare["value"]["text"]
    record, report = read(tmp_path, with_text("👍👍 Ada at 𠮷野家", bare))
    assert record.entities == [AnnotatedEntity(3, 6, "P")]
    assert report == ConversionReport()


@pytest.mark.parametrize("new_line", ["\n", "\r\n", "\r"])
def test_line_breaks_in_the_text_of_a_region_are_a_backslash_and_an_n(
    new_line: str, tmp_path: Path
) -> None:
    text = f"x{new_line}前降支{new_line}近段"
    start, end = len(f"x{new_line}"), len(text)
    record, report = read(tmp_path, with_text(text, region("a", start, end, "前降支\\n近段", "A")))
    assert record.entities == [AnnotatedEntity(start, end, "A")]
    assert report == ConversionReport()


@pytest.mark.parametrize(
    ("text", "start", "end", "found"),
    [
        ("Ada at Acme", 1, 4, "'da '"),
        ("Ada at Acme", 0, 4, "'Ada '"),
        ("👍 Ada at Acme", 0, 3, "'👍 A'"),
        ("👍 Ada at Acme", 1, 4, "' Ad'"),
    ],
)
def test_a_region_that_is_not_its_text_is_an_error(
    text: str, start: int, end: int, found: str, tmp_path: Path
) -> None:
    item = with_text(text, region("a", start, end, "Ada", "P"))
    message = read_error(FORMAT, write_items(tmp_path / "a.jsonl", item))
    assert f"line 1: the region {start}-{end} must have the text 'Ada', got {found}" in message


# Writing


def without_repeats(record: AnnotatedText) -> AnnotatedText:
    return replace(record, relations=list(dict.fromkeys(record.relations)))


# Attributes with the name of the labels or the text are renamed.
KEPT = SOME_ATTRIBUTES.filter(lambda names: {"label", "text"}.isdisjoint(names or ()))


@given(records=st.lists(any_records(KEPT), max_size=3))
@pytest.mark.parametrize("suffix", [".json", ".jsonl"])
def test_what_was_written_is_read_again_but_repeated_relations(
    suffix: str, records: list[AnnotatedText], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("label-studio") / f"out{suffix}"
    report = ConversionReport()
    FORMAT.write(records, path, report)
    found = [replace(record, meta={}) for record in reader(FORMAT)(path)]
    expected = list(map(without_repeats, records))
    assert list(map(contents, found)) == list(map(contents, expected))
    repeats = sum(len(r.relations) for r in records) - sum(len(r.relations) for r in expected)
    assert sum(report.losses.values()) == repeats


def test_two_regions_have_one_relation_with_all_labels(tmp_path: Path) -> None:
    relations = [
        AnnotatedRelation(0, 1, "A"),
        AnnotatedRelation(1, 0, "B"),
        AnnotatedRelation(0, 1, "C"),
    ]
    record = replace(RECORD, relations=[*relations, AnnotatedRelation(0, 1, "A")])
    item, report = write_record(FORMAT, tmp_path / "out", record)
    [annotation] = item["annotations"]
    head, tail, *arrows = annotation["result"]
    ends = {"type": "relation", "direction": "right"}
    assert arrows == [
        {**ends, "from_id": head["id"], "to_id": tail["id"], "labels": ["A", "C"]},
        {**ends, "from_id": tail["id"], "to_id": head["id"], "labels": ["B"]},
    ]
    assert report.losses == {"duplicate relations": 1}


def test_records_of_other_formats_fit_the_template(tmp_path: Path) -> None:
    item, report = write_record(FORMAT, tmp_path / "out", replace(RECORD, meta={"id": 7}))
    assert item["data"] == {"text": RECORD.text, "id": 7}
    names = {"type": "labels", "from_name": "label", "to_name": "text"}
    values = [
        {"start": 0, "end": 3, "text": "前降支", "labels": ["Body"]},
        {"start": 5, "end": 7, "text": "狭窄", "labels": ["Degree"]},
    ]
    first, second, _ = item["annotations"][0]["result"]
    assert [first, second] == [
        {"id": each["id"], **names, "value": value}
        for each, value in zip((first, second), values, strict=True)
    ]
    assert report == ConversionReport()


def test_attributes_are_written_as_choices_of_their_region(tmp_path: Path) -> None:
    entities = [
        AnnotatedEntity(0, 3, "Body", {"Side": "left", "Sure": "true"}),
        AnnotatedEntity(5, 7, "Degree", {}),
    ]
    item, report = write_record(FORMAT, tmp_path / "out", replace(RECORD, entities=entities))
    body, *attributes, degree, _ = item["annotations"][0]["result"]
    assert degree["value"]["labels"] == ["Degree"]
    place = {"start": 0, "end": 3, "text": "前降支"}
    assert attributes == [
        {
            "id": body["id"],
            "type": "choices",
            "from_name": name,
            "to_name": "text",
            "value": {**place, "choices": [value]},
        }
        for name, value in (("Side", "left"), ("Sure", "true"))
    ]
    assert report == ConversionReport()


def test_attributes_are_renamed_if_the_labels_or_the_text_have_their_name(tmp_path: Path) -> None:
    entities = [
        AnnotatedEntity(0, 3, "Body", {"label": "a", "label_2": "b"}),
        AnnotatedEntity(5, 7, "Degree", {"text": "c", "label": "d"}),
    ]
    record = replace(RECORD, entities=entities, place="in.jsonl, line 1")
    item, report = write_record(FORMAT, tmp_path / "out", record)
    result = item["annotations"][0]["result"]
    choices = [each["from_name"] for each in result if each["type"] == "choices"]
    assert choices == ["label_3", "label_2", "text_2", "label_3"]
    assert not report.lost
    reason = "attributes renamed, since the labels or the text have the same name"
    cases = ["'label' to 'label_3'", "'text' to 'text_2'"]
    assert report.chosen == {reason: [f"in.jsonl, line 1: {case}" for case in cases]}


def test_meta_data_that_take_the_place_of_the_text_are_counted(tmp_path: Path) -> None:
    item, report = write_record(FORMAT, tmp_path / "out", replace(RECORD, meta={"text": "CT"}))
    assert item["data"] == {"text": RECORD.text}
    assert sum(report.losses.values()) == 1


def test_all_fields_come_back_but_the_ids_of_regions(tmp_path: Path) -> None:
    task = deepcopy(TASK)
    task["data"] = {"report": RECORD.text, "patient": "A7"}
    for each in task["annotations"][0]["result"][:2]:
        each |= {"from_name": "ner", "to_name": "report"}
    record, _ = read_item(FORMAT, tmp_path / "in.jsonl", task)
    item, report = write_record(FORMAT, tmp_path / "out", record)
    assert report == ConversionReport()
    result = task["annotations"][0].pop("result")
    written = item["annotations"][0].pop("result")
    assert item == task
    for before, after in zip(result[:2], written[:2], strict=True):
        assert before == {**after, "id": before["id"], "origin": "manual"}


# Refusing


def with_relation(**fields: Any) -> dict[str, Any]:
    return with_result(BODY, DEGREE, {**relation("q1Zd", "x_7A", "Finding"), **fields})


def without(field: str) -> dict[str, Any]:
    return {name: value for name, value in TASK.items() if name != field}


def with_attribute(kind: str, value: Any, name: Any = "Sure") -> dict[str, Any]:
    return with_result(BODY, attribute(BODY, name, kind, value))


LONE_SURROGATE = "\ud83d"
BAD: dict[str, tuple[Any, str]] = {
    "no object": ("text", "not a JSON object"),
    "a list": ([TASK], "not a JSON object"),
    "no data": (without("data"), "'data' is missing"),
    "no annotations": ({"data": {"text": "x"}}, "'annotations' is missing"),
    "completions are an object": ({"data": {"text": "x"}, "completions": {}}, "must be a list"),
    "predictions are an object": (changed(predictions={"result": []}), "must be a list"),
    "data are text": (changed(data="text"), ""),
    "data without a string": (changed(data={"number": 3}), "got 0 strings"),
    "data with two strings": (changed(data={"a": "x", "b": "y"}), "got 2 strings: ['a', 'b']"),
    "annotations are an object": (changed(annotations={}), "'annotations' must be a list, got {}"),
    "an annotation is a list": (changed(annotations=[[]]), ""),
    "no result": (changed(annotations=[{"id": 3}]), "'result' is missing"),
    "a result is an object": (changed(annotations=[{"result": {}}]), "must be a list"),
    "a region without a type": (with_result({"id": "a"}), "'type' is missing"),
    "a region without a value": (with_result({"id": "a", "type": "labels"}), "'value'"),
    "labels are text": (with_value(labels="Body"), "must be a list, got 'Body'"),
    "a label is a number": (with_value(labels=[3]), "3"),
    "a label is empty": (with_value(labels=[""]), "the type of an entity must not be empty"),
    "an offset is missing": (with_region(value={"start": 0, "labels": ["A"]}), "'end' is missing"),
    "an offset is no integer": (with_value(start=0.0), "0.0"),
    "an offset is null": (with_value(end=None), "None"),
    "an empty region": (with_value(start=3, text=""), "3-3"),
    "a region that ends before it begins": (with_value(start=5, end=3, text=""), "5-3"),
    "a region outside": (with_value(end=8, text=RECORD.text), "0-8"),
    "another text": (with_value(text="回旋支"), "must have the text '回旋支', got '前降支'"),
    "the text of a region is a number": (with_value(text=3), ""),
    "a lone surrogate": (with_value(text=LONE_SURROGATE), r"must have the text '\ud83d'"),
    "a lone surrogate in the text": (changed(data={"text": LONE_SURROGATE}), ""),
    "two texts": (
        with_result(BODY, {**DEGREE, "to_name": "title"}),
        "must be in the same text, got ['text', 'title']",
    ),
    "choices are text": (with_attribute("choices", "no"), "must be a list, got 'no'"),
    "a choice is a number": (with_attribute("choices", [3]), "must be a string, got 3"),
    "a choice is empty": (with_attribute("choices", [""]), "must not be empty"),
    "a taxonomy is a number": (with_attribute("taxonomy", [["A", 3]]), "must be a string, got 3"),
    "a taxonomy is empty": (with_attribute("taxonomy", [[]]), "must not be empty"),
    "a rating is text": (with_attribute("rating", "3"), "must be a number, got '3'"),
    "a rating is true": (with_attribute("rating", True), "must be a number, got True"),
    "a control has no name": (
        with_attribute("choices", ["no"], None),
        "from_name' must be a string, got None",
    ),
    "a result without its choices": (
        with_result(BODY, {"id": "q1Zd", "type": "choices", "from_name": "Sure", "value": {}}),
        "'choices' is missing",
    ),
    "an unknown region": (with_relation(to_id="p"), "'q1Zd' to 'p'"),
    "an id is a list": (with_relation(to_id=["x_7A"]), ""),
    "a relation lacks its end": (
        with_result(BODY, {"type": "relation", "from_id": "q1Zd"}),
        "to_id",
    ),
    "an unknown direction": (with_relation(direction="up"), "'up'"),
    "a direction is null": (with_relation(direction=None), "None"),
    "labels of a relation are text": (
        with_relation(labels="Finding"),
        "must be a list, got 'Finding'",
    ),
    "a label of a relation must not be empty": (
        with_relation(labels=[""]),
        "the label of a relation",
    ),
}


@pytest.mark.parametrize(("item", "problem"), BAD.values(), ids=BAD.keys())
def test_file_and_line_of_a_bad_task_are_named(item: Any, problem: str, tmp_path: Path) -> None:
    path = write_items(tmp_path / "bad.jsonl", TASK, item)
    message = read_error(FORMAT, path)
    assert message.startswith(f"{path}, line 2: ")
    assert problem in message


# Detecting


def test_an_export_is_recognized(tmp_path: Path) -> None:
    assert detect(write_items(tmp_path / "a.jsonl", TASK)) == "label-studio"
    FORMAT.write([RECORD], tmp_path / "b.json", ConversionReport())
    assert detect(tmp_path / "b.json") == "label-studio"


def test_the_short_export_is_not_taken_for_it(tmp_path: Path) -> None:
    short = {
        "id": 1,
        "text": "前降支",
        "label": [BODY["value"]],
        "annotator": 2,
        "annotation_id": 3,
    }
    with pytest.raises(ValueError, match="no format matches"):
        detect(write_items(tmp_path / "a.jsonl", short))


# Archives


@pytest.mark.parametrize(
    ("files", "places"),
    [
        ({"result": [TASK, TASK]}, ["result.json, text 1", "result.json, text 2"]),
        ({"0": TASK, "completions/1": TASK}, ["0.json, line 1", "completions/1.json, line 1"]),
    ],
    ids=["one file", "a file per task"],
)
def test_all_files_of_an_archive_are_read(
    files: dict[str, Any], places: list[str], tmp_path: Path
) -> None:
    path = zip_files(tmp_path / "export.zip", **files)
    report = ConversionReport()
    records = list(FORMAT.read(path, report))
    assert [record.place for record in records] == [f"{path}/{place}" for place in places]
    assert [record.entities for record in records] == [RECORD.entities] * 2
    assert report == ConversionReport()
    assert detect(path) == "label-studio"


def test_bad_tasks_of_an_archive_are_named_and_can_be_left_out(tmp_path: Path) -> None:
    path = zip_files(tmp_path / "a.zip", result=[TASK, {**TASK, "data": {"text": "x"}}])
    assert read_error(FORMAT, path).startswith(f"{path}/result.json, text 2: the region 0-3")
    report = ConversionReport(skip_bad=True)
    assert len(list(FORMAT.read(path, report))) == len(report.rejected) == 1


def test_bad_archives_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("result.csv", "x")
    problem = "no .json files in the archive; export the project as JSON"
    assert read_error(FORMAT, path) == f"{path}: {problem}"
    zip_files(path, result=[{"text": "x"}])
    with pytest.raises(ValueError, match="no format matches"):
        detect(path)
    zip_files(path, result=[TASK])
    monkeypatch.setattr(archives, "MAX_MEMBER", 10)
    assert read_error(FORMAT, path).startswith(f"{path}/result.json: files in an archive")
