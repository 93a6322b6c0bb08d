"""Temperatures: how sure a pipeline says it is, without any change to what is most probable."""

from typing import Any

import numpy
from numpy.typing import NDArray

# Probabilities closer to 0 or 1 are rounded to them by float32.
SMALLEST = 2.0**-24


def scale_odds(probabilities: NDArray[Any], temperature: float) -> NDArray[Any]:
    """Divide the log odds of probabilities by a temperature: above 1, they move towards one half.

    Source: Guo et al. 2017, On Calibration of Modern Neural Networks, arXiv 1706.04599, section
    4.2. There the temperature divides the logits of all classes. Here it divides the log odds of
    the class that was chosen, so that the marginals of a CRF can be treated alike.

    probabilities (NDArray): The probabilities, from 0 to 1.
    temperature (float): The temperature, above 0; 1 changes nothing.
    RETURNS (NDArray): The scaled probabilities, of the same shape.
    """
    if temperature == 1:
        return probabilities
    return 1 / (1 + numpy.exp(-log_odds(probabilities) / temperature))


def log_odds(probabilities: NDArray[Any]) -> NDArray[Any]:
    """Compute the logarithms of the odds of probabilities.

    probabilities (NDArray): The probabilities. Those of 0 and 1 count as the numbers next to them.
    RETURNS (NDArray): The log odds, which are finite, of the same shape.
    """
    clipped = numpy.clip(probabilities.astype("float64"), SMALLEST, 1 - SMALLEST)
    odds: NDArray[Any] = numpy.log(clipped) - numpy.log1p(-clipped)
    return odds
