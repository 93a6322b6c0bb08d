"""The scores of predictions, and which of them are correct."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy

from ..arrays import BoolArray, FloatArray
from .attributes import AttributeOutcome
from .outcomes import EntityOutcome, RelationOutcome


@dataclass(frozen=True)
class Scored:
    """Scores of predictions.

    scores (FloatArray): The scores. *Shape:* (predictions,).
    correct (BoolArray): Whether each prediction is correct. *Shape:* (predictions,).
    """

    scores: FloatArray
    correct: BoolArray

    def __len__(self) -> int:
        """RETURNS (int): The number of predictions."""
        return len(self.scores)

    def take(self, chosen: BoolArray) -> "Scored":
        """RETURNS (Scored): The predictions for which the array is true."""
        return Scored(self.scores[chosen], self.correct[chosen])


def collect(
    outcomes: Iterable[EntityOutcome] | Iterable[RelationOutcome] | Iterable[AttributeOutcome],
) -> Scored:
    """Collect the scores of predictions. Those without a score are left out.

    outcomes (Iterable[EntityOutcome] | Iterable[RelationOutcome] | Iterable[AttributeOutcome]): The
        outcome of each doc.
    RETURNS (Scored): The scores.
    """
    return _scored(
        (score, key in outcome.gold)
        for outcome in outcomes
        for key, score in zip(outcome.predicted, outcome.scores, strict=True)
        if score is not None
    )


def collect_given_entities(outcomes: Iterable[RelationOutcome]) -> Scored:
    """Collect the scores of relations given their entities.

    outcomes (Iterable[RelationOutcome]): The outcome of each doc.
    RETURNS (Scored): The scores.
    """
    return _scored(
        (score, key in outcome.gold)
        for outcome in outcomes
        for key, score in zip(outcome.predicted, outcome.scores_given_entities, strict=True)
    )


def _scored(pairs: Iterable[tuple[float, bool]]) -> Scored:
    scores, correct = numpy.array(list(pairs), dtype="float64").reshape(-1, 2).T
    return Scored(scores, correct == 1)
