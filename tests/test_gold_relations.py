"""What gold relations teach about pairs of entities, and what of them is lost."""

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from spacy.vocab import Vocab

from spacy_str_encoder import Relation
from spacy_str_encoder.doc.entities import get_entities
from spacy_str_encoder.pairs.candidates import make_max_distance
from spacy_str_encoder.pairs.gold import count_relations, gold_classes, training_entities
from spacy_str_encoder.pairs.task import RelationTask

from .pipelines import ANNOTATIONS, make_example

Mention = tuple[int, int, str]
Arc = tuple[Mention, Mention, str]

VOCAB = Vocab()
TEXT = "abcdef"
CLASSES = [(label, direction) for label in "rs" for direction in "><"]
TASK = RelationTask(CLASSES, spans_key="sc", exclusive=False)

mentions = st.sampled_from(
    [(0, 1, "A"), (0, 1, "B"), (0, 2, "A"), (1, 3, "B"), (2, 4, "A"), (2, 4, "B")]
)
arcs_lists = st.lists(st.tuples(mentions, mentions, st.sampled_from("rs")), max_size=6)


def make_doc(
    words: Sequence[str], entities: Sequence[Mention] | None, arcs: Sequence[Arc] | None
) -> Doc:
    """A doc with a span group and relations, by characters."""
    doc = Doc(VOCAB, words=list(words), spaces=[False] * len(words))
    if entities is not None:
        doc.spans["sc"] = [doc.char_span(*mention) for mention in entities]
    if arcs is not None:
        doc._.relations = [
            Relation(doc.char_span(*head), doc.char_span(*tail), label)
            for head, tail, label in arcs
        ]
    return doc


def refuse_report(*relation: str) -> None:
    raise AssertionError(relation)


def learned(example: Example, task: RelationTask = TASK) -> list[tuple[Mention, Mention, str]]:
    """What is learned of an example: both entities in text order, and the label and direction."""
    doc_pairs = task.propose(example.predicted, training_entities(task, example))
    gold = gold_classes(task, example, doc_pairs, report_unknown=refuse_report)
    read = [(span.start_char, span.end_char, span.label_) for span in doc_pairs.entities]
    return [(*(read[i] for i in doc_pairs.pairs[row]), "".join(CLASSES[k - 1])) for row, k in gold]


@given(
    st.lists(mentions, unique=True),
    st.none() | st.lists(mentions, unique=True),
    arcs_lists,
)
def test_relations_are_learned_of_the_spans_that_they_connect(
    gold: list[Mention], predicted: list[Mention] | None, arcs: list[Arc]
) -> None:
    example = Example(make_doc(TEXT, predicted, None), make_doc(TEXT, gold, arcs))
    entities = {*gold, *(predicted or [])}
    asked = training_entities(TASK, example)
    assert all(span.doc is example.predicted for span in asked)
    read = [(span.start_char, span.end_char, span.label_) for span in asked]
    assert sorted(read) == sorted(entities)
    assert [mention[:2] for mention in read] == sorted(mention[:2] for mention in read)
    expected = {
        (min(head, tail), max(head, tail), f"{label}{'>' if head < tail else '<'}")
        for head, tail, label in arcs
        if head != tail and {head, tail} <= entities
    }
    assert sorted(learned(example)) == sorted(expected)


@given(
    st.lists(mentions, unique=True),
    arcs_lists,
    st.sampled_from([["ab", "c", "def"], list(TEXT)]),
    st.booleans(),
    st.sampled_from([[], ["r"]]),
)
def test_what_is_not_learned_is_counted_as_lost(
    entities: list[Mention],
    arcs: list[Arc],
    words: list[str],
    exclusive: bool,
    symmetric: list[str],
) -> None:
    example = Example(make_doc(words, None, None), make_doc(TEXT, entities, arcs))
    near = make_max_distance(tokens=0)
    task = replace(TASK, exclusive=exclusive, symmetric=symmetric, candidates=near)
    counts, lost = count_relations(task, [example])
    distinct = {
        (*(sorted((head, tail)) if label in symmetric else (head, tail)), label)
        for head, tail, label in arcs
    }
    assert counts.total() == len(distinct)
    assert len(learned(example, task)) == counts.total() - lost.total()


def test_each_reason_is_counted() -> None:
    near, nearer, far, other, split = (
        (0, 1, "A"),
        (1, 2, "A"),
        (5, 6, "A"),
        (0, 1, "B"),
        (2, 4, "A"),
    )
    arcs: list[Arc] = [
        (near, nearer, "r"),
        (near, nearer, "s"),
        (near, far, "r"),
        (near, near, "r"),
        (near, other, "r"),
        (near, split, "r"),
    ]
    reference = make_doc(TEXT, [near, nearer, far, split], arcs)
    example = Example(make_doc(["a", "b", "cde", "f"], None, None), reference)
    task = replace(TASK, candidates=make_max_distance(tokens=1))
    counts, lost = count_relations(replace(task, exclusive=True), [example, example])
    assert counts == {("r", ">"): 10, ("s", ">"): 2}
    reasons = ["align", "itself", "not among the entities", "candidate pairs", "share their pair"]
    assert [[n for reason, n in lost.items() if part in reason] for part in reasons] == [[2]] * 5
    assert count_relations(task, [example])[1].total() == 4


def test_the_first_relation_of_an_exclusive_pair_is_learned() -> None:
    first, second = (0, 1, "A"), (1, 2, "A")
    arcs: list[Arc] = [(first, second, "s"), (second, first, "r"), (first, second, "r")]
    reference = make_doc(TEXT, [first, second], arcs)
    example = Example(make_doc(TEXT, None, None), reference)
    assert learned(example, replace(TASK, exclusive=True)) == [(first, second, "r>")]
    assert len(learned(example)) == 3


def test_a_relation_goes_to_the_span_of_its_type_alone() -> None:
    body_part, location, degree = (0, 3, "BodyPart"), (0, 3, "Location"), (5, 6, "Degree")
    arcs: list[Arc] = [(degree, location, "r"), (body_part, location, "s")]
    reference = make_doc(TEXT, [body_part, location, degree], arcs)
    example = Example(make_doc(TEXT, None, None), reference)
    assert learned(example) == [(body_part, location, "s>"), (location, degree, "r<")]


def test_an_entity_of_a_wrong_type_has_no_relation(nlp: Language) -> None:
    _, entities, relations = ANNOTATIONS[2]
    example = make_example(nlp, ANNOTATIONS[2])
    spans = [example.predicted.char_span(*entity[:2], "Quantifier") for entity in entities]
    example.predicted.set_ents(spans)
    task = nlp.get_pipe("str_rel").task
    mixed = training_entities(task, example)
    doc_pairs = task.propose(example.predicted, mixed)
    gold = gold_classes(task, example, doc_pairs, report_unknown=refuse_report)
    related = [doc_pairs.pairs[row] for row, _ in gold]
    assert len(mixed) == 2 * len(entities) and len(related) == len(relations)
    assert "Quantifier" not in {mixed[i].label_ for pair in related for i in pair}


def test_a_relation_of_two_types_in_one_place_is_learned_once() -> None:
    first, other = (0, 1, "A"), (1, 2, "A")
    arcs: list[Arc] = [(first, other, "r"), ((0, 1, "B"), other, "r")]
    reference = make_doc(TEXT, None, arcs)
    reference.set_ents([reference.char_span(*first), reference.char_span(*other)])
    example = Example(make_doc(TEXT, None, None), reference)
    task = replace(TASK, spans_key=None)
    doc_pairs = task.propose(example.predicted, training_entities(task, example))
    gold = gold_classes(task, example, doc_pairs, report_unknown=refuse_report)
    assert gold.tolist() == [[0, 1]]


def test_a_doc_with_unannotated_relations_has_nothing_to_learn() -> None:
    example = Example(make_doc(TEXT, None, None), make_doc(TEXT, [(0, 1, "A"), (1, 2, "A")], None))
    assert training_entities(TASK, example) == []
    assert len(get_entities(example.reference, "sc")) == 2
    assert learned(example) == []
