"""Pairs of entities that can have several relations."""

import warnings
from pathlib import Path
from typing import Any

import numpy
import pytest
import spacy
from numpy.typing import NDArray
from spacy.cli import app as spacy_app
from spacy.cli.find_threshold import find_threshold
from spacy.language import Language
from spacy.tokens import DocBin
from typer.testing import CliRunner

from .pipelines import (
    ANNOTATIONS,
    DIRECTIONS,
    TEXT,
    Annotation,
    MakeNlp,
    build_trained,
    encoder_gradients,
    found,
    make_example,
    make_examples,
    pair_logits,
    relate,
)

# It trains.
pytestmark = pytest.mark.slow

ENTITIES = DIRECTIONS[0][1]
# None, one, two, and both directions of one label.
SEVERAL: list[Annotation] = [
    ("A-B", ENTITIES, []),
    ("A>B", ENTITIES, [(0, 1, "beats")]),
    ("A!B", ENTITIES, [(0, 1, "beats"), (0, 1, "meets")]),
    ("A=B", ENTITIES, [(0, 1, "beats"), (1, 0, "beats"), (0, 1, "meets")]),
]


def sigmoid(logits: NDArray[Any]) -> NDArray[Any]:
    return 1 / (1 + numpy.exp(-logits.astype("float64")))


def test_new_labels_leave_old_predictions_as_they_were(make_nlp: MakeNlp) -> None:
    nlp = build_trained(make_nlp, SEVERAL, exclusive=False)
    before = [found(nlp(text)) for text, _, _ in SEVERAL]
    nlp.get_pipe("str_rel").add_label("avoids")
    assert [found(nlp(text)) for text, _, _ in SEVERAL] == before


@pytest.fixture
def several(make_nlp: MakeNlp) -> Language:
    """An initialized, untrained pipeline."""
    nlp = make_nlp(exclusive=False)
    nlp.initialize(lambda: make_examples(nlp))
    return nlp


def test_a_pair_has_all_its_relations(make_nlp: MakeNlp, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*gold relations")
        nlp = build_trained(make_nlp, SEVERAL, exclusive=False)
    nlp.to_disk(tmp_path)
    for pipeline in (nlp, spacy.load(tmp_path)):
        docs = pipeline.pipe([text for text, _, _ in SEVERAL], n_process=2)
        # Of a pair, the most probable relation comes first.
        assert [sorted(found(doc)[1]) for doc in docs] == [
            [],
            [("A", "B", "beats")],
            [("A", "B", "beats"), ("A", "B", "meets")],
            [("A", "B", "beats"), ("A", "B", "meets"), ("B", "A", "beats")],
        ]
        scores = pipeline.evaluate([make_example(nlp, annotation) for annotation in SEVERAL])
        assert scores["rels_f"] == 1.0


def test_an_exclusive_pair_has_one(make_nlp: MakeNlp) -> None:
    with pytest.warns(UserWarning, match=r"gold relations that share their pair .* \(3 of 6\)"):
        nlp = build_trained(make_nlp, SEVERAL)
    docs = nlp.pipe([text for text, _, _ in SEVERAL])
    assert [len(doc._.relations) for doc in docs] == [0, 1, 1, 1]


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.5, 1.0])
def test_every_class_that_reaches_the_threshold_is_found(
    make_nlp: MakeNlp, threshold: float
) -> None:
    nlp = make_nlp(exclusive=False, threshold=threshold)
    nlp.initialize(lambda: make_examples(nlp))
    # Else all would be one half.
    output = nlp.get_pipe("str_rel").model.get_ref("output_layer").layers[0]
    output.set_param("b", numpy.linspace(-1, 1, output.get_dim("nO"), dtype="float32"))
    doc = relate(nlp, ANNOTATIONS[0])
    expected = {}
    for pair, logits in pair_logits(nlp, ANNOTATIONS[0]).items():
        classes = nlp.get_pipe("str_rel").classes
        # The first class, "no relation", is not used.
        for (label, direction), score in zip(classes, sigmoid(logits[1:]), strict=True):
            if score >= threshold:
                head, tail = pair if direction == ">" else pair[::-1]
                expected[doc.ents[head], doc.ents[tail], label] = score
    assert {(r.head, r.tail, r.label): r.score for r in doc._.relations} == pytest.approx(expected)
    assert bool(expected) == (threshold < 1)


def test_the_loss_is_that_of_each_class_by_itself(several: Language) -> None:
    text, entities, relations = ANNOTATIONS[0]
    both = make_example(several, (text, entities, [*relations, (1, 0, "Percentage")]))
    classes = several.get_pipe("str_rel").classes
    gold = {((0, 1), ("Position", ">")), ((1, 2), ("Modifier", "<")), ((1, 3), ("Percentage", "<"))}
    gold |= {((4, 5), ("Negative", "<")), ((4, 6), ("Modifier", "<"))}
    gold |= {((0, 1), ("Percentage", "<"))}
    loss = 0.0
    for pair, logits in pair_logits(several, ANNOTATIONS[0]).items():
        for name, probability in zip(classes, sigmoid(logits[1:]), strict=True):
            loss -= numpy.log(probability if (pair, name) in gold else 1 - probability)
    assert several.update([both], sgd=False)["str_rel"] == pytest.approx(loss, rel=1e-4)


def test_the_class_of_no_relation_gets_no_gradient(several: Language) -> None:
    output = several.get_pipe("str_rel").model.get_ref("output_layer").layers[0]
    several.update(make_examples(several), sgd=False)
    assert (output.get_grad("b") != 0).tolist() == [False] + [True] * (output.get_dim("nO") - 1)


def test_a_schema_rules_out_relations_whatever_the_threshold_is(make_nlp: MakeNlp) -> None:
    nlp = make_nlp(exclusive=False, threshold=0.0, schema="observed")
    nlp.initialize(lambda: make_examples(nlp))
    doc = relate(nlp, ANNOTATIONS[0])
    triples = {(r.head.label_, r.label, r.tail.label_) for r in doc._.relations}
    assert ("BodyPart", "Position", "Location") in triples
    assert triples <= {tuple(triple) for triple in nlp.get_pipe("str_rel").cfg["schema"]}


def test_a_pair_out_of_reach_has_no_relation_and_no_loss(make_nlp: MakeNlp) -> None:
    nlp = make_nlp(window=16, stride=12, exclusive=False, threshold=0.0)
    nlp.initialize(lambda: make_examples(nlp))
    text = "左主干" + "，" * 40 + "无"
    far: Annotation = (text, [(0, 3, "BodyPart"), (43, 44, "Negation")], [(1, 0, "Negative")])
    with pytest.warns(
        UserWarning, match=r"candidate pairs without a window .* \(1 of 1\) get no relation"
    ):
        assert relate(nlp, far)._.relations == []
    example = [make_example(nlp, far)]
    gradients = encoder_gradients(nlp, example, exclude=["str_ner"])
    assert nlp.update(example, sgd=False)["str_rel"] == 0.0
    assert not any(gradient.any() for gradient in gradients.values())


# Settings


@pytest.mark.parametrize("threshold", [-0.1, 1.1, "high"])
def test_a_threshold_out_of_range_is_refused(make_nlp: MakeNlp, threshold: Any) -> None:
    with pytest.raises(ValueError, match="threshold"):
        make_nlp(threshold=threshold)


def test_exclusive_is_a_yes_or_no(make_nlp: MakeNlp) -> None:
    with pytest.raises(ValueError, match="exclusive"):
        make_nlp(exclusive="sometimes")


def test_a_threshold_that_is_set_later_is_saved(several: Language, tmp_path: Path) -> None:
    several.get_pipe("str_rel").threshold = 0.25
    several.to_disk(tmp_path)
    assert spacy.load(tmp_path).get_pipe("str_rel").threshold == 0.25


@pytest.fixture
def unsure(make_nlp: MakeNlp, tmp_path: Path) -> Path:
    """A saved pipeline with a threshold at which it finds nothing, and a corpus beside it."""
    nlp = build_trained(make_nlp, ANNOTATIONS, exclusive=False, threshold=1.0)
    nlp.to_disk(tmp_path / "model")
    docs = [example.reference for example in make_examples(nlp)]
    DocBin(docs=docs, store_user_data=True).to_disk(tmp_path / "dev.spacy")
    return tmp_path


def test_spacy_finds_a_threshold(unsure: Path) -> None:
    model, data = str(unsure / "model"), unsure / "dev.spacy"
    best, score, scores = find_threshold(model, data, "str_rel", "threshold", "rels_f", n_trials=5)
    assert list(scores) == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert (best, score) == (0.25, 1.0)
    assert scores[0.0] < 1.0 and scores[1.0] == 0.0
    command = ["find-threshold", model, str(data), "str_rel", "threshold", "rels_f", "-n", "3"]
    result = CliRunner().invoke(spacy_app, command)
    assert result.exit_code == 0, result.output
    assert "Best threshold: 0.5 with rels_f value of 1.0" in result.output
    assert found(spacy.load(model)(TEXT))[1] == []
