"""Results of Label Studio: regions of a text, and relations between regions.

A region of plain text is `{"id", "type": "labels", "from_name", "to_name", "value": {"start",
"end", "text", "labels"}}` (exclusive end). A region with several labels becomes several entities.
Offsets count code points; until 2021 they counted UTF-16 code units, which shows in the texts of
the regions.

A relation is `{"type": "relation", "from_id", "to_id", "direction", "labels"}`. A relation with
several labels becomes several relations. These are written as one again, since Label Studio keeps
only one relation from a region to another.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from .annotated_text import (
    AnnotatedEntity,
    AnnotatedRelation,
    AnnotatedText,
    AnnotationError,
    check_integers,
)
from .entities import describe_relation
from .fields import lose_other_fields
from .report import ConversionReport
from .utf16 import from_utf16

Spans = list[tuple[int, int]]

# Fields of a region that annotators do not fill in.
REGION_FIELDS = ("id", "type", "from_name", "to_name", "value", "origin", "readonly", "hidden")
# Head and tail of a relation for each direction, as indices of its two regions.
DIRECTIONS = {"right": [(0, 1)], "left": [(1, 0)], "bi": [(0, 1), (1, 0)]}
# In the texts of regions, a line break is written as a backslash and an n.
WHITE_SPACE = re.compile(r"(?:\s|\\n)+")


def select_regions(result: list[Any], place: str, report: ConversionReport) -> list[Any]:
    """Select the regions that are entities.

    result (list[Any]): The regions and relations of an annotation.
    place (str): The location of the annotation, for messages.
    report (ConversionReport): The report, to count other regions, and unsupported fields of the
        selected ones.
    RETURNS (list[Any]): The regions with labels.
    """
    selected = []
    for region in result:
        if region["type"] == "labels" and _get_labels(region["value"]):
            lose_other_fields("regions", region, REGION_FIELDS, place, report)
            selected.append(region)
        elif region["type"] == "labels":
            report.lose("regions without a label", place, repr(region["id"]))
        elif region["type"] != "relation":
            report.lose(f"regions of type {region['type']!r}", place, repr(region["id"]))
    return selected


def _get_labels(item: dict[str, Any]) -> list[str]:
    labels = item.get("labels")
    if not isinstance(labels, list | None):
        raise AnnotationError(f"the labels must be a list, got {labels!r}")
    return labels or []


def parse_result(
    result: list[Any], regions: list[Any], text: str, place: str, report: ConversionReport
) -> tuple[list[AnnotatedEntity], list[AnnotatedRelation]]:
    """Parse entities and relations.

    result (list[Any]): The regions and relations of an annotation.
    regions (list[Any]): The regions that are entities.
    text (str): The text.
    place (str): The location of the annotation, for messages.
    report (ConversionReport): The report, to count losses and choices.
    RETURNS (tuple[list[AnnotatedEntity], list[AnnotatedRelation]]): The entities and relations.
    RAISES (AnnotationError): If the annotation is invalid.
    """
    spans = _find_spans(regions, text, place, report)
    index: dict[str, list[int]] = {each["id"]: [] for each in result if each["type"] != "relation"}
    entities: list[AnnotatedEntity] = []
    for region, (start, end) in zip(regions, spans, strict=True):
        for label in _get_labels(region["value"]):
            index[region["id"]].append(len(entities))
            entities.append(AnnotatedEntity(start, end, label))
    relations = [
        relation
        for each in result
        if each["type"] == "relation"
        for relation in _parse_relation(each, index, place, report)
    ]
    return entities, relations


def _find_spans(regions: list[Any], text: str, place: str, report: ConversionReport) -> Spans:
    spans = [(region["value"]["start"], region["value"]["end"]) for region in regions]
    check_integers("the offsets of a region", *(offset for span in spans for offset in span))
    mismatch = _find_mismatch(regions, text, spans)
    if mismatch is None:
        return spans
    with suppress(AnnotationError):
        shifted = from_utf16(text, spans)
        if _find_mismatch(regions, text, shifted) is None:
            report.choose("tasks with offsets in UTF-16 code units", place, mismatch)
            return shifted
    raise AnnotationError(mismatch)


def _find_mismatch(regions: list[Any], text: str, spans: Spans) -> str | None:
    for region, (start, end) in zip(regions, spans, strict=True):
        if not 0 <= start < end <= len(text):
            return (
                f"the region {start}-{end} must lie within the text, which has {len(text)} "
                "characters"
            )
        found = text[start:end]
        expected = region["value"].get("text", found)
        if WHITE_SPACE.sub(" ", found) != WHITE_SPACE.sub(" ", expected):
            return f"the region {start}-{end} must have the text {expected!r}, got {found!r}"
    return None


def _parse_relation(
    relation: Any, index: dict[str, list[int]], place: str, report: ConversionReport
) -> Iterator[AnnotatedRelation]:
    ids = [relation["from_id"], relation["to_id"]]
    case = f"{ids[0]!r} to {ids[1]!r}"
    direction = relation.get("direction", "right")
    if not set(ids) <= index.keys():
        raise AnnotationError(f"the relation from {case} refers to a region that does not exist")
    if direction not in DIRECTIONS:
        raise AnnotationError(
            f"the direction of the relation from {case} must be one of {', '.join(DIRECTIONS)}, "
            f"got {direction!r}"
        )
    found = [index[region_id] for region_id in ids]
    if not all(found):
        report.lose("relations of regions that were left out", place, case)
    elif not _get_labels(relation):
        report.lose("relations without a label", place, case)
    else:
        if max(map(len, found)) > 1:
            reason = "relations of regions with several labels, attached to the first label"
            report.choose(reason, place, case)
        for label in _get_labels(relation):
            for head, tail in DIRECTIONS[direction]:
                yield AnnotatedRelation(found[head][0], found[tail][0], label)


def serialize_result(
    annotated: AnnotatedText, from_name: str, to_name: str, report: ConversionReport
) -> list[dict[str, Any]]:
    """Convert entities and relations to regions and relations.

    annotated (AnnotatedText): The text.
    from_name (str): The control that labels the text.
    to_name (str): The object that shows the text.
    report (ConversionReport): The report, to count duplicate relations.
    RETURNS (list[dict[str, Any]]): The regions and relations.
    """
    names = {"from_name": from_name, "to_name": to_name}
    regions = [
        {
            "id": f"entity-{i}",
            "type": "labels",
            **names,
            "value": _serialize_entity(annotated, entity),
        }
        for i, entity in enumerate(annotated.entities)
    ]
    relations = [
        {
            "type": "relation",
            "from_id": f"entity-{head}",
            "to_id": f"entity-{tail}",
            "direction": "right",
            "labels": labels,
        }
        for (head, tail), labels in _group_labels(annotated, report).items()
    ]
    return regions + relations


def _serialize_entity(annotated: AnnotatedText, entity: AnnotatedEntity) -> dict[str, Any]:
    surface = annotated.text[entity.start : entity.end]
    return {"start": entity.start, "end": entity.end, "text": surface, "labels": [entity.label]}


def _group_labels(
    annotated: AnnotatedText, report: ConversionReport
) -> dict[tuple[int, int], list[str]]:
    """Group the labels of relations by head and tail."""
    labels: dict[tuple[int, int], list[str]] = {}
    for relation in annotated.relations:
        group = labels.setdefault((relation.head, relation.tail), [])
        if relation.label in group:
            case = describe_relation(annotated, relation)
            report.lose("duplicate relations", annotated.place, case)
        else:
            group.append(relation.label)
    return labels
