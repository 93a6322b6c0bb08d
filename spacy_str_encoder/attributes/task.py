"""Task of an attribute classifier: the attributes of each entity type, and their values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypedDict

import numpy
from spacy.tokens import Span
from thinc.api import Ops
from thinc.types import Floats2d

from ..arrays import IntArray
from ..doc.attributes import get_attributes
from ..doc.temperatures import scale_odds
from .entities import DocEntities

# Name and value.
AttributeLabel = tuple[str, str]


class AttributeData(TypedDict):
    """An attribute, as `spacy init labels` saves it.

    values (list[str]): Its values.
    default (str | None): The value of annotated entities without this attribute, if any.
    types (list[str]): The entity types that have it.
    """

    values: list[str]
    default: str | None
    types: list[str]


@dataclass(frozen=True)
class AttributeTask:
    """Attributes of each entity type, and their values.

    labels (Sequence[tuple[str, str]]): Name and value of each column of the model.
    types (Mapping[str, Sequence[str]]): The entity types that have each attribute.
    defaults (Mapping[str, str]): Values of annotated entities without the attribute, by name.
    temperature (float): The number by which the log odds of scores are divided.
    """

    labels: Sequence[AttributeLabel]
    types: Mapping[str, Sequence[str]]
    defaults: Mapping[str, str]
    temperature: float = 1.0

    @cached_property
    def columns(self) -> dict[str, dict[str, int]]:
        """RETURNS (dict[str, dict[str, int]]): The column of each value, by name and value."""
        columns: dict[str, dict[str, int]] = {}
        for i, (name, value) in enumerate(self.labels):
            columns.setdefault(name, {})[value] = i
        return columns

    @property
    def label_data(self) -> dict[str, AttributeData]:
        """RETURNS (dict[str, AttributeData]): The attributes by name."""
        return {
            name: {
                "values": list(values),
                "default": self.defaults.get(name),
                "types": list(self.types[name]),
            }
            for name, values in self.columns.items()
        }

    def names_of(self, entity: Span) -> list[str]:
        """Return the attributes that an entity can have.

        entity (Span): The entity.
        RETURNS (list[str]): The names.
        """
        return [name for name in self.columns if entity.label_ in self.types[name]]

    def with_attributes(self, doc_entities: DocEntities) -> DocEntities:
        """Keep the entities that can have attributes.

        doc_entities (DocEntities): The entities of a doc.
        RETURNS (DocEntities): Those of them with an attribute.
        """
        entities = [entity for entity in doc_entities.entities if self.names_of(entity)]
        return DocEntities(doc_entities.doc, entities)

    def gold_values(self, entity: Span) -> dict[str, str]:
        """Return the gold attributes of an entity: the annotated ones, and the default values.

        entity (Span): The entity.
        RETURNS (dict[str, str]): The values by name; empty if the attributes are unannotated.
        """
        annotated = get_attributes(entity)
        if annotated is None:
            return {}
        names = [name for name in self.names_of(entity) if name in self.defaults]
        return {**{name: self.defaults[name] for name in names}, **annotated}

    def get_loss(self, ops: Ops, logits: Floats2d, targets: IntArray) -> tuple[float, Floats2d]:
        """Compute the negative log likelihood of the gold values, summed over entities.

        ops (Ops): Operations for the device of the logits.
        logits (Floats2d): The logits. *Shape:* (entities, columns).
        targets (IntArray): Column of each gold value, by entity and name; -1 for none. *Shape:*
            (entities, names).
        RETURNS (tuple[float, Floats2d]): The loss, and its gradient.
        """
        loss, d_logits = 0.0, ops.alloc2f(*logits.shape)
        for gold, values in zip(ops.xp.asarray(targets).T, self.columns.values(), strict=True):
            columns = ops.xp.asarray([*values.values()])
            rows = ops.xp.flatnonzero((gold >= 0) & is_reachable(logits))
            d_values = ops.softmax(logits[rows[:, None], columns])
            is_gold = columns == gold[rows, None]
            loss -= float(ops.xp.log(d_values[is_gold] + 1e-30).sum())
            d_logits[rows[:, None], columns] = d_values - is_gold
        return loss, d_logits

    def decide(
        self, ops: Ops, entities: Sequence[Span], logits: Floats2d
    ) -> list[dict[str, tuple[str, float]]]:
        """Choose the most likely value of each attribute.

        ops (Ops): Operations for the device of the logits.
        entities (Sequence[Span]): The entities.
        logits (Floats2d): Their logits. *Shape:* (entities, columns).
        RETURNS (list[dict[str, tuple[str, float]]]): Value and probability by name, for each
            entity. Empty for entities out of reach.
        """
        rows: list[int] = numpy.flatnonzero(ops.to_numpy(is_reachable(logits))).tolist()
        chosen = {name: self._choose(ops, logits[rows], name) for name in self.columns}
        found: list[dict[str, tuple[str, float]]] = [{} for _ in entities]
        for i, row in enumerate(rows):
            found[row] = {name: chosen[name][i] for name in self.names_of(entities[row])}
        return found

    def _choose(self, ops: Ops, logits: Floats2d, name: str) -> list[tuple[str, float]]:
        values = list(self.columns[name])
        columns = ops.xp.asarray([*self.columns[name].values()])
        probabilities = ops.to_numpy(ops.softmax(logits[:, columns]))
        best = probabilities.argmax(axis=1)
        chosen = numpy.take_along_axis(probabilities, best[:, None], axis=1)[:, 0]
        scores = scale_odds(chosen, self.temperature)
        return [(values[i], score) for i, score in zip(best, scores.tolist(), strict=True)]


def is_reachable(logits: Any) -> Any:
    """Check whether the model could look at each entity: one window holds it.

    logits (Floats2d): The logits. *Shape:* (entities, columns).
    RETURNS (Array): The booleans. *Shape:* (entities,).
    """
    return logits[:, -1] != -numpy.inf
