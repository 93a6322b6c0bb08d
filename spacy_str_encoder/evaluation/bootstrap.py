"""Bootstrap intervals of scores, and a test of differences between two models."""

from typing import TypedDict

import numpy

from ..arrays import FloatArray, IntArray
from .counts import precision_recall_f

# 95 %
PERCENTILES = (2.5, 97.5)
# Its lower and its upper end.
Interval = list[float]


class Intervals(TypedDict):
    """The 95 % intervals of precision, recall and F1."""

    p: Interval
    r: Interval
    f: Interval


class Difference(TypedDict):
    """The F1 of two models, their difference, and its 95 % interval and p-value."""

    f: float
    other_f: float
    difference: float
    interval: Interval
    p_value: float


def resample(counts: IntArray, *, samples: int, seed: int) -> IntArray:
    """Resample docs with replacement.

    counts (IntArray): Correct, predicted and gold of each doc. *Shape:* (docs, 3).
    samples (int): The number of samples. Each has as many docs as there are.
    seed (int): The random seed. With the same number of docs, the same seed draws the same docs.
    RETURNS (IntArray): The sum over the docs of each sample. *Shape:* (samples, 3).
    """
    random = numpy.random.default_rng(seed)
    docs = len(counts)
    draws = (random.integers(docs, size=docs) for _ in range(samples))
    return numpy.stack([numpy.bincount(draw, minlength=docs) @ counts for draw in draws])


def intervals(counts: IntArray, *, samples: int, seed: int) -> Intervals:
    """Compute percentile intervals of micro scores over resampled docs.

    Source: Efron and Tibshirani 1993, An Introduction to the Bootstrap, chapter 13.

    counts (IntArray): Correct, predicted and gold of each doc. *Shape:* (docs, 3).
    samples (int): The number of samples.
    seed (int): The random seed.
    RETURNS (Intervals): The intervals.
    """
    scores = precision_recall_f(resample(counts, samples=samples, seed=seed))
    p, r, f = (_interval(column) for column in scores.T)
    return {"p": p, "r": r, "f": f}


def compare_f(counts: IntArray, other: IntArray, *, samples: int, seed: int) -> Difference:
    """Compare the micro F1 of two models by a paired bootstrap: each sample has the same docs for
    both models.

    The p-value is two-sided: min(1, 2 * (1 + min(a, b)) / (samples + 1)), where a is the number of
    samples with a difference of at most 0, and b of those with at least 0. It is 1 for identical
    models, and 2 / (samples + 1) if one model is better in every sample. It is below 0.05 roughly
    when the interval excludes 0.

    Source: Koehn 2004, Statistical Significance Tests for Machine Translation Evaluation. For
    adding 1: Davison and Hinkley 1997, Bootstrap Methods and their Application, chapter 4.

    counts (IntArray): Correct, predicted and gold of each doc. *Shape:* (docs, 3).
    other (IntArray): The same for the other model. *Shape:* (docs, 3).
    samples (int): The number of samples.
    seed (int): The random seed.
    RETURNS (Difference): The F1 of the first model minus that of the other.
    """
    f, other_f = float(_f(counts.sum(axis=0))), float(_f(other.sum(axis=0)))
    drawn, other_drawn = (
        _f(resample(each, samples=samples, seed=seed)) for each in (counts, other)
    )
    differences = drawn - other_drawn
    fewer = int(min((differences <= 0).sum(), (differences >= 0).sum()))
    return {
        "f": f,
        "other_f": other_f,
        "difference": f - other_f,
        "interval": _interval(differences),
        "p_value": min(1.0, 2 * (1 + fewer) / (samples + 1)),
    }


def _f(counts: IntArray) -> FloatArray:
    # A single division, so that equal F1 scores are equal as floats.
    correct, predicted, gold = numpy.moveaxis(counts, -1, 0)
    return 2 * correct / numpy.maximum(predicted + gold, 1)


def _interval(values: FloatArray) -> Interval:
    return numpy.percentile(values, PERCENTILES).tolist()
