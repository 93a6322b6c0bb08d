"""Relations that are possible between two entity types."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy
from spacy.tokens import Span
from thinc.api import get_array_module
from thinc.types import Floats2d

from ..arrays import BoolArray, IntArray
from ..doc.relation import Relation
from .candidates import DocPairs, pair_types
from .classes import RelationClass, Triple, index_classes, relation_class


class Schema(NamedTuple):
    """Table of the relation classes that are possible between entity types.

    types (list[str]): The known entity types.
    allowed (BoolArray): Whether each class is possible between the types of the first and the
        second entity, by their codes; the last code stands for all unknown types. The first class,
        "no relation", is always possible. *Shape:* (types + 1, types + 1, classes).
    """

    types: list[str]
    allowed: BoolArray


def make_schema(
    triples: Sequence[Triple],
    classes: Sequence[RelationClass],
    *,
    symmetric: Collection[str] = (),
) -> Schema:
    """Turn triples into a table. A label that is in no triple is possible between any types.

    triples (Sequence[Sequence[str]]): Head type, label and tail type of each possible relation.
    classes (Sequence[tuple[str, str]]): Label and direction of each class, without the first class,
        "no relation".
    symmetric (Collection[str]): Labels without a direction: the order of the types does not matter.
    RETURNS (Schema): The table.
    """
    types = sorted({name for head, _, tail in triples for name in (head, tail)})
    codes = {name: i for i, name in enumerate(types)}
    index = index_classes(classes)
    known = {label for _, label, _ in triples}
    is_free = [True, *(label not in known for label, _ in classes)]
    allowed = numpy.tile(is_free, (len(types) + 1, len(types) + 1, 1))
    for head, label, tail in triples:
        for first, second, direction in ((head, tail, ">"), (tail, head, "<")):
            name = (label, ">" if label in symmetric else direction)
            if name in index:
                allowed[codes[first], codes[second], index[name]] = True
    return Schema(types, allowed)


def allowed_pairs(schema: Schema, entities: Sequence[Span], pairs: IntArray) -> IntArray:
    """Return the pairs for which at least one relation is possible.

    schema (Schema): The schema.
    entities (Sequence[Span]): The entities.
    pairs (IntArray): Indices of the two entities. *Shape:* (pairs, 2).
    RETURNS (IntArray): The remaining pairs. *Shape:* (pairs, 2).
    """
    first, second = pair_types(entities, pairs, schema.types).T
    return pairs[related_types(schema)[first, second]]


def related_types(schema: Schema) -> BoolArray:
    """Return the types of two entities between which at least one relation is possible.

    schema (Schema): The schema.
    RETURNS (BoolArray): Whether a relation is possible, by the codes of the types of the first and
        the second entity. *Shape:* (types + 1, types + 1).
    """
    is_possible: BoolArray = numpy.any(schema.allowed[:, :, 1:], axis=2)
    return is_possible


def allowed_classes(schema: Schema, entities: Sequence[Span], pairs: IntArray) -> BoolArray:
    """Return the classes that are possible for pairs of entities.

    schema (Schema): The schema.
    entities (Sequence[Span]): The entities.
    pairs (IntArray): Indices of the two entities. *Shape:* (pairs, 2).
    RETURNS (BoolArray): Whether each class is possible. *Shape:* (pairs, classes).
    """
    first, second = pair_types(entities, pairs, schema.types).T
    return schema.allowed[first, second]


def rule_out(logits: Floats2d, schema: Schema, doc_pairs: Sequence[DocPairs]) -> None:
    """Set the logits of impossible classes to -inf, in place.

    logits (Floats2d): Logits of the pairs of all docs. *Shape:* (pairs, classes).
    schema (Schema): The schema.
    doc_pairs (Sequence[DocPairs]): The pairs of each doc.
    """
    allowed = [allowed_classes(schema, each.entities, each.pairs) for each in doc_pairs]
    xp = get_array_module(logits)
    logits[~xp.asarray(numpy.concatenate(allowed))] = -numpy.inf


def allows_relation(schema: Schema, relation: Relation, index: int) -> bool:
    """Check whether the schema allows a relation.

    schema (Schema): The schema.
    relation (Relation): The relation.
    index (int): Class of the relation.
    RETURNS (bool): Whether the class is possible between the types of its entities.
    """
    ends = [relation.head, relation.tail]
    pair = [0, 1] if relation_class(relation)[1] == ">" else [1, 0]
    return bool(allowed_classes(schema, ends, numpy.array([pair]))[0, index])
