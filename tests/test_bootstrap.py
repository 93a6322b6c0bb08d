"""Intervals and p-values against a loop that draws documents one by one."""

from fractions import Fraction
from typing import Any

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_str_encoder.evaluation.bootstrap import compare_f, intervals, resample

SAMPLES, SEED = 60, 3

# Correct, predicted and gold of a doc: no more are correct than are predicted, or gold.
doc_counts = st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3)).map(
    lambda drawn: [drawn[0], drawn[0] + drawn[1], drawn[0] + drawn[2]]
)
counts_of_docs = st.lists(doc_counts, min_size=1, max_size=8)
pairs_of_counts = st.lists(st.tuples(doc_counts, doc_counts), min_size=1, max_size=8)
few = settings(max_examples=40)


def draw_docs(docs: int) -> list[list[int]]:
    """The docs of each draw."""
    random = numpy.random.default_rng(SEED)
    return [random.integers(docs, size=docs).tolist() for _ in range(SAMPLES)]


def add_up(counts: list[list[int]], docs: list[int]) -> list[int]:
    totals = [0, 0, 0]
    for doc in docs:
        for i in range(3):
            totals[i] += counts[doc][i]
    return totals


def score(totals: list[int]) -> dict[str, Fraction]:
    correct, predicted, gold = totals
    return {
        "p": Fraction(correct, predicted or 1),
        "r": Fraction(correct, gold or 1),
        "f": Fraction(2 * correct, predicted + gold or 1),
    }


def percentile(values: list[Fraction], percent: Fraction) -> float:
    """The value that so many percent are below, on the line between its neighbours."""
    ordered = sorted(values)
    place = (len(ordered) - 1) * percent / 100
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return float(ordered[below] + (place - below) * (ordered[above] - ordered[below]))


def interval(values: list[Fraction]) -> Any:
    ends = Fraction(5, 2), Fraction(195, 2)
    return pytest.approx([percentile(values, end) for end in ends], abs=1e-12)


def compare(first: Any, second: Any, samples: int = SAMPLES) -> Any:
    return compare_f(numpy.array(first), numpy.array(second), samples=samples, seed=SEED)


@few
@given(counts_of_docs)
def test_draws_are_sums_over_docs(counts: list[list[int]]) -> None:
    drawn = resample(numpy.array(counts), samples=SAMPLES, seed=SEED)
    assert drawn.tolist() == [add_up(counts, docs) for docs in draw_docs(len(counts))]


@few
@given(counts_of_docs)
def test_intervals_hold_95_percent_of_the_draws(counts: list[list[int]]) -> None:
    found = intervals(numpy.array(counts), samples=SAMPLES, seed=SEED)
    drawn = [score(add_up(counts, docs)) for docs in draw_docs(len(counts))]
    assert found == {name: interval([each[name] for each in drawn]) for name in "prf"}


@few
@given(pairs_of_counts)
def test_models_are_compared_on_the_same_draws(pairs: list[tuple[list[int], list[int]]]) -> None:
    first, second = (list(counts) for counts in zip(*pairs, strict=True))
    found = compare(first, second)
    f = [score(add_up(counts, list(range(len(pairs)))))["f"] for counts in (first, second)]
    assert [found["f"], found["other_f"]] == pytest.approx(list(map(float, f)))
    assert found["difference"] == pytest.approx(float(f[0] - f[1]), abs=1e-12)
    draws = draw_docs(len(pairs))
    differences = [score(add_up(first, d))["f"] - score(add_up(second, d))["f"] for d in draws]
    assert found["interval"] == interval(differences)
    fewer = min(sum(each <= 0 for each in differences), sum(each >= 0 for each in differences))
    assert found["p_value"] == pytest.approx(min(1, 2 * (1 + fewer) / (SAMPLES + 1)))


@few
@given(counts_of_docs)
def test_models_that_are_the_same_do_not_differ(counts: list[list[int]]) -> None:
    found = compare(counts, counts)
    assert (found["difference"], found["interval"], found["p_value"]) == (0, [0, 0], 1)


@pytest.mark.parametrize("samples", [1, 3, 100])
def test_a_model_that_is_better_on_every_doc_has_the_smallest_p_value(samples: int) -> None:
    better, worse = [[3, 4, 5], [2, 2, 2]] * 4, [[2, 4, 5], [1, 2, 2]] * 4
    for first, second in ((better, worse), (worse, better)):
        found = compare(first, second, samples=samples)
        assert found["p_value"] == pytest.approx(min(1, 2 / (samples + 1)))
    assert found["difference"] < 0


def test_the_two_ways_to_compare_mirror_each_other() -> None:
    first, second = [[3, 4, 5], [0, 2, 1], [1, 1, 3]], [[2, 5, 5], [1, 1, 1], [2, 2, 3]]
    found, turned = compare(first, second), compare(second, first)
    assert found["p_value"] == turned["p_value"] < 1
    assert found["difference"] == -turned["difference"]
    assert found["interval"] == pytest.approx([-end for end in turned["interval"][::-1]])


def test_another_seed_draws_other_docs() -> None:
    counts = numpy.arange(30).reshape(10, 3)
    first, again, other = (resample(counts, samples=5, seed=seed) for seed in (0, 0, 1))
    assert (first == again).all() and (first != other).any()
