"""Relations within reach of windows and candidates, and the pairs that this takes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy
from spacy.tokens import Span

from ..arrays import BoolArray, IntArray
from ..doc.relation import has_relations
from ..pairs.candidates import Candidates, all_pairs, find_pairs, make_max_distance, sentence_pairs
from ..pairs.gold import Pair
from .aligned import AlignedDoc

CONFIGURED = "as configured"
ALL_PAIRS = "all pairs"
SAME_SENTENCE = "same sentence"
MAX_DISTANCES = {f"max_distance {tokens}": tokens for tokens in (5, 10, 20, 50)}
ALTERNATIVES: dict[str, Candidates] = {
    ALL_PAIRS: all_pairs,
    **{name: make_max_distance(tokens=tokens) for name, tokens in MAX_DISTANCES.items()},
    SAME_SENTENCE: sentence_pairs,
}


@dataclass
class Reach:
    """Pairs that candidates propose.

    docs (int): The docs with annotated relations, and two entities or more.
    pairs (int): The pairs that they propose.
    related (int): Those of them that have a relation.
    relations (int): The relations that these have.
    """

    docs: int = 0
    pairs: int = 0
    related: int = 0
    relations: int = 0

    def add(self, pairs: IntArray, aligned: AlignedDoc) -> None:
        """Count the pairs that are proposed for a doc.

        pairs (IntArray): The pairs. *Shape:* (pairs, 2).
        aligned (AlignedDoc): The doc.
        """
        reached = find_pairs(pairs, aligned.related, count=len(aligned.entities))
        self.docs += 1
        self.pairs += len(pairs)
        self.related += len(reached)
        self.relations += sum(len(aligned.related[pair]) for pair in reached)


def propose(aligned: AlignedDoc) -> Iterator[tuple[str, IntArray]]:
    """Try candidates on a doc.

    aligned (AlignedDoc): The doc.
    YIELDS (tuple[str, IntArray]): The name of the candidates, and the pairs that they propose.
    """
    if len(aligned.entities) < 2 or not has_relations(aligned.gold):
        return
    yield CONFIGURED, aligned.pairs
    for name, candidates in ALTERNATIVES.items():
        if name != SAME_SENTENCE or aligned.doc.has_annotation("SENT_START"):
            yield name, candidates(aligned.doc, aligned.entities)


@dataclass(frozen=True)
class Balance:
    """Pairs that str_rel learns from, with and without a relation.

    related (int): The pairs that have a relation.
    unrelated (int): The candidate pairs that have none.
    negative_rate (float): The share of these that it learns from.
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


def find_held(entities: Sequence[Span], windows: IntArray) -> list[bool]:
    """Tell which entities are whole in a window.

    entities (Sequence[Span]): The entities.
    windows (IntArray): Start and end token of each window. *Shape:* (windows, 2).
    RETURNS (list[bool]): Whether each is.
    """
    return numpy.any(_hold(entities, windows), axis=1).tolist()


def find_held_pairs(
    entities: Sequence[Span], pairs: Sequence[Pair], windows: IntArray
) -> list[bool]:
    """Tell which pairs of entities are whole in the same window.

    entities (Sequence[Span]): The entities.
    pairs (Sequence[tuple[int, int]]): The indices of the two.
    windows (IntArray): Start and end token of each window. *Shape:* (windows, 2).
    RETURNS (list[bool]): Whether each is.
    """
    first, second = numpy.array(pairs, dtype="int64").reshape(-1, 2).T
    held = _hold(entities, windows)
    return numpy.any(held[first] & held[second], axis=1).tolist()


def _hold(entities: Sequence[Span], windows: IntArray) -> BoolArray:
    # shape: (entities, windows)
    offsets = numpy.array([(span.start, span.end) for span in entities], dtype="int64")
    start, end = offsets.reshape(-1, 2, 1).swapaxes(0, 1)
    return (windows[:, 0] <= start) & (end <= windows[:, 1])
