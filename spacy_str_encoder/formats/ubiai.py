"""JSON that UBIAI exports (https://ubiai.tools), with relations. It is read, not written.

A list of `{"document", "tokens": [{"text", "start", "end", "token_start", "token_end",
"entityLabel"}], "relations": [{"head", "child", "relationLabel"}]}`. The `tokens` are the entities,
with offsets of characters (exclusive end). Head and child are the first tokens of entities; some
exports lack these tokens, so that their relations are lost. Texts with unannotated relations lack
`"relations"`. Other fields become metadata.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from .annotated_text import AnnotatedEntity, AnnotatedRelation, AnnotatedText, check_surface
from .entities import UNFOUND
from .fields import are_objects, lose_other_fields, other_fields
from .json_format import json_format
from .report import ConversionReport
from .shapes import Nullable, Shape

ENTITY_FIELDS = ("text", "start", "end", "token_start", "token_end", "entityLabel")
RELATION_FIELDS = ("head", "child", "relationLabel")

SHAPE: Shape = {
    "document": str,
    "tokens": [{"text": str, "start": int, "end": int, "token_start": int, "entityLabel": str}],
    "relations": [{"head": Nullable(int), "child": Nullable(int), "relationLabel": str}],
}


def matches(item: Any) -> bool:
    """Recognize a text by the labels of its entities."""
    return "document" in item and are_objects(item.get("tokens"), "start", "end", "entityLabel")


def parse(item: Any, place: str, report: ConversionReport) -> AnnotatedText:
    """Read a text, and find the entities of its relations."""
    text, spans = item["document"], item["tokens"]
    for span in spans:
        lose_other_fields("entities", span, ENTITY_FIELDS, place, report)
    entities = [_parse_entity(span, text) for span in spans]
    meta = other_fields(item, ("document", "tokens", "relations"))
    is_annotated = "relations" in item
    annotated = AnnotatedText(text, entities, [], None, meta, place, has_relations=is_annotated)
    return replace(annotated, relations=list(_parse_relations(item, place, report)))


def _parse_entity(span: dict[str, Any], text: str) -> AnnotatedEntity:
    start, end = span["start"], span["end"]
    check_surface(text, start, end, span["text"])
    return AnnotatedEntity(start, end, span["entityLabel"])


def _parse_relations(
    item: dict[str, Any], place: str, report: ConversionReport
) -> Iterator[AnnotatedRelation]:
    firsts = [span.get("token_start") for span in item["tokens"]]
    for relation in item.get("relations", []):
        label, *ends = (relation[name] for name in ("relationLabel", "head", "child"))
        lose_other_fields("relations", relation, RELATION_FIELDS, place, report)
        if None not in ends and all(firsts.count(end) == 1 for end in ends):
            head, tail = map(firsts.index, ends)
            yield AnnotatedRelation(head, tail, label)
        else:
            report.lose(UNFOUND, place, f"{label} between the tokens {ends[0]} and {ends[1]}")


FORMAT = json_format(
    "ubiai",
    "JSON of UBIAI",
    matches=matches,
    parse=parse,
    shape=SHAPE,
    suffix=".json",
)
