"""Recall of relations by the distance between their entities."""

from collections.abc import Iterable
from typing import TypedDict

import numpy

from ..distances import BINS, find_bin
from .outcomes import RelationOutcome


class DistanceBin(TypedDict):
    """Gold relations with `least` to `most` tokens between their entities.

    most (int | None): None if there is no upper limit.
    recall (float | None): None if there are no such relations.
    """

    least: int
    most: int | None
    gold: int
    correct: int
    recall: float | None


def recall_by_distance(outcomes: Iterable[RelationOutcome]) -> list[DistanceBin]:
    """Count gold relations by the tokens between their entities in the gold doc.

    outcomes (Iterable[RelationOutcome]): The outcome of each doc.
    RETURNS (list[DistanceBin]): The bins, from near to far. A relation is correct as in strict
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
            "correct": correct,
            "recall": correct / gold if gold else None,
        }
        for (least, most), (gold, correct) in zip(BINS, counts.tolist(), strict=True)
    ]
