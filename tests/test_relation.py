"""Relations stay with their entities, whatever is done to the doc."""

import pickle
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import FrozenInstanceError
from multiprocessing import get_context
from typing import Any

import numpy
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc, DocBin, Span
from spacy.vocab import Vocab

from spacy_str_encoder import Relation
from spacy_str_encoder.doc.relation import (
    get_relations,
    has_relations,
    make_predicted,
    set_predicted,
    set_relations,
    set_score,
)

# An entity by its tokens, and a relation by its head, tail, label and score.
Mention = tuple[int, int, str]
Arc = tuple[Mention, Mention, str, float]
Carry = Callable[[Doc], Doc]

VOCAB = Vocab()
# Tokens of several lengths, some with a space after them: no offset means two things.
WORDS = ["LAD", "proximal", "50", "%", ",", "LCX", "mild", "stenosis", "."]
SPACES = [True, True, False, False, True, True, True, False, False]
LAD, PROXIMAL, HALF = (0, 1, "Body"), (1, 2, "Location"), (2, 4, "Quantifier")
LCX, MILD_STENOSIS = (5, 6, "Body"), (6, 8, "Degree")
POSITION: Arc = (LAD, PROXIMAL, "Position", 0.75)
PERCENTAGE: Arc = (HALF, PROXIMAL, "Percentage", 0.5)
MODIFIER: Arc = (MILD_STENOSIS, LCX, "Modifier", 1.0)
ACROSS: Arc = (PROXIMAL, LCX, "Beside", 0.25)


def make_doc(arcs: list[Arc] | None = None, size: int = len(WORDS)) -> Doc:
    """A doc of the first words; without arcs its relations are never set."""
    doc = Doc(VOCAB, words=WORDS[:size], spaces=SPACES[:size])
    if arcs is not None:
        doc._.relations = [
            Relation(Span(doc, *head), Span(doc, *tail), label, score)
            for head, tail, label, score in arcs
        ]
    return doc


def read_mention(span: Span) -> Mention:
    return span.start, span.end, span.label_


def read_arcs(doc: Doc) -> list[Arc]:
    return [
        (read_mention(relation.head), read_mention(relation.tail), relation.label, relation.score)
        for relation in doc._.relations
    ]


def read_pickled_arcs(doc: bytes) -> list[Arc]:
    return read_arcs(pickle.loads(doc))


def move(arc: Arc, start: Callable[[int], int], last: Callable[[int], int]) -> Arc:
    """Rename the first and the last token of both entities."""
    head, tail, label, score = arc
    mentions = [(start(s), last(e - 1) + 1, kind) for s, e, kind in (head, tail)]
    return mentions[0], mentions[1], label, score


def shift(arc: Arc, offset: int) -> Arc:
    return move(arc, lambda i: i + offset, lambda i: i + offset)


def is_inside(arc: Arc, start: int, end: int) -> bool:
    return all(start <= mention[0] and mention[1] <= end for mention in arc[:2])


def arcs_lists(size: int = len(WORDS)) -> st.SearchStrategy[list[Arc]]:
    if size == 0:
        return st.just([])
    tokens, labels = st.integers(0, size - 1), st.sampled_from(["A", "B"])
    mentions = st.builds(
        lambda i, j, label: (min(i, j), max(i, j) + 1, label), *[tokens] * 2, labels
    )
    return st.lists(st.tuples(mentions, mentions, labels, st.floats(0, 1)), max_size=5)


def cuts(size: int = len(WORDS)) -> st.SearchStrategy[tuple[int, int]]:
    pairs = st.tuples(st.integers(0, size), st.integers(0, size))
    return pairs.map(lambda pair: (min(pair), max(pair))).filter(lambda pair: pair[0] < pair[1])


@st.composite
def annotated_docs(draw: st.DrawFn) -> tuple[int, list[Arc] | None]:
    """The length of a doc and its relations, if they were set."""
    size = draw(st.integers(0, len(WORDS)))
    return size, draw(st.none() | arcs_lists(size))


def through_docbin(doc: Doc) -> Doc:
    data = DocBin(docs=[doc], store_user_data=True).to_bytes()
    return next(DocBin().from_bytes(data).get_docs(Vocab()))


def through_bytes(doc: Doc) -> Doc:
    return Doc(Vocab()).from_bytes(doc.to_bytes())


def through_pickle(doc: Doc) -> Doc:
    return pickle.loads(pickle.dumps(doc))


def through_as_doc(doc: Doc) -> Doc:
    return doc[:].as_doc(copy_user_data=True)


def through_from_docs(doc: Doc) -> Doc:
    return Doc.from_docs([doc])


carried = pytest.mark.parametrize(
    "carry",
    [through_docbin, through_bytes, through_pickle, Doc.copy, through_as_doc, through_from_docs],
)


@given(arcs_lists())
def test_relations_that_are_set_can_be_read(arcs: list[Arc]) -> None:
    assert sorted(read_arcs(make_doc(arcs))) == sorted(arcs)


def test_relations_come_in_text_order_of_their_heads_and_then_tails() -> None:
    back = (PROXIMAL, LAD, "Back", 1.0)
    expected = [POSITION, back, ACROSS, PERCENTAGE, MODIFIER]
    assert read_arcs(make_doc([MODIFIER, PERCENTAGE, ACROSS, back, POSITION])) == expected


def test_relations_that_are_set_replace_the_earlier_ones() -> None:
    doc = make_doc([POSITION, MODIFIER])
    doc._.relations = doc._.relations[1:]
    assert read_arcs(doc) == [MODIFIER]


def test_a_pair_can_have_several_relations() -> None:
    arcs: list[Arc] = [(LAD, LCX, "Above", 0.5), (LAD, LCX, "Beside", 0.25), (LCX, LAD, "Below", 1)]
    assert read_arcs(make_doc(arcs)) == arcs


def test_the_same_span_can_be_a_head_under_two_labels() -> None:
    arcs: list[Arc] = [((0, 1, "Body"), PROXIMAL, "A", 1.0), ((0, 1, "Vessel"), PROXIMAL, "B", 1.0)]
    assert read_arcs(make_doc(arcs)) == arcs


def test_a_score_can_come_from_numpy() -> None:
    doc = make_doc()
    score: Any = numpy.float32(0.5)
    doc._.relations = [Relation(doc[0:1], doc[1:2], "A", score)]
    assert through_bytes(doc)._.relations[0].score == 0.5


def test_a_relation_is_gold_by_default() -> None:
    doc = make_doc()
    assert Relation(doc[0:1], doc[1:2], "A").score == 1.0


def test_relations_can_not_be_changed_in_place() -> None:
    relation = make_doc([POSITION])._.relations[0]
    with pytest.raises(FrozenInstanceError):
        relation.label = "Percentage"


@pytest.mark.parametrize("size", [len(WORDS), 0], ids=["with tokens", "without tokens"])
def test_relations_set_to_none_at_all_are_not_relations_never_set(size: int) -> None:
    never_set, empty = make_doc(None, size), make_doc([], size)
    assert never_set._.relations == empty._.relations == []
    assert [has_relations(never_set), has_relations(empty)] == [False, True]


def test_reading_relations_does_not_set_them() -> None:
    doc = make_doc()
    assert doc._.relations == doc[0:1]._.relations == []
    assert not has_relations(doc)


@pytest.mark.parametrize("is_head", [True, False], ids=["head", "tail"])
def test_a_span_of_another_doc_is_refused_and_nothing_is_set(is_head: bool) -> None:
    doc, other = make_doc([MODIFIER]), make_doc()
    ends = (other[0:1], doc[1:2]) if is_head else (doc[0:1], other[1:2])
    with pytest.raises(ValueError, match=r"\(Position\) belong to another doc"):
        doc._.relations = [*doc._.relations, Relation(*ends, "Position")]
    assert read_arcs(doc) == [MODIFIER]


@pytest.mark.parametrize("other", [("LAD", "proximal", "Position"), None, "Position"])
def test_what_is_no_relation_is_refused(other: object) -> None:
    doc = make_doc()
    with pytest.raises(ValueError, match=f"got {type(other).__name__}"):
        doc._.relations = [other]
    assert not has_relations(doc)


@pytest.mark.parametrize("other", [None, 3])
def test_what_is_no_list_is_refused(other: Any) -> None:
    doc = make_doc()
    with pytest.raises(ValueError, match=rf"got {type(other).__name__}\. .*set \[\]\."):
        doc._.relations = other
    assert not has_relations(doc)


@carried
@given(doc=annotated_docs())
def test_relations_are_carried_along(carry: Carry, doc: tuple[int, list[Arc] | None]) -> None:
    size, arcs = doc
    copy = carry(make_doc(arcs, size))
    assert sorted(read_arcs(copy)) == sorted(arcs or [])
    assert has_relations(copy) == (arcs is not None)


@carried
def test_a_copy_has_relations_of_its_own(carry: Carry) -> None:
    doc = make_doc([POSITION])
    copy = carry(doc)
    copy._.relations = []
    assert (read_arcs(doc), read_arcs(copy)) == ([POSITION], [])


@given(arcs_lists(), cuts())
def test_merging_tokens_expands_the_entities_that_the_new_token_crosses(
    arcs: list[Arc], merged: tuple[int, int]
) -> None:
    doc = make_doc(arcs)
    start, end = merged
    with doc.retokenize() as retokenizer:
        retokenizer.merge(doc[start:end])
    places = [*range(start), *[start] * (end - start), *range(start + 1, len(WORDS))]
    assert sorted(read_arcs(doc)) == sorted(
        move(arc, places.__getitem__, places.__getitem__) for arc in arcs
    )


@given(arcs_lists(), st.sampled_from([i for i, word in enumerate(WORDS) if len(word) > 1]))
def test_splitting_a_token_leaves_entities_their_text(arcs: list[Arc], index: int) -> None:
    doc = make_doc(arcs)
    with doc.retokenize() as retokenizer:
        token = doc[index]
        retokenizer.split(token, [token.text[:1], token.text[1:]], heads=[token, token])
    assert sorted(read_arcs(doc)) == sorted(
        move(arc, lambda i: i + (i > index), lambda i: i + (i >= index)) for arc in arcs
    )


@given(arcs_lists(), cuts())
def test_a_piece_of_a_doc_keeps_the_relations_inside_of_it(
    arcs: list[Arc], piece: tuple[int, int]
) -> None:
    start, end = piece
    cut = make_doc(arcs)[start:end].as_doc(copy_user_data=True)
    inside = [shift(arc, -start) for arc in arcs if is_inside(arc, start, end)]
    assert sorted(read_arcs(cut)) == sorted(inside)
    assert has_relations(cut)


def test_a_piece_of_a_doc_whose_relations_were_never_set_has_none_set() -> None:
    assert not has_relations(make_doc()[2:4].as_doc(copy_user_data=True))


@given(st.lists(annotated_docs(), min_size=1, max_size=4), st.booleans())
def test_joined_docs_have_the_relations_of_each(
    parts: list[tuple[int, list[Arc] | None]], ensure_whitespace: bool
) -> None:
    docs = [make_doc(arcs, size) for size, arcs in parts]
    joined = Doc.from_docs(docs, ensure_whitespace=ensure_whitespace)
    expected, offset = [], 0
    for size, arcs in parts:
        expected += [shift(arc, offset) for arc in arcs or []]
        offset += size
    assert sorted(read_arcs(joined)) == sorted(expected)
    assert has_relations(joined) == any(arcs is not None for _, arcs in parts)


@pytest.mark.parametrize("piece", [(0, 2), (2, 5), (5, 9)], ids=["begin", "middle", "end"])
@pytest.mark.parametrize("is_first", [True, False], ids=["before", "after"])
def test_a_piece_brings_no_relations_into_the_docs_that_it_is_joined_with(
    piece: tuple[int, int], is_first: bool
) -> None:
    start, end = piece
    arcs = [POSITION, PERCENTAGE, ACROSS, MODIFIER]
    cut = make_doc(arcs)[start:end].as_doc(copy_user_data=True)
    joined = Doc.from_docs([cut, make_doc([])] if is_first else [make_doc([]), cut])
    offset = -start if is_first else len(WORDS) - start
    assert read_arcs(joined) == [shift(arc, offset) for arc in arcs if is_inside(arc, start, end)]


def test_a_span_has_the_relations_that_it_is_head_or_tail_of() -> None:
    doc = make_doc([POSITION, PERCENTAGE, ACROSS, MODIFIER])
    labels = {
        mention: [relation.label for relation in Span(doc, *mention)._.relations]
        for mention in (LAD, PROXIMAL, LCX)
    }
    assert labels == {
        LAD: ["Position"],
        PROXIMAL: ["Position", "Beside", "Percentage"],
        LCX: ["Beside", "Modifier"],
    }


@pytest.mark.parametrize(
    ("mention", "expected"),
    [
        ((0, 1, "Body"), ["A"]),
        ((0, 1, "Vessel"), ["B"]),
        ((0, 1, "Location"), []),
        ((0, 1, ""), ["A", "B"]),
        ((0, 2, ""), []),
    ],
    ids=["a label", "another label", "a label nobody uses", "no label", "a longer span"],
)
def test_a_span_with_a_label_is_not_its_namesakes(mention: Mention, expected: list[str]) -> None:
    doc = make_doc(
        [((0, 1, "Body"), PROXIMAL, "A", 1.0), (PROXIMAL, (0, 1, "Vessel"), "B", 1.0)],
    )
    assert [relation.label for relation in Span(doc, *mention)._.relations] == expected


def make_scored_doc() -> Doc:
    doc = make_doc()
    doc.set_ents([Span(doc, *HALF), Span(doc, *MILD_STENOSIS)])
    for entity, score in zip(doc.ents, [0.25, 0.75], strict=True):
        entity._.score = score
    return doc


def read_scores(doc: Doc) -> list[tuple[str, float | None]]:
    return [(entity.text, entity._.score) for entity in doc.ents]


SCORES = [("50%", 0.25), ("mild stenosis", 0.75)]


def test_a_score_belongs_to_the_label_of_its_span() -> None:
    doc = make_scored_doc()
    other = Span(doc, *HALF[:2], label="Degree")
    assert (other._.score, doc[2:4]._.score) == (None, None)
    other._.score = 1
    assert (other._.score, read_scores(doc)) == (1.0, SCORES)


def test_a_score_can_be_replaced() -> None:
    doc = make_scored_doc()
    doc.ents[0]._.score = 0.5
    assert [entity._.score for entity in doc.ents] == [0.5, 0.75]


def test_a_score_that_was_never_set_is_none() -> None:
    assert Span(make_doc([POSITION]), *LAD)._.score is None


@carried
def test_scores_are_carried_along(carry: Carry) -> None:
    assert read_scores(carry(make_scored_doc())) == SCORES


@carried
def test_a_copy_has_scores_of_its_own(carry: Carry) -> None:
    doc = make_scored_doc()
    carry(doc).ents[0]._.score = 1.0
    assert read_scores(doc) == SCORES


def test_scores_survive_merging_and_splitting_entities() -> None:
    doc = make_scored_doc()
    with doc.retokenize() as retokenizer:
        retokenizer.merge(doc[2:4])
        retokenizer.split(doc[6], ["mi", "ld"], heads=[doc[7], doc[7]])
    assert read_scores(doc) == SCORES


def test_scores_move_along_when_docs_are_cut_and_joined() -> None:
    cut = make_scored_doc()[5:].as_doc(copy_user_data=True)
    assert read_scores(cut) == SCORES[1:]
    assert read_scores(Doc.from_docs([make_scored_doc(), cut])) == [*SCORES, SCORES[1]]


@pytest.mark.slow
def test_a_spawned_process_reads_a_pickled_doc() -> None:
    doc = make_doc([POSITION, MODIFIER])
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        arcs = pool.submit(read_pickled_arcs, pickle.dumps(doc)).result()
    assert arcs == [POSITION, MODIFIER]


@pytest.mark.parametrize(
    "extension",
    [
        Doc.get_extension("relations"),
        Span.get_extension("relations"),
        Span.get_extension("score"),
    ],
    ids=["doc._.relations", "span._.relations", "span._.score"],
)
def test_extensions_can_be_sent_to_a_spawned_process(extension: tuple[object, ...]) -> None:
    # A lambda or a closure could not be pickled.
    assert pickle.loads(pickle.dumps(extension)) == extension


@pytest.mark.parametrize("label", ["", 3, None])
def test_a_label_must_be_a_string(label: Any) -> None:
    doc = spacy.blank("en")("Ada works")
    with pytest.raises(ValueError, match="label"):
        doc._.relations = [Relation(doc[0:1], doc[1:2], label)]


def test_head_and_tail_must_be_spans_with_tokens() -> None:
    doc = spacy.blank("en")("Ada works")
    for tail in (doc[1:1], doc[1]):
        with pytest.raises(ValueError, match="spans with tokens"):
            doc._.relations = [Relation(doc[0:1], tail, "works")]


# Scores


@pytest.mark.parametrize(
    ("head", "tail", "score"),
    [(None, None, 0.5), (0.4, None, 0.2), (0.4, 0.1, 0.02), (0.0, 1.0, 0)],
)
def test_the_score_of_a_predicted_relation_counts_its_entities(
    head: float | None, tail: float | None, score: float
) -> None:
    doc = make_doc()
    spans = [Span(doc, i, i + 1, label="A") for i in (0, 2)]
    for span, each in zip(spans, (head, tail), strict=True):
        if each is not None:
            set_score(span, each)
    relation = make_predicted(spans[0], spans[1], "met", 0.5)
    assert relation.score == pytest.approx(score)
    assert relation.score_given_entities == 0.5


@pytest.mark.parametrize("conditional", [None, 0.75])
@pytest.mark.parametrize("key", [(), (None,), ("sc",)])
def test_both_scores_are_stored(conditional: float | None, key: tuple[str | None, ...]) -> None:
    doc = make_doc()
    doc.spans["sc"] = [Span(doc, 0, 1, label="A"), Span(doc, 2, 3, label="B")]
    doc.ents = [*doc.spans["sc"]]
    relation = Relation(*doc.ents, "met", 0.5, conditional)
    if key:
        set_predicted(doc, [relation], *key)
    else:
        set_relations(doc, [relation])
    [docbin] = DocBin(docs=[doc], store_user_data=True).get_docs(doc.vocab)
    [found] = get_relations(docbin)
    assert (found.score, found.score_given_entities) == (0.5, conditional)
