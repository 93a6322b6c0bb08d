"""What a part of the data has, counted doc by doc."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from typing import NamedTuple

import numpy

from ..pairs.candidates import pair_offsets, pair_types
from ..pairs.classes import RelationClass, relation_class
from .aligned import AlignedDoc
from .findings import Finding, add_findings
from .reach import Reach, propose
from .settings import PipelineSettings

# A head type, a relation label and a tail type.
Triple = tuple[str, str, str]
LONGEST_DOCS = 3


class LongDoc(NamedTuple):
    """A doc by its place in its file, and how many tokens it has."""

    number: int
    tokens: int


@dataclass
class SplitStatistics:
    """What a part of the data has.

    docs (int): Its docs.
    tokens (int): Their tokens, as the pipeline finds them.
    entity_labels (Counter[str]): Entities by label.
    relation_labels (Counter[str]): Relations by label.
    relation_classes (Counter[tuple[str, str]]): Relations by label and direction: `>` if the head
        comes first in the text, `<` if the tail does.
    triples (Counter[tuple[str, str, str]]): Relations by head type, label and tail type.
    shared_pairs (Counter[tuple[str, ...]]): Pairs with several relations, by all their labels.
    distances (Counter[int]): Relations by the number of tokens between their entities.
    pair_types (Counter[tuple[str, str]]): Candidate pairs by the types of the two, in text order.
    reach (dict[str, Reach]): What candidates reach: those of the pipeline, and others.
    findings (dict[str, Finding]): What should be looked at.
    lost (dict[str, Finding]): What docs could not hold, by the reason.
    chosen (dict[str, Finding]): What was one of several possibilities when it was read, likewise.
    longest (list[LongDoc]): The longest docs, the longest one first.
    """

    docs: int = 0
    tokens: int = 0
    entity_labels: Counter[str] = field(default_factory=Counter)
    relation_labels: Counter[str] = field(default_factory=Counter)
    relation_classes: Counter[RelationClass] = field(default_factory=Counter)
    triples: Counter[Triple] = field(default_factory=Counter)
    shared_pairs: Counter[tuple[str, ...]] = field(default_factory=Counter)
    distances: Counter[int] = field(default_factory=Counter)
    pair_types: Counter[tuple[str, str]] = field(default_factory=Counter)
    reach: dict[str, Reach] = field(default_factory=partial(defaultdict, Reach))
    findings: dict[str, Finding] = field(default_factory=partial(defaultdict, Finding))
    lost: dict[str, Finding] = field(default_factory=dict)
    chosen: dict[str, Finding] = field(default_factory=dict)
    longest: list[LongDoc] = field(default_factory=list)

    @property
    def entities(self) -> int:
        """RETURNS (int): Its entities."""
        return self.entity_labels.total()

    @property
    def relations(self) -> int:
        """RETURNS (int): Its relations."""
        return self.relation_labels.total()

    def count_mutual(self, label: str) -> int:
        """Count pairs that have a relation in both directions.

        label (str): The label of the relation.
        RETURNS (int): How many there are.
        """
        return sum(n for labels, n in self.shared_pairs.items() if labels.count(label) > 1)


def count_doc(split: SplitStatistics, aligned: AlignedDoc, settings: PipelineSettings) -> None:
    """Count what a doc has.

    split (SplitStatistics): The counts so far; added to.
    aligned (AlignedDoc): The doc.
    settings (PipelineSettings): The settings of the pipeline.
    """
    split.docs += 1
    split.tokens += len(aligned.doc)
    longest = [*split.longest, LongDoc(aligned.number, len(aligned.doc))]
    split.longest = sorted(longest, key=lambda doc: -doc.tokens)[:LONGEST_DOCS]
    _count_labels(split, aligned)
    _count_pairs(split, aligned)
    add_findings(split.findings, aligned, settings)


def _count_labels(split: SplitStatistics, aligned: AlignedDoc) -> None:
    split.entity_labels.update(span.label_ for span in aligned.gold_entities)
    for relation in aligned.gold_relations:
        split.relation_labels[relation.label] += 1
        split.relation_classes[relation_class(relation)] += 1
        split.triples[relation.head.label_, relation.label, relation.tail.label_] += 1


def _count_pairs(split: SplitStatistics, aligned: AlignedDoc) -> None:
    for pair, distance in zip(aligned.related, _distances(aligned), strict=True):
        labels = sorted(relation.label for relation in aligned.related[pair])
        split.distances[distance] += len(labels)
        if len(labels) > 1:
            split.shared_pairs[tuple(labels)] += 1
    split.pair_types.update(_count_types(aligned))
    for name, pairs in propose(aligned):
        split.reach[name].add(pairs, aligned)


def _distances(aligned: AlignedDoc) -> list[int]:
    """The tokens between the two of each related pair."""
    pairs = numpy.array(list(aligned.related), dtype="int64").reshape(-1, 2)
    _, end, start, _ = pair_offsets(aligned.entities, pairs).T
    return numpy.maximum(start - end, 0).tolist()


def _count_types(aligned: AlignedDoc) -> Counter[tuple[str, str]]:
    """The candidate pairs by the types of the two, in text order."""
    types = sorted({span.label_ for span in aligned.entities})
    first, second = pair_types(aligned.entities, aligned.pairs, types).T
    counts = numpy.bincount(first * len(types) + second, minlength=len(types) ** 2).tolist()
    return +Counter(dict(zip(product(types, types), counts, strict=True)))
