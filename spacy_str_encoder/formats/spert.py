"""SpERT's JSON (https://github.com/lavis-nlp/spert).

A list of `{"tokens", "entities": [{"type", "start", "end"}], "relations": [{"type", "head",
"tail"}]}`. The offsets of entities count tokens (exclusive end); head and tail are indices of
entities. `"text"` is written as well, so that whitespace is not lost; SpERT ignores other fields.
Without `"relations"`, the relations of a text are unannotated. Other fields, such as `"orig_id"`,
become metadata.
"""

from typing import Any

from .annotated_text import AnnotatedEntity, AnnotatedRelation, AnnotatedText
from .fields import are_objects, lose_other_fields, other_fields, with_meta
from .json_format import json_format
from .report import ConversionReport
from .shapes import Nullable, Shape
from .tokens import align_entities, character_span, place_tokens, token_texts, without_white_space

SHAPE: Shape = {
    "text": Nullable(str),
    "tokens": [str],
    "entities": [{"type": str, "start": int, "end": int}],
    "relations": [{"type": str, "head": int, "tail": int}],
}


def matches(item: Any) -> bool:
    """Recognize a text by its tokens, and by entities that are objects."""
    entities = item.get("entities")
    if not are_objects(entities, "type", "start", "end") or not isinstance(
        item.get("tokens"), list
    ):
        return False
    # JSON lines may have a text and its tokens, too, and neither entities nor relations.
    return bool(entities) or "relations" in item or "text" not in item


def parse(item: Any, place: str, report: ConversionReport) -> AnnotatedText:
    """Read a text; its relations are unannotated if the field is not there."""
    text, tokens = place_tokens(item.get("text"), item["tokens"])
    entities = [
        AnnotatedEntity(*character_span(tokens, entity["start"], entity["end"]), entity["type"])
        for entity in item["entities"]
    ]
    relations = [
        AnnotatedRelation(r["head"], r["tail"], r["type"]) for r in item.get("relations", [])
    ]
    for entity in item["entities"]:
        lose_other_fields("entities", entity, ("type", "start", "end"), place, report)
    for relation in item.get("relations", []):
        lose_other_fields("relations", relation, ("type", "head", "tail"), place, report)
    meta = other_fields(item, ("text", "tokens", "entities", "relations"))
    words, is_annotated = without_white_space(text, tokens), "relations" in item
    return AnnotatedText(text, entities, relations, words, meta, has_relations=is_annotated)


def serialize(annotated: AnnotatedText, report: ConversionReport) -> dict[str, Any]:
    """Write a text, with offsets of tokens."""
    annotated, spans = align_entities(annotated, report)
    item = {
        "text": annotated.text,
        "tokens": token_texts(annotated),
        "entities": [
            {"type": entity.label, "start": start, "end": end}
            for entity, (start, end) in zip(annotated.entities, spans, strict=True)
        ],
        "relations": [
            {"type": relation.label, "head": relation.head, "tail": relation.tail}
            for relation in annotated.relations
        ],
    }
    return with_meta(item, annotated, report)


FORMAT = json_format(
    "spert",
    "SpERT's JSON",
    matches=matches,
    parse=parse,
    serialize=serialize,
    shape=SHAPE,
    suffix=".json",
    needs_tokens=True,
)
