"""JSON lines with character offsets.

`{"text", "entities": [{"start", "end", "label"}], "relations": [{"head", "tail", "label"}]}` per
line. Offsets count characters (exclusive end); head and tail are indices of entities. `"tokens"` (a
list of strings) and `"meta"` (an object) are optional, and other fields become metadata. A text
without `"relations"` has unannotated relations. An entity can have `"attributes"`, an object of
strings; without it, its attributes are unannotated.
"""

from typing import Any

from .annotated_text import AnnotatedEntity, AnnotatedRelation, AnnotatedText
from .fields import are_objects, lose_other_fields, other_fields
from .json_format import json_format
from .report import ConversionReport
from .tokens import find_tokens, token_texts, without_white_space

ENTITY_FIELDS = ("start", "end", "label", "attributes")
FIELDS = ("text", "tokens", "entities", "relations", "meta")


def matches(item: Any) -> bool:
    """Recognize a text by the start, end and label of its entities."""
    return "text" in item and are_objects(item.get("entities"), "start", "end", "label")


def parse(item: Any, place: str, report: ConversionReport) -> AnnotatedText:
    """Read a text; its relations are unannotated if the field is not there."""
    text, tokens = item["text"], item.get("tokens")
    for entity in item["entities"]:
        lose_other_fields("entities", entity, ENTITY_FIELDS, place, report)
    for relation in item.get("relations", []):
        lose_other_fields("relations", relation, ("head", "tail", "label"), place, report)
    return AnnotatedText(
        text,
        [
            AnnotatedEntity(e["start"], e["end"], e["label"], e.get("attributes"))
            for e in item["entities"]
        ],
        [AnnotatedRelation(r["head"], r["tail"], r["label"]) for r in item.get("relations", [])],
        tokens=None if tokens is None else without_white_space(text, find_tokens(text, tokens)),
        meta=other_fields(item, FIELDS) | (item.get("meta") or {}),
        has_relations="relations" in item,
    )


def serialize(annotated: AnnotatedText, report: ConversionReport) -> dict[str, Any]:
    """Write a text, and its tokens and meta data if it has any."""
    item = {
        "text": annotated.text,
        "tokens": None if annotated.tokens is None else token_texts(annotated),
        "entities": [_serialize_entity(entity) for entity in annotated.entities],
    }
    if annotated.has_relations:
        item["relations"] = [vars(relation) for relation in annotated.relations]
    return {**item, "meta": annotated.meta} if annotated.meta else item


def _serialize_entity(entity: AnnotatedEntity) -> dict[str, Any]:
    return {name: value for name, value in vars(entity).items() if value is not None}


FORMAT = json_format(
    "jsonl",
    "JSON lines with character offsets",
    matches=matches,
    parse=parse,
    serialize=serialize,
    suffix=".jsonl",
    keeps_unannotated=True,
    keeps_attributes=True,
    keeps_missing_attributes=True,
)
