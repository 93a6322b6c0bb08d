"""The flat choice against all subsets."""

from itertools import combinations
from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_str_encoder.doc.flat import best_without_overlaps, first_without_overlaps

Places = list[tuple[int, int, float]]

# Odds of 3, 9 and 81, whose logarithms add up to ties, and certainty.
PROBABILITIES = [0.0, 0.3, 0.5, 0.75, 0.9, 81 / 82, 1.0]


@st.composite
def places(draw: st.DrawFn) -> Places:
    starts = st.integers(0, 6)
    rows = st.tuples(starts, st.integers(1, 4), st.sampled_from(PROBABILITIES))
    return [(start, start + length, p) for start, length, p in draw(st.lists(rows, max_size=8))]


def total(subset: Places) -> float:
    return sum(15.0 if p == 1 else log(p / (1 - p)) for _, _, p in subset)


def is_flat(subset: Places) -> bool:
    tokens = [token for start, end, _ in subset for token in range(start, end)]
    return len(tokens) == len(set(tokens))


@given(places())
def test_no_other_choice_is_better(given_places: Places) -> None:
    likely = [place for place in given_places if place[2] > 0.5]
    flat = [
        subset
        for size in range(len(likely) + 1)
        for subset in map(list, combinations(likely, size))
        if is_flat(subset)
    ]
    best = max(map(total, flat))
    equally_good = [
        sorted((start, -end) for start, end, _ in subset)
        for subset in flat
        if total(subset) > best - 1e-9
    ]
    chosen = [given_places[i] for i in best_without_overlaps(given_places)]
    assert is_flat(chosen) and total(chosen) > best - 1e-9
    assert [(start, -end) for start, end, _ in chosen] in equally_good


@pytest.mark.parametrize(
    "given_places,expected",
    [
        ([(0, 4, 0.9), (0, 2, 0.75), (2, 4, 0.75)], [0]),
        ([(2, 4, 0.75), (0, 3, 0.75)], [1]),
        ([(0, 2, 0.75), (0, 3, 0.75)], [1]),
        ([(0, 9, 1.0), (0, 1, 0.999), (1, 9, 0.9999)], [1, 2]),
        ([(0, 1, 0.5), (0, 3, 0.4)], []),
    ],
    ids=["the longer of a tie", "the earlier of a tie", "one place", "two beat one", "unlikely"],
)
def test_choices(given_places: Places, expected: list[int]) -> None:
    assert best_without_overlaps(given_places) == expected


@given(places())
def test_of_overlapping_spans_the_first_is_kept(given_places: Places) -> None:
    spans = [(start, end) for start, end, _ in given_places]
    chosen = first_without_overlaps(spans)
    assert chosen == sorted(chosen)
    assert is_flat([given_places[i] for i in chosen])
    for i in set(range(len(spans))) - set(chosen):
        start, end = spans[i]
        # What it overlaps starts earlier, or is longer, or was given first.
        assert any(
            (spans[j][0], -spans[j][1], j) < (start, -end, i) and spans[j][1] > start
            for j in chosen
        )
