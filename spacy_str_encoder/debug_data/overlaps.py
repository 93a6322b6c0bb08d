"""Entities that overlap."""

from collections.abc import Iterator, Sequence
from enum import Enum
from typing import NamedTuple

from spacy.tokens import Span


class Kind(Enum):
    """Position of two overlapping entities."""

    NESTED = "one is inside the other"
    CROSSING = "each has tokens that the other lacks"
    SAME_PLACE = "both have the same tokens"


class Overlap(NamedTuple):
    """Two overlapping entities. They differ in their place or label.

    first (Span): The entity that starts earlier, or is longer.
    second (Span): The other entity.
    """

    first: Span
    second: Span

    @property
    def kind(self) -> Kind:
        """RETURNS (Kind): The position of the entities."""
        if place_in_doc(self.first) == place_in_doc(self.second):
            return Kind.SAME_PLACE
        return Kind.NESTED if self.second.end <= self.first.end else Kind.CROSSING


def place_in_doc(span: Span) -> tuple[int, int]:
    """RETURNS (tuple[int, int]): The first token of an entity, and the one after the last."""
    return span.start, span.end


def find_overlaps(entities: Sequence[Span]) -> Iterator[Overlap]:
    """Find entities that overlap. Duplicates, with the same place and label, count once.

    entities (Sequence[Span]): The entities.
    YIELDS (Overlap): Each two of them.
    """
    distinct = {(span.start, -span.end, span.label_): span for span in entities}
    # Entities that reach beyond the start of the current one.
    reaching: list[Span] = []
    for _, span in sorted(distinct.items()):
        reaching = [other for other in reaching if other.end > span.start]
        yield from (Overlap(other, span) for other in reaching)
        reaching.append(span)
