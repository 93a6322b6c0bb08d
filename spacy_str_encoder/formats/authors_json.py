"""JSON of the paper's published code.

A list of `{"text", "entities": [[start, end, text, type]], "relations": [[i, j, "label_1_2"]]}`.
Entities are in text order, so i < j. The direction is part of the label: `_1_2` points from the
first entity to the second, `_2_1` from the second to the first. Other fields become metadata.
"""

from typing import Any

from .annotated_text import (
    AnnotatedEntity,
    AnnotatedRelation,
    AnnotatedText,
    AnnotationError,
    check_surface,
    in_text_order,
)
from .fields import are_lists, other_fields, with_meta
from .json_format import json_format
from .report import ConversionReport
from .shapes import Shape

FORWARD, BACKWARD = "_1_2", "_2_1"

SHAPE: Shape = {"text": str, "entities": [(int, int, str, str)], "relations": [(int, int, str)]}


def matches(item: Any) -> bool:
    """Recognize a text by entities that are lists of four."""
    return are_lists(item.get("entities"), 4) and {"text", "relations"} <= item.keys()


def parse(item: Any, place: str, report: ConversionReport) -> AnnotatedText:
    """Read a text; a label says which of its two entities is the head."""
    entities = [
        _parse_entity(item["text"], start, end, surface, label)
        for start, end, surface, label in item["entities"]
    ]
    relations = [_parse_relation(i, j, label) for i, j, label in item["relations"]]
    meta = other_fields(item, ("text", "entities", "relations"))
    return AnnotatedText(item["text"], entities, relations, meta=meta)


def _parse_entity(text: str, start: int, end: int, surface: str, label: str) -> AnnotatedEntity:
    check_surface(text, start, end, surface)
    return AnnotatedEntity(start, end, label)


def _parse_relation(first: int, second: int, label: str) -> AnnotatedRelation:
    if label.endswith(FORWARD):
        return AnnotatedRelation(first, second, label.removesuffix(FORWARD))
    if label.endswith(BACKWARD):
        return AnnotatedRelation(second, first, label.removesuffix(BACKWARD))
    raise AnnotationError(
        f"the label of a relation must end in {FORWARD} or {BACKWARD}, got {label!r}"
    )


def serialize(annotated: AnnotatedText, report: ConversionReport) -> dict[str, Any]:
    """Write a text, its entities in text order."""
    annotated = in_text_order(annotated)
    entities = [
        [e.start, e.end, annotated.text[e.start : e.end], e.label] for e in annotated.entities
    ]
    relations = [_serialize_relation(relation) for relation in annotated.relations]
    item = {"text": annotated.text, "entities": entities, "relations": relations}
    return with_meta(item, annotated, report)


def _serialize_relation(relation: AnnotatedRelation) -> list[Any]:
    first, second = sorted([relation.head, relation.tail])
    direction = FORWARD if relation.head == first else BACKWARD
    return [first, second, relation.label + direction]


FORMAT = json_format(
    "authors",
    "JSON of the paper's published code",
    matches=matches,
    parse=parse,
    serialize=serialize,
    shape=SHAPE,
    suffix=".json",
)
