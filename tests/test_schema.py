"""Relations between types that the training data does not have are ruled out."""

import math
import warnings
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.vocab import Vocab

from spacy_str_encoder.pairs.candidates import all_pairs
from spacy_str_encoder.pairs.classes import RelationClass
from spacy_str_encoder.pairs.schema import allowed_classes, allowed_pairs, make_schema

from .pipelines import (
    ANNOTATIONS,
    Annotation,
    MakeNlp,
    build_trained,
    found,
    make_example,
    make_examples,
    pair_logits,
    relate,
    train,
)

Triple = tuple[str, str, str]

VOCAB = Vocab()
TYPES = ["A", "B", "C"]
LABELS = ["r", "s", "t"]
# Those of the annotations.
TRIPLES: list[Triple] = [
    ("BodyPart", "Position", "Location"),
    ("Degree", "Modifier", "BodyPart"),
    ("Degree", "Modifier", "Location"),
    ("Negation", "Negative", "BodyPart"),
    ("Quantifier", "Percentage", "BodyPart"),
    ("Quantifier", "Percentage", "Location"),
]

triples_lists = st.lists(
    st.tuples(st.sampled_from(TYPES[:2]), st.sampled_from(LABELS[:2]), st.sampled_from(TYPES[:2])),
    unique=True,
)
classes_lists = st.lists(st.tuples(st.sampled_from(LABELS), st.sampled_from("><")), unique=True)
types_lists = st.lists(st.sampled_from(TYPES), min_size=2, max_size=5)


def is_possible(
    first: str, second: str, name: RelationClass, triples: list[Triple], symmetric: list[str]
) -> bool:
    """Whether a class is possible between entities of two types."""
    label, direction = name
    head, tail = (first, second) if direction == ">" else (second, first)
    either = {(head, label, tail), (tail, label, head)} if label in symmetric else set()
    is_known = label in {known for _, known, _ in triples}
    return not is_known or bool(set(triples) & {(head, label, tail), *either})


def ask(types: list[str]) -> tuple[list[Span], NDArray[Any]]:
    """Every pair of entities of some types."""
    doc = Doc(VOCAB, words=list("abcdef"))
    entities = [Span(doc, i, i + 1, label) for i, label in enumerate(types)]
    return entities, all_pairs(doc, entities)


@given(triples_lists, classes_lists, types_lists, st.lists(st.sampled_from(LABELS)))
def test_classes_are_possible_between_the_types_of_a_triple(
    triples: list[Triple], classes: list[RelationClass], types: list[str], symmetric: list[str]
) -> None:
    classes = [name for name in classes if name[1] == ">" or name[0] not in symmetric]
    schema = make_schema(triples, classes, symmetric=symmetric)
    entities, pairs = ask(types)
    expected = [
        [is_possible(types[i], types[j], name, triples, symmetric) for name in classes]
        for i, j in pairs
    ]
    assert allowed_classes(schema, entities, pairs).tolist() == [[True, *row] for row in expected]
    asked = [pair for pair, row in zip(pairs.tolist(), expected, strict=True) if any(row)]
    assert allowed_pairs(schema, entities, pairs).tolist() == asked


def test_a_doc_without_pairs_has_none_that_are_possible() -> None:
    schema = make_schema([("A", "r", "B")], [("r", ">")])
    entities, pairs = ask([])
    assert allowed_pairs(schema, entities, pairs).shape == (0, 2)
    assert allowed_classes(schema, entities, pairs).shape == (0, 2)


# In a pipeline


@pytest.fixture
def observing(make_nlp: MakeNlp) -> Language:
    """An initialized, untrained pipeline with a schema."""
    nlp = make_nlp(schema="observed")
    nlp.initialize(lambda: make_examples(nlp))
    return nlp


def possible_classes(nlp: Language, annotation: Annotation) -> dict[tuple[int, int], list[int]]:
    """The classes that each pair of entities can have, "no relation" included."""
    types = [label for _, _, label in annotation[1]]
    classes = nlp.get_pipe("str_rel").classes
    return {
        (i, j): [0]
        + [
            k
            for k, name in enumerate(classes, start=1)
            if is_possible(types[i], types[j], name, TRIPLES, [])
        ]
        for i, j in combinations(range(len(types)), 2)
    }


def probabilities_of(logits: NDArray[Any], classes: list[int]) -> dict[int, float]:
    """A softmax over some classes."""
    odds = numpy.exp(logits[classes].astype("float64"))
    return dict(zip(classes, odds / odds.sum(), strict=True))


def test_the_schema_is_observed_in_the_examples_and_saved(
    observing: Language, tmp_path: Path
) -> None:
    observing.to_disk(tmp_path)
    in_bytes = spacy.blank("zh").from_config(observing.config).from_bytes(observing.to_bytes())
    for nlp in (observing, spacy.load(tmp_path), in_bytes):
        assert [tuple(triple) for triple in nlp.get_pipe("str_rel").cfg["schema"]] == TRIPLES


def test_nothing_is_ruled_out_by_default(nlp: Language) -> None:
    assert nlp.get_pipe("str_rel").cfg["schema"] is None


def test_an_empty_schema_is_not_the_lack_of_one(make_nlp: MakeNlp, tmp_path: Path) -> None:
    nlp = make_nlp(schema="observed")
    nlp.config["initialize"]["components"] = {"str_rel": {"labels": {"Position": ">"}}}
    unrelated = [make_example(nlp, (text, entities, [])) for text, entities, _ in ANNOTATIONS]
    nlp.initialize(lambda: unrelated)
    nlp.to_disk(tmp_path)
    assert spacy.load(tmp_path).get_pipe("str_rel").cfg["schema"] == []


def test_what_is_possible_shares_the_probability_of_the_rest(observing: Language) -> None:
    # No pair is without a relation that can have one.
    observing.get_pipe("str_rel").model.get_ref("output_layer").layers[0].get_param("b")[0] = -9
    doc = relate(observing, ANNOTATIONS[0])
    logits = pair_logits(observing, ANNOTATIONS[0])
    classes = observing.get_pipe("str_rel").classes
    expected = {}
    for pair, possible in possible_classes(observing, ANNOTATIONS[0]).items():
        probabilities = probabilities_of(logits[pair], possible)
        best = max(probabilities, key=probabilities.__getitem__)
        if best:
            label, direction = classes[best - 1]
            head, tail = pair if direction == ">" else pair[::-1]
            expected[doc.ents[head], doc.ents[tail], label] = probabilities[best]
    assert {(r.head, r.tail, r.label): r.score for r in doc._.relations} == pytest.approx(expected)
    pairs = len(ANNOTATIONS[0][1]) * (len(ANNOTATIONS[0][1]) - 1) / 2
    assert 0 < len(expected) < pairs


def test_pairs_and_classes_that_are_not_possible_have_no_loss(observing: Language) -> None:
    annotation = ANNOTATIONS[0]
    loss = 0.0
    gold = {(0, 1): ("Position", ">"), (1, 2): ("Modifier", "<"), (1, 3): ("Percentage", "<")}
    gold |= {(4, 5): ("Negative", "<"), (4, 6): ("Modifier", "<")}
    classes = observing.get_pipe("str_rel").classes
    logits = pair_logits(observing, annotation)
    for pair, possible in possible_classes(observing, annotation).items():
        target = 1 + classes.index(gold[pair]) if pair in gold else 0
        loss -= math.log(probabilities_of(logits[pair], possible)[target])
    losses = observing.update([make_example(observing, annotation)], sgd=False)
    assert losses["str_rel"] == pytest.approx(loss, rel=1e-4)


def test_classes_that_are_not_possible_get_no_gradient(observing: Language) -> None:
    component = observing.get_pipe("str_rel")
    output = component.model.get_ref("output_layer").layers[0]
    # Between these types the only relation is a position.
    annotation: Annotation = (
        "狭窄重",
        [(0, 2, "BodyPart"), (2, 3, "Location")],
        [(0, 1, "Position")],
    )
    observing.update([make_example(observing, annotation)], sgd=False)
    index = 1 + component.classes.index(("Position", ">"))
    assert numpy.flatnonzero(output.get_grad("b")).tolist() == [0, index]
    assert numpy.flatnonzero(output.get_grad("W").any(axis=1)).tolist() == [0, index]


def test_a_doc_whose_pairs_can_have_no_relation_is_not_learned_from(observing: Language) -> None:
    text, _, _ = ANNOTATIONS[2]
    unrelated = (text, [(0, 3, "Location"), (3, 4, "Negation")], [])
    assert observing.update([make_example(observing, unrelated)], sgd=False)["str_rel"] == 0.0
    assert relate(observing, unrelated)._.relations == []


def test_pairs_that_can_have_no_relation_are_not_asked_about(make_nlp: MakeNlp) -> None:
    nlp = make_nlp(window=16, stride=12, schema="observed")
    nlp.initialize(lambda: make_examples(nlp))
    text = "左主干" + "，" * 40 + "左主干" + "，" * 40 + "无"
    entities = [(0, 3, "BodyPart"), (43, 46, "BodyPart"), (86, 87, "Negation")]
    # No window holds any of the three pairs.
    with pytest.warns(
        UserWarning, match=r"candidate pairs without a window .* \(2 of 2\) get no relation"
    ):
        relate(nlp, (text, entities, []))


@pytest.mark.slow
def test_a_pipeline_with_a_schema_learns_all_relations(make_nlp: MakeNlp, tmp_path: Path) -> None:
    nlp = build_trained(make_nlp, ANNOTATIONS, schema="observed")
    assert nlp.evaluate(make_examples(nlp))["rels_f"] == 1.0
    texts = [text for text, _, _ in ANNOTATIONS]
    expected = [found(doc) for doc in nlp.pipe(texts)]
    nlp.to_disk(tmp_path)
    assert [found(doc) for doc in spacy.load(tmp_path).pipe(texts, n_process=2)] == expected


def test_relations_between_other_types_are_reported_once_and_trained_as_nothing(
    observing: Language,
) -> None:
    text, entities, relations = ANNOTATIONS[0]
    outside = make_example(observing, (text, entities, [*relations, (3, 2, "Modifier")]))
    with pytest.warns(UserWarning, match="not known at initialization") as caught:
        for _ in range(2):
            losses = observing.update([outside, outside], sgd=False)
    (message,) = [str(warning.message) for warning in caught]
    assert "'Modifier' from Quantifier to Degree" in message and "schema" in message
    inside = observing.update([make_example(observing, ANNOTATIONS[0])], sgd=False)
    assert losses["str_rel"] == pytest.approx(inside["str_rel"])


def test_a_type_that_was_predicted_wrongly_is_not_reported(observing: Language) -> None:
    example = make_example(observing, ANNOTATIONS[2])
    spans = [Span(example.predicted, 0, 3, "Location"), Span(example.predicted, 3, 4, "Degree")]
    example.predicted.set_ents(spans)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        losses = observing.update([example], sgd=False)
    assert math.isfinite(losses["str_rel"]) and losses["str_rel"] > 0


@pytest.mark.slow
def test_a_label_that_comes_later_is_free(make_nlp: MakeNlp, tmp_path: Path) -> None:
    nlp = build_trained(make_nlp, ANNOTATIONS, schema="observed")
    nlp.get_pipe("str_rel").add_label("HasGrade")
    # No relation was known between a quantifier and a negation.
    annotation: Annotation = (
        "血流可",
        [(0, 2, "Quantifier"), (2, 3, "Negation")],
        [(0, 1, "HasGrade")],
    )
    train(nlp, [*make_examples(nlp), make_example(nlp, annotation)])
    nlp.to_disk(tmp_path)
    loaded = spacy.load(tmp_path)
    assert found(loaded("血流可"))[1] == [("血流", "可", "HasGrade")]
    assert loaded.evaluate(make_examples(loaded))["rels_f"] == 1.0


def test_labels_of_a_file_go_with_a_schema_of_the_examples(make_nlp: MakeNlp) -> None:
    nlp = make_nlp(schema="observed")
    labels = {"Modifier": "<", "Negative": "<", "Percentage": "<>", "Position": ">", "Flow": ">"}
    nlp.config["initialize"]["components"] = {"str_rel": {"labels": labels}}
    nlp.initialize(lambda: make_examples(nlp))
    assert nlp.get_pipe("str_rel").label_data == labels
    assert [tuple(triple) for triple in nlp.get_pipe("str_rel").cfg["schema"]] == TRIPLES


def test_a_schema_of_another_name_is_refused(make_nlp: MakeNlp) -> None:
    with pytest.raises(ValueError, match="'known' is not"):
        make_nlp(schema="known")
