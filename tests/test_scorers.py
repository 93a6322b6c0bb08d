"""Strict scores against counts of plain tuples."""

import subprocess
import sys
from typing import Any

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.vocab import Vocab

from spacy_str_encoder import Relation
from spacy_str_encoder.doc.relation import relation_key, set_relations
from spacy_str_encoder.scorers import make_relation_scorer, score_relations

# An entity by its characters, and a relation by its head, tail and label.
Mention = tuple[int, int, str]
Arc = tuple[Mention, Mention, str]

VOCAB = Vocab()
TEXT = "前降支近段狭窄回旋支狭窄"
LAD, PROXIMAL, STENOSIS = (0, 3, "Body"), (3, 5, "Location"), (5, 7, "Degree")
POSITION: Arc = (LAD, PROXIMAL, "Position")
MODIFIER: Arc = (STENOSIS, PROXIMAL, "Modifier")
MENTIONS: list[Mention] = [LAD, PROXIMAL, (0, 3, "Location"), (0, 5, "Body")]
UNANNOTATED = {"rels_p": None, "rels_r": None, "rels_f": None, "rels_per_type": None}


def make_doc(arcs: list[Arc] | None, words: list[str] | None = None) -> Doc:
    """A doc of characters, if no other tokens are given; without arcs it is unannotated."""
    words = words or list(TEXT)
    doc = Doc(VOCAB, words=words, spaces=[False] * len(words))
    if arcs is not None:
        set_relations(doc, [make_relation(doc, arc) for arc in arcs])
    return doc


def make_relation(doc: Doc, arc: Arc) -> Relation:
    (start, end, label), (tail_start, tail_end, tail_label), kind = arc
    head = doc.char_span(start, end, label=label)
    tail = doc.char_span(tail_start, tail_end, label=tail_label)
    assert head is not None and tail is not None
    return Relation(head, tail, kind)


def make_example(predicted: list[Arc] | None, gold: list[Arc] | None) -> Example:
    return Example(make_doc(predicted), make_doc(gold))


def score(predicted: list[Arc] | None, gold: list[Arc] | None) -> dict[str, Any]:
    return score_relations([make_example(predicted, gold)])


def approx_prf(right: int, predicted: int, gold: int) -> Any:
    precision = right / predicted if predicted else 0
    recall = right / gold if gold else 0
    f = 2 * right / (predicted + gold) if right else 0
    return pytest.approx({"p": precision, "r": recall, "f": f})


mentions = st.sampled_from(MENTIONS)
arcs = st.lists(st.tuples(mentions, mentions, st.sampled_from(["A", "B"])), max_size=6)
annotations = st.lists(st.tuples(st.none() | arcs, st.none() | arcs), max_size=3)


def count(docs: list[tuple[list[Arc], list[Arc]]], labels: str) -> tuple[int, int, int]:
    """Count the right, the predicted and the gold relations with some labels."""
    right = n_predicted = n_gold = 0
    for predicted, gold in docs:
        n_predicted += len({arc for arc in predicted if arc[2] in labels})
        n_gold += len({arc for arc in gold if arc[2] in labels})
        right += sum(arc in gold for arc in set(predicted) if arc[2] in labels)
    return right, n_predicted, n_gold


@given(annotations)
def test_scores_count_what_is_exactly_right(
    docs: list[tuple[list[Arc] | None, list[Arc] | None]],
) -> None:
    scores = score_relations([make_example(*doc) for doc in docs])
    annotated = [(predicted or [], gold) for predicted, gold in docs if gold is not None]
    if not annotated:
        assert scores == UNANNOTATED
        return
    micro = {name: scores[f"rels_{name}"] for name in "prf"}
    assert micro == approx_prf(*count(annotated, "AB"))
    per_type = {label: count(annotated, label) for label in "AB"}
    assert scores["rels_per_type"] == {
        label: approx_prf(*counts) for label, counts in per_type.items() if any(counts[1:])
    }


@given(arcs, arcs)
def test_relations_of_symmetric_labels_have_no_direction(
    predicted: list[Arc], gold: list[Arc]
) -> None:
    docs = [
        [(frozenset(arc[:2]) if arc[2] == "A" else arc[:2], arc[2]) for arc in doc]
        for doc in (predicted, gold)
    ]
    right, (found, known) = len({*docs[0]} & {*docs[1]}), (len({*doc}) for doc in docs)
    scores = score_relations([make_example(predicted, gold)], symmetric=["A"], threshold=0.5)
    assert {name: scores[f"rels_{name}"] for name in "prf"} == approx_prf(right, found, known)


@pytest.mark.parametrize(
    "nearly",
    [
        (PROXIMAL, LAD, "Position"),
        (LAD, PROXIMAL, "Modifier"),
        ((0, 3, "Location"), PROXIMAL, "Position"),
        (LAD, (3, 5, "Body"), "Position"),
        ((0, 2, "Body"), PROXIMAL, "Position"),
        (LAD, (3, 7, "Location"), "Position"),
    ],
    ids=["direction", "label", "head type", "tail type", "head boundary", "tail boundary"],
)
def test_a_relation_that_is_nearly_right_is_wrong(nearly: Arc) -> None:
    assert score([POSITION], [POSITION])["rels_f"] == 1
    scores = score([nearly], [POSITION])
    assert (scores["rels_p"], scores["rels_r"], scores["rels_f"]) == (0, 0, 0)


def test_gold_relations_of_entities_that_were_not_found_are_missed() -> None:
    example = make_example([POSITION], [POSITION, MODIFIER])
    found = [LAD, PROXIMAL]
    example.reference.set_ents([Span(example.reference, *entity) for entity in [*found, STENOSIS]])
    example.predicted.set_ents([Span(example.predicted, *entity) for entity in found])
    scores = score_relations([example])
    assert (scores["rels_p"], scores["rels_r"]) == (1, 0.5)
    assert scores["rels_per_type"]["Modifier"] == {"p": 0, "r": 0, "f": 0}


@pytest.mark.parametrize("is_gold", [True, False], ids=["gold", "predicted"])
def test_duplicates_count_once(is_gold: bool) -> None:
    twice, once = [POSITION, POSITION, MODIFIER], [POSITION, MODIFIER]
    assert score(*((once, twice) if is_gold else (twice, once)))["rels_f"] == 1


def test_docs_that_nobody_annotated_are_left_out() -> None:
    examples = [make_example([POSITION], [POSITION]), make_example([POSITION, MODIFIER], None)]
    assert score_relations(examples)["rels_p"] == 1
    assert score_relations(examples[1:]) == UNANNOTATED


def test_relations_in_a_doc_annotated_as_having_none_are_wrong() -> None:
    examples = [make_example([POSITION], [POSITION]), make_example([MODIFIER], [])]
    assert score_relations(examples)["rels_p"] == 0.5


def test_docs_that_are_tokenized_differently_are_compared_by_characters() -> None:
    words = ["前降支", "近段", "狭窄", "回旋支狭窄"]
    gold = [POSITION, MODIFIER]
    assert score_relations([Example(make_doc(gold), make_doc(gold, words))])["rels_f"] == 1
    other = [POSITION, (PROXIMAL, LAD, "Modifier")]
    assert score_relations([Example(make_doc(other), make_doc(gold, words))])["rels_f"] == 0.5


@given(arcs)
def test_the_key_of_a_symmetric_label_is_the_same_in_either_direction(arcs: list[Arc]) -> None:
    doc = make_doc([])
    for head, tail, label in arcs:
        there, back = (
            make_relation(doc, arc) for arc in ((head, tail, label), (tail, head, label))
        )
        assert relation_key(there, ["A"])[2] == label
        is_same = relation_key(there, ["A"]) == relation_key(back, ["A"])
        assert is_same == (label == "A" or head == tail)
        assert relation_key(there) == (head, tail, label)


class Annotator:
    """Finds the same relations in every doc, and scores them as a component does."""

    def __init__(self, arcs: list[Arc]) -> None:
        self.arcs = arcs

    def __call__(self, doc: Doc) -> Doc:
        set_relations(doc, [make_relation(doc, arc) for arc in self.arcs])
        return doc

    score = staticmethod(make_relation_scorer())


@Language.factory("test_annotator")
def make_annotator(nlp: Language, name: str, arcs: list[Any]) -> Annotator:
    return Annotator(arcs)


def test_a_pipeline_is_evaluated_on_what_its_component_predicts() -> None:
    nlp = spacy.blank("zh")
    nlp.add_pipe("test_annotator", config={"arcs": [POSITION]})
    examples = []
    for gold in ([POSITION], [MODIFIER], None):
        reference = nlp.make_doc(TEXT)
        if gold is not None:
            set_relations(reference, [make_relation(reference, arc) for arc in gold])
        examples.append(Example(nlp.make_doc(TEXT), reference))
    scores = nlp.evaluate(examples)
    assert [scores[f"rels_{name}"] for name in "prf"] == [0.5, 0.5, 0.5]
    assert scores["rels_per_type"]["Position"] == {"p": 0.5, "r": 1, "f": pytest.approx(2 / 3)}


@pytest.mark.slow
def test_a_config_can_name_functions_before_the_package_is_imported() -> None:
    run_anew(
        "from spacy import registry",
        "registry.scorers.get('spacy-str-encoder.relation_scorer.v1')",
        "registry.readers.get('spacy-str-encoder.Corpus.v1')",
        "registry.misc.get('spacy-str-encoder.all_pairs.v1')",
        "registry.misc.get('spacy-str-encoder.max_distance.v1')",
        "registry.misc.get('spacy-str-encoder.same_sentence.v1')",
        "registry.misc.get('spacy-str-encoder.type_pairs.v1')",
        "registry.misc.get('spacy-str-encoder.intersection.v1')",
        "registry.architectures.get('spacy-str-encoder.STREncoder.v1')",
        "registry.architectures.get('spacy-str-encoder.CRFTagger.v1')",
        "registry.architectures.get('spacy-str-encoder.RelationClassifier.v1')",
        "registry.architectures.get('spacy-str-encoder.FocusedListener.v1')",
        "registry.architectures.get('spacy-str-encoder.FocusedEncoder.v1')",
        "registry.architectures.get('spacy-str-encoder.Tok2VecEncoder.v1')",
    )


@pytest.mark.slow
def test_components_can_be_added_before_the_package_is_imported() -> None:
    run_anew(
        "import spacy",
        "nlp = spacy.blank('zh')",
        "nlp.add_pipe('str_rel')",
        "nlp.add_pipe('str_ner')",
        "nlp.add_pipe('str_encoder', first=True)",
        "assert nlp.pipe_names == ['str_encoder', 'str_rel', 'str_ner']",
    )


def run_anew(*lines: str) -> None:
    """Run code in a new process, which has imported nothing of ours."""
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", "\n".join(lines)], capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
