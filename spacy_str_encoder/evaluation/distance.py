"""How many relations are found, by how far apart their entities are."""

from collections.abc import Iterable
from typing import TypedDict

import numpy

from .outcomes import RelationOutcome

# The greatest distance of each bin but the last, which has no end.
FARTHEST = (0, 2, 5, 10, 20, 50)


class DistanceBin(TypedDict):
    """The relations whose entities have from `least` to `most` tokens between them (None: any
    number); `recall` is None if there are none.
    """

    least: int
    most: int | None
    gold: int
    right: int
    recall: float | None


def recall_by_distance(outcomes: Iterable[RelationOutcome]) -> list[DistanceBin]:
    """Count gold relations by the tokens between their entities in the gold doc.

    outcomes (Iterable[RelationOutcome]): The outcome of each doc.
    RETURNS (list[DistanceBin]): The bins, from near to far. A relation is right as in strict
        scores.
    """
    counts = numpy.zeros((len(FARTHEST) + 1, 2), dtype="int64")
    for outcome in outcomes:
        predicted = set(outcome.predicted)
        for key, distance in outcome.gold.items():
            counts[numpy.searchsorted(FARTHEST, distance)] += (1, key in predicted)
    return [_make_bin(i, gold, right) for i, (gold, right) in enumerate(counts.tolist())]


def _make_bin(i: int, gold: int, right: int) -> DistanceBin:
    return {
        "least": FARTHEST[i - 1] + 1 if i else 0,
        "most": FARTHEST[i] if i < len(FARTHEST) else None,
        "gold": gold,
        "right": right,
        "recall": right / gold if gold else None,
    }
