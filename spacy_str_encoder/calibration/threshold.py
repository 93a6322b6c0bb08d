"""Chooses thresholds. They lie between scores, so that equal scores are treated alike."""

import numpy

from ..arrays import FloatArray, IntArray
from ..evaluation.scored import Scored


def threshold_for_f1(scored: Scored, gold: int) -> float | None:
    """Find the threshold with the highest F1, and among equals the lowest.

    scored (Scored): The scores of all predictions.
    gold (int): The number of gold relations.
    RETURNS (float | None): The threshold; None if it is best to keep all.
    """
    if not len(scored):
        return None
    scores, kept, correct = _find_cuts(scored)
    f1 = 2 * correct / (kept + gold)
    best = len(f1) - 1 - int(f1[::-1].argmax())
    return _cut_after(scores, int(kept[best]))


def threshold_for_precision(scored: Scored, precision: float) -> float | None:
    """Find the lowest threshold with a precision.

    scored (Scored): The scores of all predictions.
    precision (float): The precision, from 0 to 1.
    RETURNS (float | None): The threshold; None if all can be kept.
    RAISES (ValueError): If no threshold has this precision.
    """
    if not len(scored):
        raise ValueError("there must be predicted relations to choose a threshold, got none")
    scores, kept, correct = _find_cuts(scored)
    reached = kept[correct / kept >= precision]
    if not len(reached):
        raise ValueError(
            f"no threshold has a precision of {precision:g} on these texts; the highest is "
            f"{(correct / kept).max():.3f}"
        )
    return _cut_after(scores, int(reached[-1]))


def _find_cuts(scored: Scored) -> tuple[FloatArray, IntArray, IntArray]:
    """RETURNS (tuple[FloatArray, IntArray, IntArray]): The scores from the highest to the lowest;
    how many predictions can be kept, and how many of those are correct.
    """
    order = numpy.argsort(-scored.scores, kind="stable")
    scores, correct = scored.scores[order], scored.correct[order].cumsum(dtype="int64")
    ends = numpy.flatnonzero(numpy.append(scores[1:] != scores[:-1], True))
    return scores, ends + 1, correct[ends]


def _cut_after(scores: FloatArray, kept: int) -> float | None:
    return None if kept == len(scores) else float((scores[kept - 1] + scores[kept]) / 2)
