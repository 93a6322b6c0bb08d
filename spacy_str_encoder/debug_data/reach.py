"""Relations that windows and candidate pairs cover, and the number of pairs this takes."""

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
    """Counts of the pairs that a `candidates` function proposes.

    docs (int): Number of docs with annotated relations and at least two entities.
    pairs (int): Number of candidate pairs.
    related (int): Number of candidate pairs with a relation.
    relations (int): Number of relations of the candidate pairs.
    """

    docs: int = 0
    pairs: int = 0
    related: int = 0
    relations: int = 0

    def add(self, pairs: IntArray, aligned: AlignedDoc) -> None:
        """Count the candidate pairs of a doc.

        pairs (IntArray): The candidate pairs. *Shape:* (pairs, 2).
        aligned (AlignedDoc): The doc.
        """
        reached = find_pairs(pairs, aligned.related, count=len(aligned.entities))
        self.docs += 1
        self.pairs += len(pairs)
        self.related += len(reached)
        self.relations += sum(len(aligned.related[pair]) for pair in reached)


def propose(aligned: AlignedDoc) -> Iterator[tuple[str, IntArray]]:
    """Propose candidate pairs of a doc, as configured and with each alternative.

    aligned (AlignedDoc): The doc.
    YIELDS (tuple[str, IntArray]): The name of the `candidates` function, and its pairs.
    """
    if len(aligned.entities) < 2 or not has_relations(aligned.gold):
        return
    yield CONFIGURED, aligned.pairs
    for name, candidates in ALTERNATIVES.items():
        if name != SAME_SENTENCE or aligned.doc.has_annotation("SENT_START"):
            yield name, candidates(aligned.doc, aligned.entities)


@dataclass(frozen=True)
class Balance:
    """Candidate pairs that str_rel learns from, with and without a relation.

    related (int): Number of pairs with a relation.
    unrelated (int): Number of pairs without a relation.
    negative_rate (float): Share of the pairs without a relation to learn from.
    """

    related: int
    unrelated: int
    negative_rate: float

    @property
    def negatives(self) -> float:
        """RETURNS (float): Number of pairs without a relation that are learned from, per pair with
        a relation.
        """
        return self.negative_rate * self.unrelated / self.related if self.related else 0.0

    def rate_for(self, negatives: float) -> float:
        """Compute the negative rate for a number of pairs without a relation.

        negatives (float): Number of pairs without a relation, per pair with a relation.
        RETURNS (float): The negative rate, at most 1.
        """
        return min(1.0, negatives * self.related / self.unrelated) if self.unrelated else 1.0


def find_held(entities: Sequence[Span], windows: IntArray) -> list[bool]:
    """Check for each entity if a window holds it.

    entities (Sequence[Span]): The entities.
    windows (IntArray): Start and end token of each window. *Shape:* (windows, 2).
    RETURNS (list[bool]): Whether a window holds all tokens of each entity.
    """
    return numpy.any(_hold(entities, windows), axis=1).tolist()


def find_held_pairs(
    entities: Sequence[Span], pairs: Sequence[Pair], windows: IntArray
) -> list[bool]:
    """Check for each pair of entities if one window holds both.

    entities (Sequence[Span]): The entities.
    pairs (Sequence[tuple[int, int]]): Indices of the two entities.
    windows (IntArray): Start and end token of each window. *Shape:* (windows, 2).
    RETURNS (list[bool]): Whether a window holds all tokens of each entity.
    """
    first, second = numpy.array(pairs, dtype="int64").reshape(-1, 2).T
    held = _hold(entities, windows)
    return numpy.any(held[first] & held[second], axis=1).tolist()


def _hold(entities: Sequence[Span], windows: IntArray) -> BoolArray:
    # shape: (entities, windows)
    offsets = numpy.array([(span.start, span.end) for span in entities], dtype="int64")
    start, end = offsets.reshape(-1, 2, 1).swapaxes(0, 1)
    return (windows[:, 0] <= start) & (end <= windows[:, 1])
