"""Relations between types that the training data does not have are ruled out."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from spacy.tokens import Doc, Span
from spacy.vocab import Vocab

from spacy_str_encoder.candidates import all_pairs
from spacy_str_encoder.relation_classes import RelationClass
from spacy_str_encoder.schema import allowed_classes, allowed_pairs, make_schema

Triple = tuple[str, str, str]

VOCAB = Vocab()
TYPES = ["A", "B", "C"]
LABELS = ["r", "s", "t"]
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
