"""How many relations candidates reach, and how many pairs that takes."""

from collections.abc import Iterator
from dataclasses import dataclass

from ..arrays import IntArray
from ..doc.relation import has_relations
from ..pairs.candidates import Candidates, all_pairs, find_pairs, make_max_distance, sentence_pairs
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
    """What candidates propose.

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
        """Count what is proposed for a doc.

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
