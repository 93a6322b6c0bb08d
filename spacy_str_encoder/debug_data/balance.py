"""How many pairs of entities have a relation, and how many have none."""

from dataclasses import dataclass

from ..pairs.candidates import type_codes
from ..pairs.schema import make_schema, related_types
from .collect import Statistics
from .reach import CONFIGURED
from .split import SplitStatistics


@dataclass(frozen=True)
class Balance:
    """What str_rel learns from.

    related (int): The pairs that have a relation.
    unrelated (int): The others that are asked about.
    negative_rate (float): The share of the others that it learns from.
    """

    related: int
    unrelated: int
    negative_rate: float

    @property
    def negatives(self) -> float:
        """RETURNS (float): The pairs without a relation that are learned from, for each that has
        one.
        """
        return self.negative_rate * self.unrelated / self.related if self.related else 0.0

    def rate_for(self, negatives: float) -> float:
        """Choose a share.

        negatives (float): How many pairs without a relation to learn from for each that has one.
        RETURNS (float): The share of them that is so many, or all.
        """
        return min(1.0, negatives * self.related / self.unrelated) if self.unrelated else 1.0


def find_balance(statistics: Statistics) -> Balance:
    """Count the pairs of the training data.

    statistics (Statistics): The statistics.
    RETURNS (Balance): The pairs.
    """
    settings, train = statistics.settings, statistics.train
    reach = train.reach[CONFIGURED]
    pairs = observed_pairs(statistics, train) if settings.observes_schema else reach.pairs
    return Balance(reach.related, pairs - reach.related, settings.negative_rate)


def observed_pairs(statistics: Statistics, split: SplitStatistics) -> int:
    """Count the candidate pairs that are asked about with a schema observed in the training data.

    statistics (Statistics): The statistics.
    split (SplitStatistics): A part of the data.
    RETURNS (int): How many there are.
    """
    train, symmetric = statistics.train, statistics.settings.symmetric
    schema = make_schema(list(train.triples), list(train.relation_classes), symmetric=symmetric)
    is_related = related_types(schema)
    return sum(
        count
        for types, count in split.pair_types.items()
        if is_related[tuple(type_codes(types, schema.types))]
    )
