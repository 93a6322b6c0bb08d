"""JSON of spaCy's `Doc.to_json` (https://spacy.io/api/doc#to_json).

`{"text", "ents": [{"start", "end", "label"}], "spans": {key: [{"start", "end", "label", "kb_id"}]},
"tokens": [{"id", "start", "end"}], "_": {}}`, with character offsets. Extension attributes of the
doc become metadata, as other fields do. It has no relations.
"""

from functools import partial
from typing import Any

from .annotated_text import AnnotatedEntity, AnnotatedText, check_list
from .entities import keep_relations, report_other_groups
from .fields import are_objects, lose_other_fields, other_fields
from .format import Format
from .json_format import json_format
from .report import ConversionReport
from .tokens import without_white_space

FIELDS = ("text", "ents", "spans", "tokens", "_")
ENTITY_FIELDS = ("start", "end", "label")


def doc_json_format(*, spans_key: str | None = None) -> Format:
    """Define the format.

    spans_key (str | None): The span group that holds the entities; `ents` if None.
    RETURNS (Format): The format.
    """
    return json_format(
        "spacy-json",
        "JSON of spaCy's Doc.to_json",
        matches=matches,
        parse=partial(parse, spans_key=spans_key),
        serialize=partial(serialize, spans_key=spans_key),
        suffix=".json",
        needs_tokens=True,
        keeps_unannotated=True,
        keeps_missing_entities=True,
    )


def matches(item: Any) -> bool:
    """Recognize a text by spaCy's fields, which no other format has."""
    has_entities = are_objects(item.get("ents"), *ENTITY_FIELDS) or isinstance(
        item.get("spans"), dict
    )
    return has_entities and are_objects(item.get("tokens"), "id", "start", "end")


def parse(
    item: Any, place: str, report: ConversionReport, *, spans_key: str | None = None
) -> AnnotatedText:
    """Read a text, with the entities of `ents` or of one span group."""
    groups = item.get("spans") or {}
    entities = item.get("ents") if spans_key is None else groups.get(spans_key)
    report_other_groups(groups, spans_key, place, report)
    check_list("the entities", entities or [])
    for entity in entities or []:
        lose_other_fields("entities", entity, (*ENTITY_FIELDS, "kb_id"), place, report)
        if entity.get("kb_id"):
            report.lose("identifiers of entities", place, repr(entity["kb_id"]))
    tokens = [(token["start"], token["end"]) for token in item["tokens"]]
    return AnnotatedText(
        item["text"],
        [AnnotatedEntity(*(each[name] for name in ENTITY_FIELDS)) for each in entities or []],
        [],
        tokens=without_white_space(item["text"], tokens),
        meta=other_fields(item, FIELDS) | (item.get("_") or {}),
        has_relations=False,
        has_entities=entities is not None,
    )


def serialize(
    annotated: AnnotatedText, report: ConversionReport, *, spans_key: str | None = None
) -> dict[str, Any]:
    """Write a text. Its relations are lost."""
    annotated = keep_relations(annotated, (), "relations, which this format can't hold", report)
    entities = [vars(entity) for entity in annotated.entities]
    tokens = [{"id": i, "start": s, "end": e} for i, (s, e) in enumerate(annotated.tokens or [])]
    item: dict[str, Any] = {"text": annotated.text, "tokens": tokens}
    if annotated.has_entities and spans_key is None:
        item["ents"] = entities
    elif annotated.has_entities:
        item["spans"] = {spans_key: [{**entity, "kb_id": ""} for entity in entities]}
    return {**item, "_": annotated.meta} if annotated.meta else item
