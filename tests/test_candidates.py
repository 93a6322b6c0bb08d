from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc, Span
from spacy.vocab import Vocab

from spacy_str_encoder.candidates import all_pairs, get_entities, pair_offsets

Mention = tuple[int, int, str]

VOCAB = Vocab()
SIZE = 6
MENTIONS: list[Mention] = [
    (start, end, label)
    for start in range(SIZE)
    for end in range(start + 1, SIZE + 1)
    for label in ("A", "B")
]


def make_doc(mentions: list[Mention]) -> Doc:
    """A doc with a span group, whose spans may be nested."""
    doc = Doc(VOCAB, words=list("abcdef"))
    doc.spans["sc"] = [Span(doc, *mention) for mention in mentions]
    return doc


def read(spans: list[Span]) -> list[Mention]:
    return [(span.start, span.end, span.label_) for span in spans]


@given(st.lists(st.sampled_from(MENTIONS), unique=True, max_size=8))
def test_every_pair_of_a_span_group_comes_once_and_in_text_order(mentions: list[Mention]) -> None:
    entities = get_entities(make_doc(mentions), "sc")
    pairs = [read([entities[i] for i in pair]) for pair in all_pairs(entities)]
    unordered = {frozenset(pair) for pair in pairs}
    assert unordered == {frozenset((a, b)) for a in mentions for b in mentions if a != b}
    assert len(pairs) == len(unordered)
    assert all(first < second for first, second in pairs)
    assert all(before < after for before, after in pairwise(pairs))


@pytest.mark.parametrize("mentions", [[], [(1, 3, "A")]], ids=["no entity", "one entity"])
def test_fewer_than_two_entities_make_no_pair(mentions: list[Mention]) -> None:
    entities = get_entities(make_doc(mentions), "sc")
    assert all_pairs(entities).shape == (0, 2)
    assert pair_offsets(entities, all_pairs(entities)).shape == (0, 4)


def test_offsets_are_those_of_both_entities() -> None:
    entities = get_entities(make_doc([(0, 2, "A"), (1, 2, "B"), (3, 6, "A")]), "sc")
    pairs = all_pairs(entities)
    assert pair_offsets(entities, pairs).tolist() == [[0, 2, 1, 2], [0, 2, 3, 6], [1, 2, 3, 6]]


def test_entities_are_those_of_the_doc_if_no_span_group_is_named() -> None:
    doc = make_doc([(0, 6, "B")])
    doc.set_ents([Span(doc, 4, 5, "B"), Span(doc, 0, 2, "A")])
    assert read(get_entities(doc)) == [(0, 2, "A"), (4, 5, "B")]


def test_entities_are_those_of_the_span_group_if_one_is_named() -> None:
    doc = make_doc([(0, 6, "B"), (0, 2, "A")])
    doc.set_ents([Span(doc, 4, 5, "B")])
    assert read(get_entities(doc, "sc")) == [(0, 2, "A"), (0, 6, "B")]


def test_a_span_group_that_a_doc_lacks_has_no_entities() -> None:
    assert get_entities(make_doc([(0, 6, "B")]), "other") == []
