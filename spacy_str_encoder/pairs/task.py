"""The task of a relation extractor: the pairs it is shown, and the answers it may give."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy
from numpy.typing import NDArray
from spacy.tokens import Doc, Span
from thinc.api import Ops
from thinc.types import Floats2d

from ..arrays import IntArray
from ..doc.entities import get_entities
from ..doc.relation import Relation
from .candidates import Candidates, DocPairs, all_pairs
from .classes import RelationClass, Triple
from .losses import sigmoid, sigmoid_loss, softmax_loss
from .schema import Schema, allowed_pairs, make_schema, rule_out

# Start and end token; in span groups, where several spans can be in one place, the type too.
EntityKey = tuple[int, int, str]


@dataclass(frozen=True)
class RelationTask:
    """The pairs a relation extractor is shown, and the answers it may give.

    classes (Sequence[tuple[str, str]]): Label and direction of each class but the first, which is
        "no relation".
    candidates (Candidates): Proposes pairs of entities.
    spans_key (str | None): The span group that holds the entities; `doc.ents` if None.
    symmetric (Collection[str]): The labels whose relations have no direction.
    exclusive (bool): Whether a pair has one relation at most.
    threshold (float): The least probability of a relation, if not exclusive.
    triples (Sequence[Sequence[str]] | None): Head type, label and tail type of every relation that
        is possible; None if all are.
    """

    classes: Sequence[RelationClass] = ()
    candidates: Candidates = all_pairs
    spans_key: str | None = None
    symmetric: Collection[str] = ()
    exclusive: bool = True
    threshold: float = 0.5
    triples: Sequence[Triple] | None = None

    @cached_property
    def schema(self) -> Schema | None:
        """RETURNS (Schema | None): The triples as a table; None if every relation is possible."""
        if self.triples is None:
            return None
        return make_schema(self.triples, self.classes, symmetric=self.symmetric)

    def locate(self, span: Span) -> EntityKey:
        """Give the key by which an entity is recognized. In `doc.ents` that is its place alone: the
        spans of relations need not have its type. In a span group, where several spans can be in
        one place, it is the type too.

        span (Span): The entity.
        RETURNS (tuple[int, int, str]): Start and end token; in a span group the type too.
        """
        return span.start, span.end, "" if self.spans_key is None else span.label_

    def get_pairs(self, doc: Doc) -> DocPairs:
        """Propose candidate pairs of the entities that a doc has.

        doc (Doc): The doc.
        RETURNS (DocPairs): The pairs.
        """
        return self.propose(doc, get_entities(doc, self.spans_key))

    def propose(self, doc: Doc, entities: Sequence[Span]) -> DocPairs:
        """Propose candidate pairs, without those for which no relation is possible.

        doc (Doc): The doc.
        entities (Sequence[Span]): Entities of the doc in text order.
        RETURNS (DocPairs): The pairs.
        """
        pairs = self.candidates(doc, entities)
        if self.schema is not None:
            pairs = allowed_pairs(self.schema, entities, pairs)
        return DocPairs(doc, entities, pairs)

    def rule_out(self, logits: Floats2d, doc_pairs: Sequence[DocPairs]) -> None:
        """Set the logits of the classes that are not possible to -inf, in place.

        logits (Floats2d): The logits of the pairs of all docs. *Shape:* (pairs, classes).
        doc_pairs (Sequence[DocPairs]): The pairs of each doc.
        """
        if self.schema is not None:
            rule_out(logits, self.schema, doc_pairs)

    def get_loss(self, ops: Ops, logits: Floats2d, gold: IntArray) -> tuple[float, Floats2d]:
        """Compute the negative log likelihood of gold relations, summed over pairs. If a pair can
        have several relations, each class has a likelihood of its own.

        ops (Ops): Where the logits are.
        logits (Floats2d): The logits of each pair. *Shape:* (pairs, classes).
        gold (IntArray): Row and class of each gold relation. *Shape:* (relations, 2).
        RETURNS (tuple[float, Floats2d]): The loss, and its gradient.
        """
        return (softmax_loss if self.exclusive else sigmoid_loss)(ops, logits, gold)

    def get_probabilities(self, ops: Ops, logits: Floats2d) -> NDArray[Any]:
        """Compute the probabilities of classes.

        ops (Ops): Where the logits are.
        logits (Floats2d): The logits of each pair. *Shape:* (pairs, classes).
        RETURNS (NDArray): The probabilities. *Shape:* (pairs, classes).
        """
        return ops.to_numpy(ops.softmax(logits) if self.exclusive else sigmoid(ops, logits))

    def decide(self, doc_pairs: DocPairs, probabilities: NDArray[Any]) -> list[Relation]:
        """Choose the relations of a doc.

        doc_pairs (DocPairs): The pairs of the doc.
        probabilities (NDArray): The probabilities of the classes. *Shape:* (pairs, classes).
        RETURNS (list[Relation]): The relations.
        """
        entities, relations = doc_pairs.entities, []
        for row, column in zip(*self._choose(probabilities), strict=True):
            label, direction = self.classes[column - 1]
            pair = doc_pairs.pairs[row]
            head, tail = pair if direction == ">" else pair[::-1]
            score = float(probabilities[row, column])
            relations.append(Relation(entities[head], entities[tail], label, score))
        return relations

    def _choose(self, probabilities: NDArray[Any]) -> tuple[IntArray, IntArray]:
        """RETURNS (tuple[IntArray, IntArray]): Row and class of each relation."""
        if self.exclusive:
            best = probabilities.argmax(axis=1)
            rows = numpy.flatnonzero(best)
            return rows, best[rows]
        relations = probabilities[:, 1:]
        # What is ruled out has a probability of 0, and is not chosen whatever the threshold is.
        rows, columns = numpy.nonzero((relations >= self.threshold) & (relations > 0))
        return rows, columns + 1
