"""Calibration: how well scores match the share of predictions that are correct."""

from collections.abc import Iterable
from typing import TypedDict

import numpy

from ..arrays import FloatArray
from .attributes import AttributeOutcome
from .outcomes import EntityOutcome, RelationOutcome

BINS = 10


class CalibrationBin(TypedDict):
    """Predictions with a score above `least`, and at most `most`.

    count (int): The number of predictions.
    confidence (float | None): Their mean score; None if there are none.
    correct (float | None): The share of them that is correct; None if there are none.
    """

    least: float
    most: float
    count: int
    confidence: float | None
    correct: float | None


class Calibration(TypedDict):
    """The expected calibration error, the number of scores behind it, and the bins."""

    ece: float
    count: int
    bins: list[CalibrationBin]


def calibrate(
    outcomes: Iterable[EntityOutcome] | Iterable[RelationOutcome] | Iterable[AttributeOutcome],
) -> Calibration | None:
    """Compare the scores of predictions with the share of them that is strictly correct.

    The expected calibration error is the mean of |share correct - mean score| over 10 bins of equal
    width, ((m - 1) / 10, m / 10], weighted by the number of scores in each bin. Only predictions
    have a score; recall shows what was missed.

    Source: Guo et al. 2017, On Calibration of Modern Neural Networks, arXiv 1706.04599, Eqs. 2, 3
    and 5.

    outcomes (Iterable[EntityOutcome] | Iterable[RelationOutcome] | Iterable[AttributeOutcome]): The
        outcome of each doc.
    RETURNS (Calibration | None): The error and the bins; None if nothing has a score.
    """
    scored = [
        (score, key in outcome.gold)
        for outcome in outcomes
        for key, score in zip(outcome.predicted, outcome.scores, strict=True)
        if score is not None
    ]
    if not scored:
        return None
    # shape: (scores, 2)
    pairs = numpy.array(scored, dtype="float64")
    inner_edges = numpy.arange(1, BINS) / BINS
    places = numpy.digitize(pairs[:, 0], inner_edges, right=True)
    bins = [_make_bin(i, pairs[places == i]) for i in range(BINS)]
    return {"ece": _error(bins), "count": len(pairs), "bins": bins}


def _make_bin(i: int, pairs: FloatArray) -> CalibrationBin:
    confidence, correct = pairs.mean(axis=0).tolist() if len(pairs) else (None, None)
    return {
        "least": i / BINS,
        "most": (i + 1) / BINS,
        "count": len(pairs),
        "confidence": confidence,
        "correct": correct,
    }


def _error(bins: list[CalibrationBin]) -> float:
    total = sum(each["count"] for each in bins)
    gaps = (
        each["count"] * abs(each["correct"] - each["confidence"])
        for each in bins
        if each["correct"] is not None and each["confidence"] is not None
    )
    return sum(gaps) / total
