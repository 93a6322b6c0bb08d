"""The pairs that are asked about, against pairs that are told one by one."""

import pickle
from collections.abc import Callable, Sequence
from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc, Span
from spacy.vocab import Vocab

from spacy_str_encoder.candidates import (
    Candidates,
    all_pairs,
    find_pairs,
    get_entities,
    make_all_pairs,
    make_intersection,
    make_max_distance,
    make_same_sentence,
    make_type_pairs,
    pair_offsets,
)

Mention = tuple[int, int, str]

VOCAB = Vocab()
SIZE = 6
MENTIONS: list[Mention] = [
    (start, end, label)
    for start in range(SIZE)
    for end in range(start + 1, SIZE + 1)
    for label in ("A", "B")
]
TYPES = ["A", "B", "C"]
NAMES = ["all_pairs", "max_distance", "same_sentence", "type_pairs", "intersection"]

mentions_lists = st.lists(st.sampled_from(MENTIONS), unique=True, max_size=8)


def make_doc(mentions: list[Mention], sentences: Sequence[int] = (0,)) -> Doc:
    """A doc with a span group, whose spans may be nested, and sentences by their first tokens."""
    starts = [i in sentences for i in range(SIZE)]
    doc = Doc(VOCAB, words=list("abcdef"), sent_starts=starts)
    doc.spans["sc"] = [Span(doc, *mention) for mention in mentions]
    return doc


def read(spans: list[Span]) -> list[Mention]:
    return [(span.start, span.end, span.label_) for span in spans]


def propose(candidates: Candidates, doc: Doc) -> list[tuple[Mention, Mention]]:
    entities = get_entities(doc, "sc")
    pairs = candidates(doc, entities)
    assert pairs.shape == (len(pairs), 2)
    mentions = read(entities)
    return [(mentions[first], mentions[second]) for first, second in pairs]


def expect(
    mentions: list[Mention], is_proposed: Callable[[Mention, Mention], bool]
) -> list[tuple[Mention, Mention]]:
    """The pairs in text order that a function of two entities is true of."""
    return [pair for pair in combinations(sorted(mentions), 2) if is_proposed(*pair)]


def tokens_of(mention: Mention) -> set[int]:
    return set(range(*mention[:2]))


def is_near(first: Mention, second: Mention, tokens: int) -> bool:
    one, other = tokens_of(first), tokens_of(second)
    return bool(one & other) or len(set(range(max(one | other))) - one - other) - min(one) <= tokens


# Functions


@given(mentions_lists)
def test_every_pair_of_a_span_group_comes_once_and_in_text_order(mentions: list[Mention]) -> None:
    pairs = propose(make_all_pairs(), make_doc(mentions))
    unordered = {frozenset(pair) for pair in pairs}
    assert unordered == {frozenset((a, b)) for a in mentions for b in mentions if a != b}
    assert len(pairs) == len(unordered)
    assert all(first < second for first, second in pairs)
    assert all(before < after for before, after in pairwise(pairs))


@given(mentions_lists, st.integers(0, SIZE))
def test_pairs_at_a_distance_have_no_more_tokens_between_them(
    mentions: list[Mention], tokens: int
) -> None:
    pairs = propose(make_max_distance(tokens=tokens), make_doc(mentions))
    assert pairs == expect(mentions, lambda a, b: is_near(a, b, tokens))


@given(mentions_lists, st.sets(st.integers(1, SIZE - 1)))
def test_pairs_of_a_sentence_have_tokens_in_the_same_one(
    mentions: list[Mention], starts: set[int]
) -> None:
    borders = [0, *sorted(starts), SIZE]
    sentences = [set(range(*bounds)) for bounds in pairwise(borders)]
    doc = make_doc(mentions, borders)

    def share(first: Mention, second: Mention) -> bool:
        return any(s & tokens_of(first) and s & tokens_of(second) for s in sentences)

    assert [len(sentence) for sentence in doc.sents] == [len(sentence) for sentence in sentences]
    assert propose(make_same_sentence(), doc) == expect(mentions, share)


@given(mentions_lists, st.lists(st.tuples(*[st.sampled_from(TYPES)] * 2), max_size=4))
def test_pairs_of_types_have_them_in_any_order(
    mentions: list[Mention], allowed: list[tuple[str, str]]
) -> None:
    pairs = propose(make_type_pairs(allowed=[list(types) for types in allowed]), make_doc(mentions))
    assert pairs == expect(
        mentions, lambda a, b: (a[2], b[2]) in allowed or (b[2], a[2]) in allowed
    )


@given(mentions_lists, st.lists(st.integers(0, 2), min_size=1, max_size=3))
def test_an_intersection_proposes_what_all_do(mentions: list[Mention], chosen: list[int]) -> None:
    functions = [
        make_max_distance(tokens=1),
        make_type_pairs(allowed=[["A", "B"]]),
        make_same_sentence(),
    ]
    doc = make_doc(mentions, [0, 3])
    together = propose(make_intersection(*(functions[i] for i in chosen)), doc)
    each = [propose(functions[i], doc) for i in chosen]
    assert together == [pair for pair in each[0] if all(pair in pairs for pairs in each)]


@pytest.fixture(params=NAMES)
def candidates(request: pytest.FixtureRequest) -> Candidates:
    """Each registered function."""
    near, same_sentence = make_max_distance(tokens=1), make_same_sentence()
    return {
        "all_pairs": make_all_pairs(),
        "max_distance": near,
        "same_sentence": same_sentence,
        "type_pairs": make_type_pairs(allowed=[["A", "A"]]),
        "intersection": make_intersection(near, same_sentence),
    }[request.param]


@pytest.mark.parametrize("mentions", [[], [(1, 3, "A")]], ids=["no entity", "one entity"])
def test_fewer_than_two_entities_make_no_pair(
    candidates: Candidates, mentions: list[Mention]
) -> None:
    assert propose(candidates, make_doc(mentions)) == []
    # Nor do they need the boundaries of sentences.
    doc = Doc(VOCAB, words=list("abcdef"))
    assert len(candidates(doc, [Span(doc, *mention) for mention in mentions])) == 0


def test_a_doc_without_tokens_has_no_pair(candidates: Candidates) -> None:
    assert candidates(Doc(VOCAB), []).shape == (0, 2)


def test_spans_of_a_single_token_are_a_pair(candidates: Candidates) -> None:
    doc = Doc(VOCAB, words=["a"])
    spans = [Span(doc, 0, 1, "A"), Span(doc, 0, 1, "A")]
    assert candidates(doc, spans).tolist() == [[0, 1]]


def test_functions_can_be_sent_to_a_spawned_process(candidates: Candidates) -> None:
    doc = make_doc(MENTIONS[::3])
    assert propose(pickle.loads(pickle.dumps(candidates)), doc) == propose(candidates, doc)


def test_sentences_that_a_doc_lacks_are_an_error_that_helps() -> None:
    doc = Doc(VOCAB, words=list("abcdef"))
    entities = [Span(doc, 0, 1, "A"), Span(doc, 2, 3, "A")]
    with pytest.raises(ValueError, match=r"'sentencizer', before 'str_rel'.*annotating_components"):
        make_same_sentence()(doc, entities)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: make_max_distance(tokens=-1), "0 or more, not -1"),
        (lambda: make_type_pairs(allowed=[["A", "B"], ["C"]]), r"two types each, unlike \['C'\]"),
        (lambda: make_intersection(), "needs one function or more"),
    ],
    ids=["distance", "types", "intersection"],
)
def test_wrong_settings_are_refused(make: Callable[[], Candidates], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


@given(mentions_lists, st.lists(st.tuples(*[st.integers(0, 7)] * 2), unique=True))
def test_pairs_are_found_in_their_rows(
    mentions: list[Mention], wanted: list[tuple[int, int]]
) -> None:
    entities = get_entities(make_doc(mentions), "sc")
    pairs = all_pairs(make_doc(mentions), entities)[::2]
    wanted = [pair for pair in wanted if max(pair) < len(entities)]
    expected = {
        tuple(pair): row for row, pair in enumerate(pairs.tolist()) if tuple(pair) in wanted
    }
    assert find_pairs(pairs, wanted, count=len(entities)) == expected


def test_offsets_are_those_of_both_entities() -> None:
    doc = make_doc([(0, 2, "A"), (1, 2, "B"), (3, 6, "A")])
    entities = get_entities(doc, "sc")
    pairs = all_pairs(doc, entities)
    assert pair_offsets(entities, pairs).tolist() == [[0, 2, 1, 2], [0, 2, 3, 6], [1, 2, 3, 6]]
    assert pair_offsets([], pairs[:0]).shape == (0, 4)


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
