"""A batch of texts that differ from each other."""

from collections.abc import Sequence
from typing import Any

import numpy
from numpy.typing import NDArray


def choose_diverse(
    scores: Sequence[float], vectors: Sequence[NDArray[Any]], count: int
) -> list[int]:
    """Choose texts with high scores that are not alike. The first has the highest score. Each
    further one has the highest product of its score and its distance to the nearest text that is
    chosen already (greedy farthest-first traversal: Gonzalez 1985, weighted by the scores).

    scores (Sequence[float]): The scores.
    vectors (Sequence[NDArray]): The vectors, *shape:* (width,) each.
    count (int): The number of texts; all, if there are no more.
    RETURNS (list[int]): The indices of the chosen texts, in the order of their choice.
    """
    weights, places = numpy.array(scores), numpy.array(vectors)
    chosen: list[int] = []
    distances = numpy.ones(len(weights))
    while len(chosen) < min(count, len(weights)):
        gains = weights * distances
        gains[chosen] = -1
        chosen.append(int(gains.argmax()))
        to_chosen = numpy.linalg.norm(places - places[chosen[-1]], axis=1)
        distances = to_chosen if len(chosen) == 1 else numpy.minimum(distances, to_chosen)
    return chosen
