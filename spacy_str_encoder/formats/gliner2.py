"""Results of GLiNER2 (https://github.com/fastino-ai/GLiNER2), to correct what it predicts. They are
read, not written.

`{"text", "entities": {label: [entity]}, "relation_extraction": {label: [[head, tail]]}}` per line.
Results do not have the text: write `{"text": text, **result}`. An entity is a string, or an object
with its `"text"` and, with `include_spans=True`, `"start"` and `"end"` in characters (exclusive
end); relations are then objects with `"head"` and `"tail"`. An entity without offsets is read where
its string occurs, outside of words if it can be, and a relation between the closest occurrences.
Heads and tails that are no entity have no type: they are read as `Entity`. Confidences are left
out. Other fields become metadata.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from .annotated_text import (
    AnnotatedEntity,
    AnnotatedRelation,
    AnnotatedText,
    check_string,
    check_surface,
)
from .fields import lose_other_fields, other_fields
from .json_format import json_format
from .mentions import relate_closest
from .occurrences import Span, find_words
from .report import ConversionReport
from .shapes import Nullable, OneOf, Shape
from .triples import LABEL, UNTYPED

FIELDS = ("text", "entities", "relation_extraction")

OBJECT: Shape = {"text": str, "start": int, "end": int}
MENTION = OneOf((str, OBJECT))
# With dtype="str", there is one entity or none, in place of a list.
SHAPE: Shape = {
    "text": str,
    "entities": {...: Nullable(OneOf(([MENTION], str, OBJECT)))},
    "relation_extraction": {...: [OneOf(((MENTION, MENTION), {"head": MENTION, "tail": MENTION}))]},
}


def matches(item: Any) -> bool:
    """Recognize a text by entities or relations that are objects."""
    return "text" in item and any(isinstance(item.get(name), dict) for name in FIELDS[1:])


def parse(item: Any, place: str, report: ConversionReport) -> AnnotatedText:
    """Read a text; its relations are unannotated if the field is not there."""
    text, known = item["text"], item.get("relation_extraction", {})
    entities = list(_parse_entities(item.get("entities", {}), text, place, report))
    triples = [
        (label, *_find_ends(relation, text, place, report))
        for label, relations in known.items()
        for relation in relations
    ]
    typed = {(entity.start, entity.end) for entity in entities}
    untyped = dict.fromkeys(span for _, *ends in triples for end in ends for span in end)
    for start, end in untyped:
        if (start, end) not in typed:
            entities.append(AnnotatedEntity(start, end, LABEL))
            report.choose(UNTYPED, place, f"{text[start:end]!r} ({start}-{end})")
    meta, is_annotated = other_fields(item, FIELDS), "relation_extraction" in item
    annotated = AnnotatedText(text, entities, [], None, meta, place, is_annotated)
    return replace(annotated, relations=list(_relate(triples, annotated, report)))


def _parse_entities(
    labels: dict[str, Any], text: str, place: str, report: ConversionReport
) -> Iterator[AnnotatedEntity]:
    for label, values in labels.items():
        for value in values if isinstance(values, list) else filter(None, [values]):
            spans = _find_mentions(value, text, place, report)
            if not spans:
                report.lose("entities that are not in the text", place, f"{value!r} ({label})")
            yield from (AnnotatedEntity(*span, label) for span in spans)


def _find_ends(
    relation: Any, text: str, place: str, report: ConversionReport
) -> tuple[list[Span], list[Span]]:
    if isinstance(relation, dict):
        lose_other_fields("relations", relation, ("head", "tail"), place, report)
        head, tail = relation["head"], relation["tail"]
    else:
        head, tail = relation
    return _find_mentions(head, text, place, report), _find_mentions(tail, text, place, report)


def _find_mentions(value: Any, text: str, place: str, report: ConversionReport) -> list[Span]:
    """Find the place of an entity, or all places where its string occurs."""
    fields: dict[str, Any] = {"text": value} if isinstance(value, str) else value
    lose_other_fields("entities", fields, ("text", "start", "end"), place, report)
    surface = fields["text"]
    check_string("the text of an entity", surface, empty=False)
    if "start" not in fields:
        spans = find_words(text, surface)
        if len(spans) > 1:
            reason = "entities without offsets, read at each occurrence of their text"
            report.choose(reason, place, repr(surface))
        return spans
    start, end = fields["start"], fields["end"]
    check_surface(text, start, end, surface)
    return [(start, end)]


def _relate(
    triples: list[tuple[str, list[Span], list[Span]]],
    annotated: AnnotatedText,
    report: ConversionReport,
) -> Iterator[AnnotatedRelation]:
    places = [(entity.start, entity.end) for entity in annotated.entities]
    for label, *ends in triples:
        heads, tails = ([i for i, each in enumerate(places) if each in end] for end in ends)
        if heads and tails:
            yield relate_closest(annotated, heads, tails, label, report)
        else:
            report.lose("relations whose head or tail is not in the text", annotated.place, label)


FORMAT = json_format(
    "gliner2",
    "results of GLiNER2, with their texts (JSON lines)",
    matches=matches,
    parse=parse,
    shape=SHAPE,
    suffix=".jsonl",
)
