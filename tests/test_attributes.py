"""Attributes of entities: how docs keep them, what is learned of them, and their scores."""

import math
import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example
from spacy.vocab import Vocab
from thinc.api import NumpyOps

from spacy_str_encoder import get_attribute_scores, get_attributes, set_attributes
from spacy_str_encoder.attributes.entities import DocEntities
from spacy_str_encoder.attributes.gold import training_entities
from spacy_str_encoder.attributes.task import AttributeTask
from spacy_str_encoder.scorers import score_attributes

from .oracles import finite_differences, normal

VOCAB = Vocab()
WORDS = ["no", "fever", ",", "possible", "pneumonia", ",", "mother", "had", "asthma"]
# Name and value of each column: columns of a name need not lie side by side.
LABELS = [("Assertion", "present"), ("Of", "self"), ("Assertion", "negated"), ("Of", "family")]
TASK = AttributeTask(
    [*LABELS, ("Assertion", "possible")],
    types={"Assertion": ["Finding", "Disease"], "Of": ["Disease"]},
    defaults={"Assertion": "present"},
)


def make_doc() -> Doc:
    doc = Doc(VOCAB, words=WORDS)
    doc.ents = [
        Span(doc, 1, 2, "Finding"),
        Span(doc, 4, 5, "Disease"),
        Span(doc, 6, 7, "Person"),
        Span(doc, 8, 9, "Disease"),
    ]
    return doc


def test_unannotated_differs_from_none() -> None:
    fever, pneumonia, mother, _ = make_doc().ents
    assert fever._.attributes is None and fever._.attribute_scores is None
    fever._.attributes = {"Assertion": "negated"}
    mother._.attributes = {}
    assert fever._.attributes == {"Assertion": "negated"}
    assert fever._.attribute_scores == {"Assertion": 1.0}
    assert mother._.attributes == mother._.attribute_scores == {}
    assert pneumonia._.attributes is None
    fever._.attributes = None
    assert fever._.attributes is None


def test_each_entity_at_a_place_has_its_own() -> None:
    doc = make_doc()
    fever, symptom = doc.ents[0], Span(doc, 1, 2, "Symptom")
    set_attributes(fever, {"Assertion": "negated"}, {"Assertion": 0.75})
    set_attributes(symptom, {"Time": "now"})
    assert get_attributes(fever) == {"Assertion": "negated"}
    assert get_attribute_scores(fever) == {"Assertion": 0.75}
    assert get_attributes(symptom) == {"Time": "now"}


@pytest.mark.parametrize("values", ["negated", ["negated"], {"Assertion": True}, {"": "negated"}])
def test_values_are_strings_by_name(values: object) -> None:
    with pytest.raises(ValueError, match=r"_\.attributes must be a dict|non-empty strings"):
        make_doc().ents[0]._.attributes = values


@pytest.mark.parametrize(
    ("values", "scores", "message"),
    [
        ({"A": "x"}, {"B": 0.5}, "got one for 'B'. The attributes with a value are: 'A'"),
        (None, {"A": 0.5}, "got one for 'A'. The attributes with a value are: none"),
        ({"A": "x"}, {"A": 1.01}, "'A' must be a number from 0 to 1, got 1.01"),
        ({"A": "x"}, {"A": -0.1}, "'A' must be a number from 0 to 1, got -0.1"),
        ({"A": "x"}, {"A": math.nan}, "'A' must be a number from 0 to 1, got nan"),
        ({"A": "x"}, {"A": "0.5"}, "'A' must be a number from 0 to 1, got '0.5'"),
        ({"A": "x"}, {"A": None}, "'A' must be a number from 0 to 1, got None"),
    ],
)
def test_scores_are_probabilities_of_values(
    values: dict[str, str] | None, scores: dict[str, Any], message: str
) -> None:
    fever = make_doc().ents[0]
    set_attributes(fever, {"A": "y"})
    with pytest.raises(ValueError, match=re.escape(message)):
        set_attributes(fever, values, scores)
    assert (fever._.attributes, fever._.attribute_scores) == ({"A": "y"}, {"A": 1.0})


@pytest.mark.parametrize("score", [0, 1, 0.25, numpy.float32(0.25)])
def test_scores_can_be_any_number_from_0_to_1(score: float) -> None:
    fever = make_doc().ents[0]
    set_attributes(fever, {"A": "x"}, {"A": score})
    assert fever._.attribute_scores == {"A": score}


def annotate() -> Doc:
    doc = make_doc()
    fever, pneumonia, mother, asthma = doc.ents
    fever._.attributes = {"Assertion": "negated"}
    pneumonia._.attributes = {"Assertion": "possible"}
    mother._.attributes = {}
    asthma._.attributes = {"Of": "family"}
    return doc


def list_attributes(doc: Doc) -> list[tuple[str, dict[str, str] | None]]:
    return [(entity.text, entity._.attributes) for entity in doc.ents]


def test_docs_keep_them(tmp_path: Path) -> None:
    doc = annotate()
    expected = list_attributes(doc)
    assert list_attributes(Doc(VOCAB).from_bytes(doc.to_bytes())) == expected
    assert list_attributes(doc.copy()) == expected
    DocBin(docs=[doc], store_user_data=True).to_disk(tmp_path / "docs.spacy")
    [loaded] = DocBin().from_disk(tmp_path / "docs.spacy").get_docs(Vocab())
    assert list_attributes(loaded) == expected
    assert list_attributes(Doc.from_docs([make_doc(), doc]))[4:] == expected
    assert list_attributes(doc[3:].as_doc(copy_user_data=True)) == expected[1:]
    with doc.retokenize() as retokenizer:
        retokenizer.merge(doc[6:8])
    assert doc.ents[3]._.attributes == {"Of": "family"}


def make_example() -> Example:
    """In the predicted doc, "asthma" is two tokens, and the fever an entity of another type."""
    words = [*WORDS[:-1], "asth", "ma"]
    predicted = Doc(VOCAB, words=words, spaces=[True] * (len(words) - 2) + [False, False])
    predicted.ents = [Span(predicted, 1, 2, "Disease")]
    return Example(predicted, annotate())


def test_default_values_need_not_be_annotated() -> None:
    unknown: list[tuple[str, str, str]] = []
    [*examples] = make_example(), Example(make_doc(), make_doc())
    doc_entities, targets = training_entities(
        TASK, examples[0], None, lambda *case: unknown.append(case)
    )
    # The mother has no attributes, as others of her type.
    places = [(span.start, span.end, span.label_) for span in doc_entities.entities]
    assert places == [(1, 2, "Finding"), (4, 5, "Disease"), (8, 10, "Disease")]
    assert all(span.doc is examples[0].predicted for span in doc_entities.entities)
    # Columns of Assertion and Of. Of has no default.
    assert targets.tolist() == [[2, -1], [4, -1], [0, 3]]
    unannotated, targets = training_entities(TASK, examples[1], None, lambda *case: None)
    assert len(unannotated) == len(targets) == 0
    assert unknown == []


def test_unknown_attributes_are_reported() -> None:
    unknown: list[tuple[str, str, str]] = []
    example = make_example()
    fever, pneumonia, _, asthma = example.reference.ents
    fever._.attributes = {"Of": "self"}
    pneumonia._.attributes = {"Assertion": "excluded"}
    asthma._.attributes = {"Severity": "mild"}
    training_entities(TASK, example, None, lambda *case: unknown.append(case))
    assert unknown == [
        ("Of", "self", "Finding"),
        ("Assertion", "excluded", "Disease"),
        ("Severity", "mild", "Disease"),
    ]


def test_loss_is_that_of_each_gold_value_among_its_name() -> None:
    logits, targets = normal(4, 5), numpy.array([[2, -1], [-1, 3], [4, 1], [0, 1]])
    # The last entity is out of reach.
    logits[3, 1:] = -numpy.inf
    loss, d_logits = TASK.get_loss(NumpyOps(), logits, targets)
    columns = {name: list(values.values()) for name, values in TASK.columns.items()}
    assert columns == {"Assertion": [0, 2, 4], "Of": [1, 3]}
    expected = 0.0
    for row, gold in enumerate(targets[:3]):
        for column, among in zip(gold, columns.values(), strict=True):
            if column >= 0:
                total = sum(math.exp(logits[row, i]) for i in among)
                expected -= math.log(math.exp(logits[row, column]) / total)
    assert loss == pytest.approx(expected, rel=1e-5)
    reachable = logits[:3]
    differences = finite_differences(
        lambda: TASK.get_loss(NumpyOps(), reachable, targets[:3])[0], reachable
    )
    numpy.testing.assert_allclose(d_logits[:3], differences, atol=1e-3)
    assert not d_logits[3].any()


def test_the_most_likely_value_of_each_attribute_of_the_type_is_chosen() -> None:
    doc = make_doc()
    logits = numpy.log(
        numpy.array([[1, 9, 3, 1, 1], [2, 1, 1, 3, 1], [1, 1, 1, 1, 1], [5, 1, 1, 1, 1]], "f")
    )
    logits[3, 1:] = -numpy.inf
    found = TASK.decide(NumpyOps(), doc.ents, logits)
    assert [{name: value for name, (value, _) in each.items()} for each in found] == [
        {"Assertion": "negated"},
        {"Assertion": "present", "Of": "family"},
        {},
        {},
    ]
    assert found[0]["Assertion"][1] == pytest.approx(3 / 5)
    assert found[1]["Of"][1] == pytest.approx(3 / 4)


def test_only_entities_that_can_have_attributes_are_classified() -> None:
    doc = make_doc()
    kept = TASK.with_attributes(DocEntities(doc, doc.ents))
    assert [entity.text for entity in kept.entities] == ["fever", "pneumonia", "asthma"]


def test_no_score_without_annotated_attributes() -> None:
    scores = score_attributes([Example(annotate(), make_doc())])
    assert scores == {"attrs_p": None, "attrs_r": None, "attrs_f": None, "attrs_per_type": None}


VALUES = st.one_of(st.none(), st.sampled_from(["present", "negated", "possible"]))


@given(st.lists(st.tuples(VALUES, VALUES, st.booleans()), min_size=1, max_size=8))
def test_scores_count_values_that_are_not_the_default(
    entities: list[tuple[str | None, str | None, bool]],
) -> None:
    """Each entity has a gold value and a predicted one, None for unannotated, and is found."""
    words = [f"w{i}" for i in range(len(entities))]
    predicted, reference = Doc(VOCAB, words=words), Doc(VOCAB, words=words)
    reference.ents = [Span(reference, i, i + 1, "Finding") for i in range(len(words))]
    labels = ["Finding" if is_found else "Other" for _, _, is_found in entities]
    predicted.ents = [Span(predicted, i, i + 1, label) for i, label in enumerate(labels)]
    correct, found, wanted = Counter[str](), Counter[str](), Counter[str]()
    for i, (gold, value, is_found) in enumerate(entities):
        for doc, each in ((reference, gold), (predicted, value)):
            doc.ents[i]._.attributes = None if each is None else {"Assertion": each}
        if gold is not None:
            wanted[gold] += 1
            if is_found and value is not None:
                found[value] += 1
                correct[value] += gold == value
    scores = score_attributes([Example(predicted, reference)], defaults={"Assertion": "present"})
    if not wanted:
        assert scores["attrs_f"] is None
        return
    for value in ("negated", "possible"):
        if found[value] or wanted[value]:
            per_type = scores["attrs_per_type"][f"Assertion={value}"]
            f1 = 2 * correct[value] / (found[value] + wanted[value])
            assert per_type["f"] == pytest.approx(f1, abs=1e-6)
    assert "Assertion=present" not in scores["attrs_per_type"]
    total = sum(found[value] + wanted[value] for value in ("negated", "possible"))
    expected = 2 * (correct["negated"] + correct["possible"]) / total if total else 0
    assert scores["attrs_f"] == pytest.approx(expected, abs=1e-6)
