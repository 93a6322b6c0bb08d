"""Calibration: how well scores match the share of predictions that are correct."""

from collections.abc import Iterable
from typing import TypedDict

import numpy

from .attributes import AttributeOutcome
from .outcomes import EntityOutcome, RelationOutcome
from .scored import Scored, collect

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


def measure_calibration(
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
    scored = collect(outcomes)
    if not len(scored):
        return None
    inner_edges = numpy.arange(1, BINS) / BINS
    places = numpy.digitize(scored.scores, inner_edges, right=True)
    bins = [_make_bin(i, scored.take(places == i)) for i in range(BINS)]
    return {"ece": _error(bins), "count": len(scored), "bins": bins}


def _make_bin(i: int, scored: Scored) -> CalibrationBin:
    return {
        "least": i / BINS,
        "most": (i + 1) / BINS,
        "count": len(scored),
        "confidence": float(scored.scores.mean()) if len(scored) else None,
        "correct": float(scored.correct.mean()) if len(scored) else None,
    }


def _error(bins: list[CalibrationBin]) -> float:
    total = sum(each["count"] for each in bins)
    gaps = (
        each["count"] * abs(each["correct"] - each["confidence"])
        for each in bins
        if each["correct"] is not None and each["confidence"] is not None
    )
    return sum(gaps) / total
