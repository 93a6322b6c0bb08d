"""The scores of predictions, and which of them are correct."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

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
    found = [
        (score, key in outcome.gold)
        for outcome in outcomes
        for key, score in zip(outcome.predicted, outcome.scores, strict=True)
        if score is not None
    ]
    scores, correct = numpy.array(found, dtype="float64").reshape(-1, 2).T
    return Scored(scores, correct == 1)


def collect_given_entities(outcomes: Iterable[RelationOutcome]) -> Scored:
    """Collect the scores of relations given their entities.

    outcomes (Iterable[RelationOutcome]): The outcome of each doc.
    RETURNS (Scored): The scores.
    """
    return collect(replace(each, scores=each.scores_given_entities) for each in outcomes)
