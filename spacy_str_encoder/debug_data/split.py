"""Statistics of a split, counted doc by doc."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from typing import NamedTuple

import numpy
from spacy.tokens import Span

from ..doc.attributes import get_attributes
from ..doc.token_fit import TokenFit
from ..pairs.candidates import pair_offsets, pair_types
from ..pairs.classes import RelationClass, relation_class
from ..pairs.constraints import LabelConstraint
from .aligned import AlignedDoc
from .evidence import Evidence, add_evidence
from .findings import Finding, add_breaking, add_findings
from .reach import Reach, propose
from .settings import PipelineSettings

# A head type, a relation label and a tail type.
Triple = tuple[str, str, str]
# An entity type, and the name and the value of an attribute.
TypedAttribute = tuple[str, str, str]
LONGEST_DOCS = 3


class LongDoc(NamedTuple):
    """Number of a doc in its file, and its number of tokens."""

    number: int
    tokens: int


@dataclass
class SplitStatistics:
    """Statistics of a split.

    docs (int): Number of docs.
    tokens (int): Number of tokens, as the pipeline tokenizes the texts.
    pieces (int): Number of pieces that the encoder reads; 0 if its tokenizer is unknown.
    unknown_pieces (int): Number of pieces that are not in the encoder's vocabulary.
    annotated (int): Number of annotated entities, also of those that the pipeline can't learn.
    entity_labels (Counter[str]): Entities by label.
    attributes (Counter[tuple[str, str, str]]): Annotated entities by type, and by name and value of
        an attribute.
    without_attributes (Counter[str]): Entities that are annotated to have no attributes, by type.
    unannotated_attributes (Counter[str]): Entities whose attributes are unannotated, by type.
    relation_labels (Counter[str]): Relations by label.
    relation_classes (Counter[tuple[str, str]]): Relations by label and direction: `>` if the head
        comes first in the text, `<` if the tail comes first.
    triples (Counter[tuple[str, str, str]]): Relations by head type, label and tail type.
    shared_pairs (Counter[tuple[str, ...]]): Pairs with several relations, by all their labels.
    distances (Counter[int]): Relations by the number of tokens between their entities.
    pair_types (Counter[tuple[str, str]]): Candidate pairs by their two types, in text order.
    reach (dict[str, Reach]): Coverage of the configured candidate pairs and of alternatives.
    findings (dict[str, Finding]): Annotation to check, by name of the finding.
    lost (dict[str, Finding]): Annotation that docs can't hold, by reason.
    chosen (dict[str, Finding]): Annotation that could be read in several ways, by reason.
    evidence (dict[LabelConstraint, Evidence]): How often relations could break each constraint, and
        how often they do.
    breaking (dict[str, Finding]): Relations that break a constraint of the pipeline, by its name.
    longest (list[LongDoc]): The longest docs, the longest first.
    fit (TokenFit): Counts to tell whether the tokens suit the texts and entities.
    span_groups (set[str]): The names of the span groups that any doc has.
    """

    docs: int = 0
    tokens: int = 0
    pieces: int = 0
    unknown_pieces: int = 0
    annotated: int = 0
    entity_labels: Counter[str] = field(default_factory=Counter)
    attributes: Counter[TypedAttribute] = field(default_factory=Counter)
    without_attributes: Counter[str] = field(default_factory=Counter)
    unannotated_attributes: Counter[str] = field(default_factory=Counter)
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
    evidence: dict[LabelConstraint, Evidence] = field(default_factory=dict)
    breaking: dict[str, Finding] = field(default_factory=partial(defaultdict, Finding))
    longest: list[LongDoc] = field(default_factory=list)
    fit: TokenFit = field(default_factory=TokenFit)
    span_groups: set[str] = field(default_factory=set)

    @property
    def entities(self) -> int:
        """RETURNS (int): Number of entities."""
        return self.entity_labels.total()

    @property
    def relations(self) -> int:
        """RETURNS (int): Number of relations."""
        return self.relation_labels.total()

    @property
    def attribute_labels(self) -> Counter[str]:
        """RETURNS (Counter[str]): Entities by attribute, such as `Assertion=negated`."""
        counts: Counter[str] = Counter()
        for (_, name, value), count in self.attributes.items():
            counts[f"{name}={value}"] += count
        return counts

    def count_mutual(self, label: str) -> int:
        """Count the pairs that have a relation in both directions.

        label (str): Label of the relation.
        RETURNS (int): The number of pairs.
        """
        return sum(n for labels, n in self.shared_pairs.items() if labels.count(label) > 1)


def count_doc(split: SplitStatistics, aligned: AlignedDoc, settings: PipelineSettings) -> None:
    """Add the counts of a doc.

    split (SplitStatistics): Counts so far, updated in place.
    aligned (AlignedDoc): The doc.
    settings (PipelineSettings): Settings of the pipeline.
    """
    split.docs += 1
    split.tokens += len(aligned.doc)
    split.annotated += len(aligned.annotated)
    longest = [*split.longest, LongDoc(aligned.number, len(aligned.doc))]
    split.longest = sorted(longest, key=lambda doc: -doc.tokens)[:LONGEST_DOCS]
    _count_fit(split, aligned)
    _count_pieces(split, aligned, settings)
    _count_labels(split, aligned)
    _count_pairs(split, aligned)
    add_findings(split.findings, aligned, settings)
    add_evidence(split.evidence, aligned, settings.task.symmetric)
    add_breaking(split.breaking, aligned, settings)


def _count_fit(split: SplitStatistics, aligned: AlignedDoc) -> None:
    entities, misaligned = len(aligned.annotated), len(aligned.misaligned)
    split.fit.add(aligned.gold, aligned.doc, entities=entities, misaligned=misaligned)


def _count_pieces(split: SplitStatistics, aligned: AlignedDoc, settings: PipelineSettings) -> None:
    tokenizer = settings.tokenizer
    if tokenizer is not None:
        ids = tokenizer(aligned.doc.text, add_special_tokens=False, verbose=False)["input_ids"]
        split.pieces += len(ids)
        split.unknown_pieces += ids.count(tokenizer.unk_token_id)


def _count_labels(split: SplitStatistics, aligned: AlignedDoc) -> None:
    split.entity_labels.update(span.label_ for span in aligned.gold_entities)
    for entity in aligned.annotated:
        _count_attributes(split, entity)
    for relation in aligned.gold_relations:
        split.relation_labels[relation.label] += 1
        split.relation_classes[relation_class(relation)] += 1
        split.triples[relation.head.label_, relation.label, relation.tail.label_] += 1


def _count_attributes(split: SplitStatistics, entity: Span) -> None:
    attributes = get_attributes(entity)
    if attributes is None:
        split.unannotated_attributes[entity.label_] += 1
    elif not attributes:
        split.without_attributes[entity.label_] += 1
    else:
        split.attributes.update((entity.label_, *item) for item in attributes.items())


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
    """Count the tokens between the entities of each pair with a relation."""
    pairs = numpy.array(list(aligned.related), dtype="int64").reshape(-1, 2)
    _, end, start, _ = pair_offsets(aligned.entities, pairs).T
    return numpy.maximum(start - end, 0).tolist()


def _count_types(aligned: AlignedDoc) -> Counter[tuple[str, str]]:
    """Count the candidate pairs by their two types, in text order."""
    types = sorted({span.label_ for span in aligned.entities})
    first, second = pair_types(aligned.entities, aligned.pairs, types).T
    counts = numpy.bincount(first * len(types) + second, minlength=len(types) ** 2).tolist()
    return +Counter(dict(zip(product(types, types), counts, strict=True)))
