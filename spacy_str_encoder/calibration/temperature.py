"""Fits temperatures."""

from math import sqrt

from ..arrays import FloatArray
from ..doc.temperatures import log_odds, scale_odds
from ..evaluation.scored import Scored

# Fewer predictions say too little.
FEWEST = 30
LOWEST, HIGHEST = 0.1, 10.0
# Each halves the interval of the logarithm, whose width is 4.6 at first.
STEPS = 20


def fit_temperature(scored: Scored) -> float | None:
    """Find the temperature under which it is most likely that the correct predictions are correct
    and the others wrong. The likelihood has a single maximum, where its derivative is 0.

    Source: Guo et al. 2017, arXiv 1706.04599, section 4.2.

    scored (Scored): The scores.
    RETURNS (float | None): The temperature, from 0.1 to 10; None if there are too few predictions,
        or all of them are correct, or none is.
    """
    if len(scored) < FEWEST or scored.correct.all() or not scored.correct.any():
        return None
    odds, low, high = log_odds(scored.scores), LOWEST, HIGHEST
    for _ in range(STEPS):
        middle = sqrt(low * high)
        if _is_too_sure(scored, odds, middle):
            low = middle
        else:
            high = middle
    return round(sqrt(low * high), 4)


def _is_too_sure(scored: Scored, odds: FloatArray, temperature: float) -> bool:
    # The derivative of the negative log likelihood by the inverse of the temperature.
    errors = scale_odds(scored.scores, temperature) - scored.correct
    return bool((errors * odds).sum() > 0)
