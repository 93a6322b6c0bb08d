"""Labels whose relations have no direction."""

from pathlib import Path
from typing import Any

import pytest
import spacy
import srsly
from spacy.language import Language
from spacy.training import Example

from spacy_str_encoder import Relation
from spacy_str_encoder.pipeline.str_rel import RelationExtractor

from .pipelines import (
    ANNOTATIONS,
    DIRECTIONS,
    Annotation,
    MakeNlp,
    build_trained,
    found,
    make_example,
    make_examples,
    relate,
)

# The same relations as in DIRECTIONS, which have a direction there.
TEXTS = [text for text, _, _ in DIRECTIONS]
TWICE: Annotation = ("A=B", DIRECTIONS[0][1], [(0, 1, "beats"), (1, 0, "beats")])
OTHER: Annotation = ("C=D", DIRECTIONS[0][1], [(0, 1, "other")])


def initialize(nlp: Language, annotations: list[Annotation]) -> Any:
    """The relation component of a pipeline, initialized."""
    examples = [make_example(nlp, annotation) for annotation in annotations]
    nlp.initialize(lambda: examples)
    return nlp.get_pipe("str_rel")


def test_a_symmetric_label_has_one_class(make_nlp: MakeNlp) -> None:
    component = initialize(make_nlp(symmetric=["beats"]), [*DIRECTIONS, OTHER])
    assert component.classes == [("beats", ">"), ("other", ">")]
    assert component.label_data == {"beats": ">", "other": ">"}


@pytest.mark.slow
@pytest.mark.parametrize("schema", [None, "observed"])
def test_either_direction_is_learned_as_the_one_of_the_text(
    make_nlp: MakeNlp, schema: str | None, tmp_path: Path
) -> None:
    nlp = build_trained(make_nlp, DIRECTIONS, symmetric=["beats"], schema=schema)
    nlp.to_disk(tmp_path)
    for pipeline in (nlp, spacy.load(tmp_path)):
        relations = [found(doc)[1] for doc in pipeline.pipe(TEXTS)]
        assert relations == [[(text[0], text[2], "beats")] for text in TEXTS]
        scores = pipeline.evaluate([make_example(nlp, annotation) for annotation in DIRECTIONS])
        assert scores["rels_f"] == scores["rels_per_type"]["beats"]["f"] == 1.0


@pytest.mark.slow
def test_a_schema_allows_either_order_of_the_types(make_nlp: MakeNlp) -> None:
    # The order of the types that the annotation has as head and tail, and the other one.
    annotations: list[Annotation] = [
        ("A>B", [(0, 1, "X"), (2, 3, "Y")], [(0, 1, "beats")]),
        ("B<A", [(0, 1, "X"), (2, 3, "Z")], []),
    ]
    nlp = build_trained(make_nlp, annotations, symmetric=["beats"], schema="observed")
    turned: Annotation = ("A>B", [(0, 1, "Y"), (2, 3, "X")], [])
    assert found(relate(nlp, turned))[1] == [("A", "B", "beats")]
    assert found(relate(nlp, ("A>B", [(0, 1, "Y"), (2, 3, "Y")], [])))[1] == []


def test_a_relation_in_both_directions_counts_once(
    make_nlp: MakeNlp, recwarn: pytest.WarningsRecorder
) -> None:
    nlp = make_nlp(symmetric=["beats"])
    component = initialize(nlp, [*DIRECTIONS, TWICE])
    assert not [warning for warning in recwarn if "gold relations" in str(warning.message)]
    once = make_example(nlp, (TWICE[0], TWICE[1], [(1, 0, "beats")]))
    twice = make_example(nlp, TWICE)
    losses = [nlp.update([example], sgd=False)["str_rel"] for example in (once, twice)]
    assert losses[0] == pytest.approx(losses[1])
    assert component.score([Example(twice.reference, once.reference)])["rels_f"] == 1.0


def test_a_label_that_has_a_direction_in_the_label_file_keeps_one_class(
    make_nlp: MakeNlp,
) -> None:
    nlp = make_nlp(symmetric=["beats"])
    nlp.config["initialize"]["components"] = {"str_rel": {"labels": {"beats": "><"}}}
    assert initialize(nlp, DIRECTIONS).classes == [("beats", ">")]


def test_label_data_goes_through_a_file(make_nlp: MakeNlp, tmp_path: Path) -> None:
    first = initialize(make_nlp(symmetric=["beats"]), [*DIRECTIONS, OTHER])
    srsly.write_json(tmp_path / "str_rel.json", first.label_data)
    nlp = make_nlp(symmetric=["beats"])
    labels = {"@readers": "spacy.read_labels.v1", "path": str(tmp_path / "str_rel.json")}
    nlp.config["initialize"]["components"] = {"str_rel": {"labels": labels}}
    second = initialize(nlp, [*DIRECTIONS, OTHER])
    assert (second.classes, second.label_data) == (first.classes, first.label_data)


def test_symmetric_labels_that_do_not_occur_are_refused(make_nlp: MakeNlp) -> None:
    nlp = make_nlp(symmetric=["Modifier", "Beside"])
    with pytest.raises(ValueError, match=r"str_rel: .*symmetric labels 'Beside'\..*'Position'"):
        nlp.initialize(lambda: make_examples(nlp))


def test_a_symmetric_label_added_later_has_one_class(make_nlp: MakeNlp) -> None:
    nlp = make_nlp(symmetric=["beats"])
    component = nlp.get_pipe("str_rel")
    assert component.add_label("beats") == 1
    assert component.add_label("beats", "<") == 0
    assert component.classes == [("beats", ">")]


def test_a_component_has_a_list_of_its_own(nlp: Language) -> None:
    symmetric = ["beats"]
    component = RelationExtractor(
        nlp.vocab, nlp.get_pipe("str_rel").model, "other", symmetric=symmetric
    )
    symmetric.append("meets")
    assert component.cfg["symmetric"] == ["beats"]


def test_a_pipeline_is_evaluated_by_the_labels_of_its_component(make_nlp: MakeNlp) -> None:
    nlp = make_nlp(symmetric=["Negative"])
    component = initialize(nlp, ANNOTATIONS)
    predicted, gold = (make_example(nlp, ANNOTATIONS[0]).reference for _ in range(2))
    gold._.relations = [Relation(r.tail, r.head, r.label) for r in gold._.relations]
    scores = component.score([Example(predicted, gold)])
    assert scores["rels_f"] == pytest.approx(1 / 5)
    assert scores["rels_per_type"]["Negative"]["f"] == 1.0
