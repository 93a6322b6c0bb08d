"""doccano's JSON lines, for projects with entities and relations.

`{"id", "text", "entities": [{"id", "label", "start_offset", "end_offset"}], "relations": [{"id",
"from_id", "to_id", "type"}], "Comments": []}` per line (exclusive ends). Projects without relations
have `"label": [[start, end, label]]` instead, and until version 1.6 `"data"` for the text. Other
fields become metadata.

Offsets count the units of the editor in the browser: UTF-16 code units by default, grapheme
clusters if the project is configured so, code points until version 1.4. Files do not say which.
UTF-16 code units are read and written, and texts in which the other units differ are reported. On
import, a project drops overlapping entities unless it allows them.
"""

import unicodedata
from typing import Any

from .annotated_text import (
    AnnotatedEntity,
    AnnotatedRelation,
    AnnotatedText,
    AnnotationError,
    check_integers,
    check_list,
)
from .fields import are_objects, lose_other_fields, other_fields, with_meta
from .json_format import json_format
from .report import ConversionReport
from .utf16 import ASTRAL, count_utf16, from_utf16

ENTITY_FIELDS = ("id", "label", "start_offset", "end_offset")
RELATION_FIELDS = ("id", "from_id", "to_id", "type")
# Unicode categories of characters that combine with the preceding one, or join two.
JOINING = ("Mn", "Mc", "Me", "Cf")


def matches(item: Any) -> bool:
    """Recognize a text with entities and relations, or with labelled spans alone."""
    if "entities" in item:
        has_entities = are_objects(item["entities"], "start_offset", "end_offset", "label")
        return has_entities and {"text", "relations"} <= item.keys()
    labels = item.get("label")
    is_list = isinstance(labels, list) and all(map(_is_span, labels))
    return is_list and not item.keys().isdisjoint(["text", "data"])


def _is_span(label: Any) -> bool:
    return isinstance(label, list) and [type(each) for each in label] == [int, int, str]


def parse(item: Any, place: str, report: ConversionReport) -> AnnotatedText:
    """Read a text; its relations are unannotated if it has labelled spans alone."""
    field = "data" if "data" in item and "text" not in item else "text"
    text = item[field]
    if "label" in item and "entities" not in item:
        meta = other_fields(item, (field, "label"))
        entities = _parse_labels(text, item["label"])
        annotated = AnnotatedText(text, entities, [], meta=meta, place=place, has_relations=False)
    else:
        entities = _parse_entities(text, item["entities"], place, report)
        relations = _parse_relations(item["relations"], item["entities"], place, report)
        meta = other_fields(item, (field, "entities", "relations"))
        annotated = AnnotatedText(text, entities, relations, meta=meta, place=place)
    _report_counting(annotated, report)
    return annotated


def _parse_labels(text: str, labels: list[Any]) -> list[AnnotatedEntity]:
    check_list("the labels", labels)
    spans = from_utf16(text, [(start, end) for start, end, _ in labels])
    return [
        AnnotatedEntity(*span, label) for span, (_, _, label) in zip(spans, labels, strict=True)
    ]


def _parse_entities(
    text: str, entities: list[Any], place: str, report: ConversionReport
) -> list[AnnotatedEntity]:
    check_list("the entities", entities)
    for entity in entities:
        lose_other_fields("entities", entity, ENTITY_FIELDS, place, report)
    return _parse_labels(text, [[e["start_offset"], e["end_offset"], e["label"]] for e in entities])


def _parse_relations(
    relations: list[Any], entities: list[Any], place: str, report: ConversionReport
) -> list[AnnotatedRelation]:
    check_list("the relations", relations)
    index: dict[int, int] = {}
    for i, entity in enumerate(entities):
        if "id" in entity and index.setdefault(entity["id"], i) != i:
            raise AnnotationError(f"duplicate entity id {entity['id']!r}")
    for relation in relations:
        lose_other_fields("relations", relation, RELATION_FIELDS, place, report)
    return [
        AnnotatedRelation(_find(each["from_id"], index), _find(each["to_id"], index), each["type"])
        for each in relations
    ]


def _find(entity_id: int, index: dict[int, int]) -> int:
    check_integers("the ids of a relation", entity_id)
    if entity_id not in index:
        raise AnnotationError(f"a relation refers to the id {entity_id}, but no entity has it")
    return index[entity_id]


def _report_counting(annotated: AnnotatedText, report: ConversionReport) -> None:
    reached = annotated.text[: max((entity.end for entity in annotated.entities), default=0)]
    uneven = [i for i in range(len(reached)) if _is_uneven(reached, i)]
    if uneven:
        reason = "texts with offsets in UTF-16 code units, doccano's default"
        case = f"other units differ from {reached[uneven[0] :][:10]!r} on"
        report.choose(reason, annotated.place, case)


def _is_uneven(text: str, i: int) -> bool:
    joining = unicodedata.category(text[i]) in JOINING or text.startswith("\r\n", i)
    return joining or text[i] >= ASTRAL


def serialize(annotated: AnnotatedText, report: ConversionReport) -> dict[str, Any]:
    """Write a text, with offsets in UTF-16 code units."""
    _report_counting(annotated, report)
    units = count_utf16(annotated.text)
    entities = [
        {"id": i, "label": e.label, "start_offset": units[e.start], "end_offset": units[e.end]}
        for i, e in enumerate(annotated.entities)
    ]
    relations = [
        {"id": i, "from_id": r.head, "to_id": r.tail, "type": r.label}
        for i, r in enumerate(annotated.relations)
    ]
    item = {"text": annotated.text, "entities": entities, "relations": relations}
    return with_meta(item, annotated, report)


FORMAT = json_format(
    "doccano",
    "doccano's JSON lines",
    matches=matches,
    parse=parse,
    serialize=serialize,
    suffix=".jsonl",
)
