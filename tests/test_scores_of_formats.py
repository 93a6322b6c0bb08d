"""Scores of predictions in annotation formats: what comes back, and what people have corrected."""

import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_str_encoder.formats.annotated_text import (
    AnnotatedEntity,
    AnnotatedRelation,
    AnnotatedText,
)
from spacy_str_encoder.formats.docs import make_tokenizer
from spacy_str_encoder.formats.format import Format, ReadOptions
from spacy_str_encoder.formats.registry import all_formats
from spacy_str_encoder.formats.report import ConversionReport
from spacy_str_encoder.formats.scores import mean_score
from spacy_str_encoder.formats.writer import TextWriter

TEXT = "Ann met Bob at noon."
PLACES = [(0, 3, "Person"), (8, 11, "Person"), (15, 19, "Time")]
NLP = make_tokenizer("en")
# The difference that writing a score in each format makes at most.
ROUNDING = {"jsonl": 0.0, "label-studio": 0.0, "prodigy": 0.0, "brat": 5e-5, "uima": 1e-4}

scores = st.none() | st.floats(0, 1)
formats = pytest.mark.parametrize("name", ROUNDING)


@st.composite
def predictions(draw: st.DrawFn) -> AnnotatedText:
    """A text that a pipeline has annotated, with scores of anything."""
    entities = []
    for place in PLACES:
        values = draw(
            st.dictionaries(st.sampled_from(["Sure", "score"]), st.just("no"), min_size=1)
        )
        known = {name: score for name in values if (score := draw(scores)) is not None}
        entities.append(AnnotatedEntity(*place, values, draw(scores), known or None))
    relations = [
        AnnotatedRelation(*ends, draw(scores), draw(scores))
        for ends in [(0, 1, "met"), (1, 0, "met"), (0, 1, "saw"), (0, 2, "when")]
    ]
    return AnnotatedText(TEXT, entities, relations, is_predicted=True)


def get_format(name: str, *, predictions: bool) -> Format:
    return all_formats(NLP, options=ReadOptions(predictions=predictions))[name]


def write(name: str, annotated: AnnotatedText, folder: Path) -> tuple[Path, ConversionReport]:
    format, report = get_format(name, predictions=True), ConversionReport()
    path = folder / f"out{format.suffix}"
    writer = TextWriter(format, NLP, report)
    writer.write([annotated], path)
    writer.report_scores()
    return path, report


def round_trip(name: str, annotated: AnnotatedText, folder: Path) -> AnnotatedText:
    path, report = write(name, annotated, folder)
    assert report.losses == {}
    report = ConversionReport(strict_all=True)
    [found] = get_format(name, predictions=True).read(path, report)
    assert report.chosen == {}
    return found


def hold(name: str, annotated: AnnotatedText) -> AnnotatedText:
    """What a format can hold of a text: its attributes, or their scores, may be missing."""
    format, entities = get_format(name, predictions=True), annotated.entities
    if not format.keeps_attributes:
        entities = [replace(each, attributes=None) for each in entities]
    if "attributes" not in format.keeps_scores:
        entities = [replace(each, attribute_scores=None) for each in entities]
    return replace(annotated, entities=entities)


def is_near(found: float | None, expected: float | None, rounding: float) -> bool:
    if found is None or expected is None:
        return found is expected
    return abs(found - expected) <= rounding


@formats
@given(annotated=predictions())
def test_scores_come_back(
    name: str, annotated: AnnotatedText, tmp_path_factory: pytest.TempPathFactory
) -> None:
    expected = hold(name, annotated)
    found = round_trip(name, expected, tmp_path_factory.mktemp("scores"))
    assert found.entities == expected.entities
    order = {(each.head, each.tail, each.label): each for each in found.relations}
    for relation in expected.relations:
        back = order[relation.head, relation.tail, relation.label]
        assert is_near(back.score, relation.score, ROUNDING[name])
        given_entities = back.score_given_entities, relation.score_given_entities
        assert is_near(*given_entities, ROUNDING[name])
    for back, entity in zip(found.entities, expected.entities, strict=True):
        assert is_near(back.score, entity.score, ROUNDING[name])
        known = back.attribute_scores or {}, entity.attribute_scores or {}
        assert known[0].keys() == known[1].keys()
        assert all(is_near(known[0][key], known[1][key], ROUNDING[name]) for key in known[1])


@formats
def test_a_score_given_entities_alone_comes_back(name: str, tmp_path: Path) -> None:
    entities = [AnnotatedEntity(*place) for place in PLACES]
    relation = AnnotatedRelation(0, 1, "met", None, 0.75)
    found = round_trip(name, AnnotatedText(TEXT, entities, [relation]), tmp_path)
    assert [each.score_given_entities for each in found.relations] == [0.75]


def test_the_score_of_a_text_is_the_mean_of_all_but_those_given_entities() -> None:
    entities = [
        AnnotatedEntity(0, 3, "A", {"Sure": "no"}, 0.5, {"Sure": 0.25}),
        AnnotatedEntity(8, 11, "B", None, 1.0),
        AnnotatedEntity(15, 19, "B"),
    ]
    relations = [AnnotatedRelation(0, 1, "r", 0.25, 0.75), AnnotatedRelation(1, 0, "r")]
    assert mean_score(AnnotatedText(TEXT, entities, relations)) == 0.5
    assert mean_score(AnnotatedText(TEXT, entities[2:], [])) is None


PREDICTED = AnnotatedText(
    TEXT,
    [
        AnnotatedEntity(0, 3, "Person", {"Sure": "no"}, 0.75, {"Sure": 0.5}),
        AnnotatedEntity(8, 11, "Person", {}, 0.5),
    ],
    [AnnotatedRelation(0, 1, "met", 0.25, 0.75)],
    is_predicted=True,
)


def count_scores_of(annotated: AnnotatedText) -> int:
    return sum(
        each is not None
        for each in (
            *(entity.score for entity in annotated.entities),
            *(entity.attribute_scores for entity in annotated.entities),
            *(relation.score for relation in annotated.relations),
            *(relation.score_given_entities for relation in annotated.relations),
        )
    )


def test_prodigy_shows_how_sure_the_pipeline_is(tmp_path: Path) -> None:
    path, _ = write("prodigy", replace(PREDICTED, meta={"meta": {"ward": "A"}}), tmp_path)
    task = json.loads(path.read_text("utf-8"))
    assert "answer" not in task
    assert (task["score"], task["meta"]) == (0.5, {"ward": "A", "score": 0.5})
    assert [span["score"] for span in task["spans"]] == [0.75, 0.5]
    [relation] = task["relations"]
    assert (relation["score"], relation["score_given_entities"]) == (0.25, 0.75)
    [found] = get_format("prodigy", predictions=False).read(path, ConversionReport())
    assert (found.meta, count_scores_of(found)) == ({"meta": {"ward": "A"}}, 4)


def test_scores_of_answered_tasks_are_not_read(tmp_path: Path) -> None:
    path, _ = write("prodigy", PREDICTED, tmp_path)
    task = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps({**task, "answer": "accept"}))
    [found] = get_format("prodigy", predictions=False).read(path, ConversionReport(strict_all=True))
    assert (count_scores_of(found), len(found.entities), found.meta) == (0, 2, {})


def test_texts_that_people_annotated_are_answered_tasks(tmp_path: Path) -> None:
    path, _ = write("prodigy", AnnotatedText(TEXT, PREDICTED.entities[:0], []), tmp_path)
    assert json.loads(path.read_text("utf-8"))["answer"] == "accept"


def read_brat(folder: Path, *, predictions: bool) -> tuple[AnnotatedText, ConversionReport]:
    report = ConversionReport()
    [found] = get_format("brat", predictions=predictions).read(folder, report)
    return found, report


def test_notes_of_brat_hold_scores(tmp_path: Path) -> None:
    folder, _ = write("brat", PREDICTED, tmp_path)
    lines = (folder / "000001.ann").read_text("utf-8").splitlines()
    assert [line for line in lines if line.startswith("#")] == [
        "#1\tAnnotatorNotes T1\tscore 0.75 Sure=0.5",
        "#2\tAnnotatorNotes T2\tscore 0.5",
        "#3\tAnnotatorNotes R1\tscore 0.25 given_entities=0.75",
    ]


def test_scores_of_brat_are_read_if_asked_for(tmp_path: Path) -> None:
    folder, _ = write("brat", PREDICTED, tmp_path)
    found, report = read_brat(folder, predictions=True)
    assert (count_scores_of(found), report.chosen) == (5, {})
    found, report = read_brat(folder, predictions=False)
    assert (count_scores_of(found), len(found.entities), len(found.relations)) == (0, 2, 1)
    [cases] = report.chosen.values()
    assert [case.partition(": ")[2] for case in cases] == [
        "T1 score 0.75 Sure=0.5",
        "T2 score 0.5",
        "R1 score 0.25 given_entities=0.75",
    ]
    assert report.lost == {}


@pytest.mark.parametrize(
    "note",
    [
        "AnnotatorNotes T1\tscore 0.75?",
        "AnnotatorNotes T1\tscore",
        "AnnotatorNotes T1\tscore 1.5",
        "AnnotatorNotes T1\tscore  0.5",
        "AnnotatorNotes T1\tthe score 0.5",
        "AnnotatorNotes T1\tscore 0.5 sure",
        "AnnotatorNotes T3\tscore 0.5",
        "AnnotatorNotes A1\tscore 0.5",
        "AnnotationError T1\tscore 0.5",
    ],
)
def test_other_notes_are_lost(note: str, tmp_path: Path) -> None:
    folder, _ = write("brat", PREDICTED, tmp_path)
    path = folder / "000001.ann"
    lines = [line for line in path.read_text("utf-8").splitlines() if line[0] != "#"]
    path.write_text("\n".join([*lines, f"#1\t{note}"]), "utf-8")
    found, report = read_brat(folder, predictions=True)
    assert (count_scores_of(found), report.losses) == (0, {"notes": 1})


def test_scores_of_attributes_that_are_gone_are_left_out(tmp_path: Path) -> None:
    folder, _ = write("brat", PREDICTED, tmp_path)
    path = folder / "000001.ann"
    lines = [line for line in path.read_text("utf-8").splitlines() if line[0] != "A"]
    path.write_text("\n".join(lines), "utf-8")
    found, _ = read_brat(folder, predictions=True)
    assert (found.entities[0].score, found.entities[0].attribute_scores) == (0.75, None)


def test_uima_has_scores_as_features_that_are_no_attributes(tmp_path: Path) -> None:
    entities = [replace(each, attribute_scores=None) for each in PREDICTED.entities]
    folder, _ = write("uima", replace(PREDICTED, entities=entities), tmp_path)
    types = ElementTree.parse(folder / "TypeSystem.xml").getroot()
    features = {
        each.findtext("{*}name"): each.findtext("{*}rangeTypeName")
        for each in types.iter("{http://uima.apache.org/resourceSpecifier}featureDescription")
    }
    assert features["score"] == features["score_given_entities"] == "uima.cas.Float"
    report = ConversionReport()
    [found] = get_format("uima", predictions=False).read(folder, report)
    assert [each.attributes for each in found.entities] == [{"Sure": "no"}, None]
    assert count_scores_of(found) == 0
    assert [*report.chosen.values()] == [[f"{folder}/000001.xmi: 3 scores"]]
    assert report.lost == {}


def test_uima_without_scores_has_no_features_for_them(tmp_path: Path) -> None:
    folder, _ = write("uima", AnnotatedText(TEXT, [AnnotatedEntity(0, 3, "Person")], []), tmp_path)
    assert "score" not in (folder / "TypeSystem.xml").read_text("utf-8")


def test_label_studio_has_all_scores_until_a_task_is_submitted(tmp_path: Path) -> None:
    path, _ = write("label-studio", replace(PREDICTED, pipeline="en_wards 1.0.0"), tmp_path)
    [task] = json.loads(path.read_text("utf-8"))
    [prediction] = task.pop("predictions")
    assert (prediction["model_version"], prediction["score"]) == ("en_wards 1.0.0", 0.5)
    *regions, relation = prediction["result"]
    assert [(each["type"], each["score"]) for each in regions] == [
        ("labels", 0.75),
        ("choices", 0.5),
        ("labels", 0.5),
    ]
    assert relation["meta"] == {"score": {"met": 0.25}, "score_given_entities": {"met": 0.75}}
    # What an export would have if nobody changed anything.
    path.write_text(json.dumps([{**task, "annotations": [{"result": prediction["result"]}]}]))
    report = ConversionReport(strict_all=True)
    [found] = get_format("label-studio", predictions=False).read(path, report)
    assert (count_scores_of(found), len(found.entities), len(found.relations)) == (0, 2, 1)
