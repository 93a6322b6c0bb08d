"""How many relations are found, by how far apart their entities are."""

from collections.abc import Iterable
from typing import TypedDict

import numpy

from ..distances import BINS, find_bin
from .outcomes import RelationOutcome


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
    counts = numpy.zeros((len(BINS), 2), dtype="int64")
    for outcome in outcomes:
        predicted = set(outcome.predicted)
        for key, distance in outcome.gold.items():
            counts[find_bin(distance)] += (1, key in predicted)
    return [
        {
            "least": least,
            "most": most,
            "gold": gold,
            "right": right,
            "recall": right / gold if gold else None,
        }
        for (least, most), (gold, right) in zip(BINS, counts.tolist(), strict=True)
    ]
