"""The labeling config of Label Studio: what it holds, and where its labels come from."""

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import spacy
from typer.testing import CliRunner, Result

from spacy_str_encoder.cli import app
from spacy_str_encoder.formats.annotated_text import (
    AnnotatedEntity,
    AnnotatedRelation,
    AnnotatedText,
)
from spacy_str_encoder.formats.label_studio.labeling_config import Labels, make_labeling_config
from spacy_str_encoder.loading import read_labels

from .json_files import write_items

PIPELINE = Path(__file__).parent / "saved" / "pipeline"
LINE = {
    "text": "No fever",
    "entities": [
        {"start": 3, "end": 8, "label": "Finding", "attributes": {"Assertion": "negated"}},
        {"start": 0, "end": 2, "label": "Cue", "attributes": {}},
    ],
    "relations": [{"head": 1, "tail": 0, "label": "negates"}],
}


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["labeling-config", *map(str, arguments)])


def test_each_label_is_there() -> None:
    labels = Labels(["Drug", "药物"], ["treats"], {"Assertion": ["negated", "possible"]})
    assert make_labeling_config(labels).splitlines() == [
        "<View>",
        '  <Relations choice="single">',
        '    <Relation value="treats" />',
        "  </Relations>",
        '  <Labels name="label" toName="text">',
        '    <Label value="Drug" />',
        '    <Label value="药物" />',
        "  </Labels>",
        '  <Text name="text" value="$text" />',
        '  <Choices name="Assertion" toName="text" perRegion="true">',
        '    <Choice value="negated" />',
        '    <Choice value="possible" />',
        "  </Choices>",
        "</View>",
    ]


def test_without_relations_and_attributes_there_are_labels_alone() -> None:
    view = ElementTree.fromstring(make_labeling_config(Labels(["Drug"])))
    assert [each.tag for each in view] == ["Labels", "Text"]


@pytest.mark.parametrize("name", ['a"b', "a'b", "R&D", "<b>", "急性 心梗", "&amp;"])
def test_any_label_comes_back(name: str) -> None:
    view = ElementTree.fromstring(make_labeling_config(Labels([name], [name], {name: [name]})))
    values = [each.get("value") for each in view.iter() if each.tag not in ("View", "Text")]
    assert [value for value in values if value is not None] == [name] * 3
    assert view.findall("Choices")[0].get("name") == name


def test_attributes_are_renamed_as_in_the_tasks() -> None:
    labels = Labels([], [], {"label": ["a"], "label_2": ["b"], "text": ["c"]})
    view = ElementTree.fromstring(make_labeling_config(labels))
    names = [each.get("name") for each in view.iter("Choices")]
    assert names == ["label_3", "label_2", "text_2"]


def test_labels_of_texts_are_collected() -> None:
    entities = [
        AnnotatedEntity(0, 1, "B", {"Sure": "no", "A": "x"}),
        AnnotatedEntity(1, 2, "A", {"Sure": "maybe"}),
    ]
    texts = [
        AnnotatedText("ab", entities, [AnnotatedRelation(0, 1, "r")]),
        AnnotatedText("c", [AnnotatedEntity(0, 1, "B")], []),
    ]
    expected = Labels(["A", "B"], ["r"], {"A": ["x"], "Sure": ["maybe", "no"]})
    assert Labels.of(texts) == expected


# Label Studio replaces the label of a relation only if the config says so. Else, it adds one.
@pytest.mark.parametrize(
    ("relations", "choice"),
    [
        ([(0, 1, "r"), (1, 0, "s")], "single"),
        ([(0, 1, "r"), (0, 1, "s")], None),
    ],
)
def test_a_relation_has_one_label_unless_a_text_has_more(
    relations: list[tuple[int, int, str]], choice: str | None
) -> None:
    entities = [AnnotatedEntity(0, 1, "A"), AnnotatedEntity(1, 2, "B")]
    other = AnnotatedText("ab", entities, [AnnotatedRelation(0, 1, "r")])
    text = AnnotatedText("ab", entities, [AnnotatedRelation(*each) for each in relations])
    view = ElementTree.fromstring(make_labeling_config(Labels.of([text, other])))
    assert [each.get("choice") for each in view.iter("Relations")] == [choice]


def test_a_pipeline_with_several_relations_on_a_pair_lets_people_choose_several() -> None:
    nlp = spacy.load(PIPELINE)
    nlp.get_pipe("str_rel").cfg["exclusive"] = False
    view = ElementTree.fromstring(make_labeling_config(Labels(*read_labels(nlp))))
    assert [each.get("choice") for each in view.iter("Relations")] == [None]


def test_the_labels_of_a_pipeline_are_those_of_its_components() -> None:
    nlp = spacy.load(PIPELINE)
    entities, relations, attributes, exclusive = read_labels(nlp)
    assert entities == [*nlp.get_pipe("str_ner").labels]
    assert relations == [*nlp.get_pipe("str_rel").labels]
    assert attributes == {}
    assert exclusive


def test_the_command_prints_or_writes_the_config_of_a_pipeline(tmp_path: Path) -> None:
    printed = run(PIPELINE)
    assert printed.exit_code == 0, printed.output
    assert printed.stdout == make_labeling_config(Labels(*read_labels(spacy.load(PIPELINE))))
    path = tmp_path / "new" / "labels.xml"
    written = run(PIPELINE, "-o", path)
    assert written.stdout == f"Wrote {path}\n"
    assert path.read_text("utf-8") == printed.stdout


def test_the_command_reads_data_too(tmp_path: Path) -> None:
    result = run(write_items(tmp_path / "in.jsonl", LINE))
    expected = Labels(["Cue", "Finding"], ["negates"], {"Assertion": ["negated"]})
    assert result.stdout == make_labeling_config(expected)


def test_a_source_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    result = run(tmp_path / "nothing")
    assert result.exit_code == 1
    assert "can't load this pipeline" in result.stderr


def predict(*labels: str) -> list[dict[str, Any]]:
    """Results of Label Studio, each with an entity."""
    region = {"id": "r", "type": "labels", "from_name": "label", "to_name": "text"}
    places = {"start": 0, "end": 5, "text": "Cough"}
    return [{"result": [{**region, "value": {**places, "labels": [each]}}]} for each in labels]


def test_labels_of_predictions_count_too(tmp_path: Path) -> None:
    data = {"data": {"text": "Cough."}}
    path = write_items(
        tmp_path / "in.json",
        {**data, "annotations": [], "predictions": predict("Finding")},
        {**data, "annotations": predict("Drug"), "predictions": predict("Place")},
        {**data, "annotations": predict("Degree"), "predictions": [17]},
    )
    labels = Labels(["Degree", "Drug", "Finding", "Place"])
    assert run(path).stdout == make_labeling_config(labels)


def test_data_without_labels_are_an_error(tmp_path: Path) -> None:
    task = {"data": {"text": "Cough."}, "annotations": [{"result": []}]}
    result = run(write_items(tmp_path / "in.json", task), "-o", tmp_path / "labels.xml")
    assert result.exit_code == 1
    assert "there must be entities, to get their labels from, got none" in result.stderr
    assert not (tmp_path / "labels.xml").exists()
