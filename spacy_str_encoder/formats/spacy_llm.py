"""JSON lines of spacy-llm's REL task (https://spacy.io/api/large-language-models#rel).

`{"text", "ents": [{"start_char", "end_char", "label"}], "relations": [{"dep", "dest",
"relation"}]}` per line, with offsets of characters (exclusive end) and indices of entities, as in
its examples for prompts. Its predictions, `doc._.rel`, are objects that neither DocBin nor
`Doc.to_json` can store: write them as `"relations": [vars(each) for each in doc._.rel]`. Texts with
unannotated relations lack `"relations"`. Other fields become metadata.
"""

from typing import Any

from .annotated_text import AnnotatedEntity, AnnotatedRelation, AnnotatedText
from .fields import are_objects, lose_other_fields, other_fields, with_meta
from .json_format import json_format
from .report import ConversionReport
from .shapes import Shape

ENTITY_FIELDS = ("start_char", "end_char", "label")
RELATION_FIELDS = ("dep", "dest", "relation")

SHAPE: Shape = {
    "text": str,
    "ents": [{"start_char": int, "end_char": int, "label": str}],
    "relations": [{"dep": int, "dest": int, "relation": str}],
}


def matches(item: Any) -> bool:
    """Recognize a text by its entities."""
    return "text" in item and are_objects(item.get("ents"), *ENTITY_FIELDS)


def parse(item: Any, place: str, report: ConversionReport) -> AnnotatedText:
    """Read a text; its relations are unannotated if the field is not there."""
    relations = item.get("relations", [])
    for entity in item["ents"]:
        lose_other_fields("entities", entity, ENTITY_FIELDS, place, report)
    for relation in relations:
        lose_other_fields("relations", relation, RELATION_FIELDS, place, report)
    return AnnotatedText(
        item["text"],
        [AnnotatedEntity(*(each[name] for name in ENTITY_FIELDS)) for each in item["ents"]],
        [AnnotatedRelation(*(each[name] for name in RELATION_FIELDS)) for each in relations],
        meta=other_fields(item, ("text", "ents", "relations")),
        has_relations="relations" in item,
    )


def serialize(annotated: AnnotatedText, report: ConversionReport) -> dict[str, Any]:
    """Write a text as an example for a prompt."""
    item = {
        "text": annotated.text,
        "ents": [dict(zip(ENTITY_FIELDS, e.place, strict=True)) for e in annotated.entities],
        "relations": [
            dict(zip(RELATION_FIELDS, (r.head, r.tail, r.label), strict=True))
            for r in annotated.relations
        ],
    }
    return with_meta(item, annotated, report)


FORMAT = json_format(
    "spacy-llm",
    "examples of spacy-llm's REL task (JSON lines)",
    matches=matches,
    parse=parse,
    serialize=serialize,
    shape=SHAPE,
    suffix=".jsonl",
)
