"""JSON of spaCy's `Doc.to_json` (https://spacy.io/api/doc#to_json).

`{"text", "ents": [{"start", "end", "label"}], "spans": {key: [{"start", "end", "label", "kb_id"}]},
"tokens": [{"id", "start", "end"}], "_": {}}`, with character offsets. If entities overlap, a span
group holds all of them, and `ents` a choice without overlaps. Extension attributes of the doc
become metadata, as other fields do. It has no relations and no attributes of entities.
"""

from functools import partial
from typing import Any

from .annotated_text import AnnotatedEntity, AnnotatedText
from .entities import (
    NOT_IN_GROUP,
    choose_flat,
    report_other_groups,
    without_overlaps,
    without_relations,
    without_repeats,
)
from .fields import are_objects, lose_other_fields, other_fields
from .format import Format
from .json_format import json_format
from .report import ConversionReport
from .shapes import Nullable, Shape, check_shape
from .tokens import align_entities, with_white_space, without_white_space

FIELDS = ("text", "ents", "spans", "tokens", "_")
ENTITY_FIELDS = ("start", "end", "label")

ENTITIES: Shape = [{"start": int, "end": int, "label": str}]
SHAPE: Shape = {
    "text": str,
    "ents": Nullable(ENTITIES),
    "spans": Nullable(dict),
    "tokens": [{"id": int, "start": int, "end": int}],
    "_": Nullable(dict),
}


def doc_json_format(*, spans_key: str | None = None) -> Format:
    """Define the format.

    spans_key (str | None): The span group for all entities. It is read if a doc has it, else
        `ents`, and always written. If None, only `ents` is read and written.
    RETURNS (Format): The format.
    """
    return json_format(
        "spacy-json",
        "JSON of spaCy's Doc.to_json",
        matches=matches,
        parse=partial(parse, spans_key=spans_key),
        serialize=partial(serialize, spans_key=spans_key),
        shape=SHAPE,
        suffix=".json",
        needs_tokens=True,
        keeps_unannotated=True,
        keeps_missing_entities=True,
        holds_docs=True,
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
    """Read a text, with the entities of the span group if it has it, else of `ents`."""
    groups = item.get("spans") or {}
    key = spans_key if spans_key in groups else None
    report_other_groups(groups, key, place, report)
    entities = ents = item.get("ents")
    if key is not None:
        entities = groups[key]
        check_shape(entities, ENTITIES, f"spans.{key}")
        _report_unread(item["text"], ents or [], entities, place, report)
    for entity in entities or []:
        lose_other_fields("entities", entity, (*ENTITY_FIELDS, "kb_id"), place, report)
        if entity.get("kb_id"):
            report.lose_other("identifiers of entities", place, repr(entity["kb_id"]))
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


def _report_unread(
    text: str, ents: list[Any], group: list[Any], place: str, report: ConversionReport
) -> None:
    read = set(map(_place, group))
    for start, end, label in map(_place, ents):
        if (start, end, label) not in read:
            report.lose(NOT_IN_GROUP, place, f"{text[start:end]!r} ({label})")


def _place(entity: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(entity[name] for name in ENTITY_FIELDS)


def serialize(
    annotated: AnnotatedText, report: ConversionReport, *, spans_key: str | None = None
) -> dict[str, Any]:
    """Write a text so that `Doc.from_json` can read it. Its relations are lost."""
    annotated = without_repeats(without_relations(annotated, report), report)
    annotated, _ = align_entities(annotated, report)
    if spans_key is None:
        annotated = without_overlaps(annotated, report)
    places = [each.place for each in annotated.entities]
    entities = [dict(zip(ENTITY_FIELDS, place, strict=True)) for place in places]
    tokens = with_white_space(annotated)
    item: dict[str, Any] = {
        "text": annotated.text,
        "tokens": [{"id": i, "start": start, "end": end} for i, (start, end) in enumerate(tokens)],
    }
    if annotated.has_entities:
        item["ents"] = [entities[i] for i in sorted(choose_flat(annotated))]
    if annotated.has_entities and spans_key is not None:
        item["spans"] = {spans_key: [{**entity, "kb_id": ""} for entity in entities]}
    return {**item, "_": annotated.meta} if annotated.meta else item
