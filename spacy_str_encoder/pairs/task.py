"""Task of a relation extractor: its candidate pairs, and their possible relations."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy
from numpy.typing import NDArray
from spacy.tokens import Doc, Span
from thinc.api import Ops
from thinc.types import Floats2d

from ..arrays import IntArray
from ..doc.entities import get_entities
from ..doc.relation import Relation, get_score, make_predicted
from ..doc.temperatures import log_odds, scale_odds
from .candidates import Candidates, DocPairs, all_pairs
from .classes import RelationClass, Triple, index_classes
from .constraints import Constraint
from .decode import choose_relations
from .losses import sigmoid, sigmoid_loss, softmax_loss
from .schema import Schema, allowed_pairs, make_schema, rule_out

# Start and end token; in span groups, where several spans can be at one place, also the type.
EntityKey = tuple[int, int, str]
# Probabilities below this are rounded to 0 by some devices.
SMALLEST = float(numpy.finfo("float32").tiny)


@dataclass(frozen=True)
class RelationTask:
    """Candidate pairs of a relation extractor, and their possible relations.

    classes (Sequence[tuple[str, str]]): Label and direction of each class, without the first class,
        "no relation".
    candidates (Candidates): Function that proposes candidate pairs.
    spans_key (str | None): The span group that holds the entities; `doc.ents` if None.
    symmetric (Collection[str]): Labels without a direction.
    exclusive (bool): Whether a pair has at most one relation.
    threshold (float | None): Minimum score of a relation; None if whatever is most probable is
        chosen.
    temperature (float): The number by which the log odds of scores are divided.
    triples (Sequence[Sequence[str]] | None): Head type, label and tail type of each possible
        relation; None if all relations are possible.
    constraints (Mapping[str, Constraint]): Functions that tell which relations of a doc can't all
        be kept, by name.
    """

    classes: Sequence[RelationClass] = ()
    candidates: Candidates = all_pairs
    spans_key: str | None = None
    symmetric: Collection[str] = ()
    exclusive: bool = True
    threshold: float | None = None
    temperature: float = 1.0
    triples: Sequence[Triple] | None = None
    constraints: Mapping[str, Constraint] = field(default_factory=dict)

    @cached_property
    def schema(self) -> Schema | None:
        """RETURNS (Schema | None): The triples as a table; None if all relations are possible."""
        if self.triples is None:
            return None
        return make_schema(self.triples, self.classes, symmetric=self.symmetric)

    @cached_property
    def class_index(self) -> dict[RelationClass, int]:
        """RETURNS (dict[tuple[str, str], int]): The number of each class."""
        return index_classes(self.classes)

    def locate(self, span: Span) -> EntityKey:
        """Return the key that identifies an entity. In `doc.ents` this is only its place: the spans
        of relations may have another type. In a span group, where several spans can be at one
        place, the type is part of the key.

        span (Span): The entity.
        RETURNS (tuple[int, int, str]): Start and end token; in a span group also the type.
        """
        return span.start, span.end, "" if self.spans_key is None else span.label_

    def get_pairs(self, doc: Doc) -> DocPairs:
        """Propose candidate pairs of the entities of a doc.

        doc (Doc): The doc.
        RETURNS (DocPairs): The pairs.
        """
        return self.propose(doc, get_entities(doc, self.spans_key))

    def propose(self, doc: Doc, entities: Sequence[Span]) -> DocPairs:
        """Propose candidate pairs of given entities, without pairs that have no possible relation.

        doc (Doc): The doc.
        entities (Sequence[Span]): Entities of the doc, in text order.
        RETURNS (DocPairs): The pairs.
        """
        pairs = self.candidates(doc, entities)
        if self.schema is not None:
            pairs = allowed_pairs(self.schema, entities, pairs)
        return DocPairs(doc, entities, pairs)

    def rule_out(self, logits: Floats2d, doc_pairs: Sequence[DocPairs]) -> None:
        """Set the logits of impossible classes to -inf, in place.

        logits (Floats2d): Logits of the pairs of all docs. *Shape:* (pairs, classes).
        doc_pairs (Sequence[DocPairs]): The pairs of each doc.
        """
        if self.schema is not None:
            rule_out(logits, self.schema, doc_pairs)

    def get_loss(self, ops: Ops, logits: Floats2d, gold: IntArray) -> tuple[float, Floats2d]:
        """Compute the negative log likelihood of gold relations, summed over pairs. If a pair can
        have several relations, each class has its own likelihood.

        ops (Ops): Operations for the device of the logits.
        logits (Floats2d): Logits of each pair. *Shape:* (pairs, classes).
        gold (IntArray): Row and class of each gold relation. *Shape:* (relations, 2).
        RETURNS (tuple[float, Floats2d]): The loss, and its gradient.
        """
        return (softmax_loss if self.exclusive else sigmoid_loss)(ops, logits, gold)

    def get_probabilities(self, ops: Ops, logits: Floats2d) -> NDArray[Any]:
        """Compute the probabilities of classes.

        ops (Ops): Operations for the device of the logits.
        logits (Floats2d): Logits of each pair. *Shape:* (pairs, classes).
        RETURNS (NDArray): The probabilities. *Shape:* (pairs, classes).
        """
        return ops.to_numpy(ops.softmax(logits) if self.exclusive else sigmoid(ops, logits))

    def decide(self, doc_pairs: DocPairs, probabilities: NDArray[Any]) -> list[Relation]:
        """Choose the relations of a doc.

        doc_pairs (DocPairs): The pairs of the doc.
        probabilities (NDArray): The probabilities of the classes. *Shape:* (pairs, classes).
        RETURNS (list[Relation]): The relations.
        """
        rows, columns, scores = self._choose(probabilities)
        found = zip(rows.tolist(), columns.tolist(), scores.tolist(), strict=True)
        relations = [self._make_relation(doc_pairs, *each) for each in found]
        if not self.constraints:
            return relations
        weights = self._weigh(probabilities[rows], columns, scores).tolist()
        return choose_relations(relations, weights, self.constraints.values())

    def _make_relation(self, doc_pairs: DocPairs, row: int, column: int, score: float) -> Relation:
        label, direction = self.classes[column - 1]
        pair = doc_pairs.pairs[row]
        head, tail = (doc_pairs.entities[i] for i in (pair if direction == ">" else pair[::-1]))
        return make_predicted(head, tail, label, score)

    def _weigh(
        self, probabilities: NDArray[Any], columns: IntArray, scores: NDArray[Any]
    ) -> NDArray[Any]:
        """Compute the log odds of keeping relations. They are 0 or more: what is found is worth
        keeping if nothing forbids it.

        probabilities (NDArray): The probabilities of all classes. *Shape:* (relations, classes).
        columns (IntArray): Class of each relation.
        scores (NDArray): Score of each relation.
        RETURNS (NDArray): The log odds of the class and "no relation", whatever the other classes,
            since a pair gets none of these instead. Of pairs that are not exclusive, those of the
            score, above those of the threshold.
        """
        if not self.exclusive:
            least = numpy.array(0.5 if self.threshold is None else self.threshold)
            return log_odds(scores) - log_odds(least)
        chosen, none = (
            numpy.log(numpy.maximum(each.astype("float64"), SMALLEST))
            for each in (probabilities[numpy.arange(len(columns)), columns], probabilities[:, 0])
        )
        return chosen - none

    def expect_errors(self, doc_pairs: DocPairs, probabilities: NDArray[Any]) -> float:
        """Compute the expected number of wrong and missed relations of a doc, without any gold
        annotation: a chosen relation is wrong with 1 - its score, and a pair misses as many as its
        other relations have probability, if its entities are correct. The temperature counts: that
        a pair has no other relation is a decision, too. Constraints do not count.

        doc_pairs (DocPairs): The pairs of the doc.
        probabilities (NDArray): The probabilities of the classes. *Shape:* (pairs, classes).
        RETURNS (float): The expected number.
        """
        certain = [get_score(entity) for entity in doc_pairs.entities]
        entities = numpy.array([1.0 if each is None else each for each in certain])
        both = entities[doc_pairs.pairs].prod(axis=1)
        rows, columns, scores = self._choose(probabilities)
        others = probabilities.copy()
        others[rows, columns] = 0
        missed = others[:, 1:].sum(axis=1)
        # What is impossible stays so at any temperature.
        missed = scale_odds(missed, self.temperature) * (missed > 0)
        return float((1 - scores * both[rows]).sum() + (missed * both).sum())

    def _choose(self, probabilities: NDArray[Any]) -> tuple[IntArray, IntArray, NDArray[Any]]:
        """RETURNS (tuple[IntArray, IntArray, NDArray]): Row, class and score of each relation."""
        rows, columns = self._find_probable(probabilities)
        scores = scale_odds(probabilities[rows, columns], self.temperature).astype("float64")
        if self.threshold is None:
            return rows, columns, scores
        is_kept = scores >= self.threshold
        return rows[is_kept], columns[is_kept], scores[is_kept]

    def _find_probable(self, probabilities: NDArray[Any]) -> tuple[IntArray, IntArray]:
        """RETURNS (tuple[IntArray, IntArray]): Row and class of each relation that can be chosen.
        Of pairs that are not exclusive, these are all, if there is a threshold.
        """
        if self.exclusive:
            best = probabilities.argmax(axis=1)
            rows = numpy.flatnonzero(best)
            return rows, best[rows]
        relations = probabilities[:, 1:]
        # Ruled-out classes have a probability of 0, and are never chosen, even at threshold 0.
        least = 0.5 if self.threshold is None else 0.0
        rows, columns = numpy.nonzero((relations >= least) & (relations > 0))
        return rows, columns + 1
