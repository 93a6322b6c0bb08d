"""Results of Label Studio: regions of a text, and relations between regions.

A region of plain text is `{"id", "type": "labels", "from_name", "to_name", "value": {"start",
"end", "text", "labels"}}` (exclusive end). A region with several labels becomes several entities.
Offsets count code points; until 2021 they counted UTF-16 code units, which shows in the texts of
the regions.

A relation is `{"type": "relation", "from_id", "to_id", "direction", "labels"}`. A relation with
several labels becomes several relations. These are written as one again, since Label Studio keeps
only one relation from a region to another.

An attribute is what a control with `perRegion="true"` says of a region: `{"id", "type": "choices",
"from_name", "to_name", "value": {"choices"}}`, with the id of the region. Its name is that of the
control. `rating`, `number` and `taxonomy` are read as well; the levels of a taxonomy are joined
with "/". All attributes are written as choices.
"""

import re
from collections.abc import Iterator, Set
from contextlib import suppress
from typing import Any

from .annotated_text import (
    AnnotatedEntity,
    AnnotatedRelation,
    AnnotatedText,
    AnnotationError,
    check_integers,
    check_list,
    check_string,
)
from .entities import add_attribute, describe_relation
from .fields import lose_other_fields
from .report import ConversionReport
from .utf16 import from_utf16

Spans = list[tuple[int, int]]
# The attributes of each region by its id.
Attributes = dict[str, dict[str, str]]

# Fields of a region that annotators do not fill in.
REGION_FIELDS = ("id", "type", "from_name", "to_name", "value", "origin", "readonly", "hidden")
# Types of results that hold an attribute of a region. Their value has a field of the same name.
CHOICES = "choices"
ATTRIBUTES = (CHOICES, "taxonomy", "rating", "number")
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
    selected = [each for each in result if _is_entity(each)]
    ids = {region["id"] for region in selected}
    for region in result:
        if _is_entity(region) or _is_attribute(region, ids):
            lose_other_fields("regions", region, REGION_FIELDS, place, report)
        elif region["type"] == "labels":
            report.lose("regions without a label", place, repr(region["id"]))
        elif region["type"] != "relation":
            report.lose_other(f"regions of type {region['type']!r}", place, repr(region["id"]))
    return selected


def _is_entity(region: dict[str, Any]) -> bool:
    return region["type"] == "labels" and bool(_get_labels(region["value"]))


def _is_attribute(region: dict[str, Any], ids: Set[str]) -> bool:
    # What is said of the whole text has an id of its own.
    return region["type"] in ATTRIBUTES and region["id"] in ids


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
    attributes = _parse_attributes(result, regions, place, report)
    index: dict[str, list[int]] = {each["id"]: [] for each in result if each["type"] != "relation"}
    entities: list[AnnotatedEntity] = []
    for region, (start, end) in zip(regions, spans, strict=True):
        for label in _get_labels(region["value"]):
            index[region["id"]].append(len(entities))
            entities.append(AnnotatedEntity(start, end, label, attributes[region["id"]] or None))
    relations = [
        relation
        for each in result
        if each["type"] == "relation"
        for relation in _parse_relation(each, index, place, report)
    ]
    return entities, relations


def _parse_attributes(
    result: list[Any], regions: list[Any], place: str, report: ConversionReport
) -> Attributes:
    attributes: Attributes = {region["id"]: {} for region in regions}
    for region in result:
        if _is_attribute(region, attributes.keys()):
            name = region["from_name"]
            check_string("the name of a control", name, empty=False)
            for value in _parse_values(region["type"], region["value"]):
                add_attribute(attributes[region["id"]], name, value, place, report)
    return attributes


def _parse_values(kind: str, item: dict[str, Any]) -> list[str]:
    values = item[kind]
    if kind in (CHOICES, "taxonomy"):
        check_list(f"the {kind} of a region", values)
        return [_join(kind, each) for each in values]
    if isinstance(values, bool) or not isinstance(values, int | float):
        raise AnnotationError(f"the {kind} of a region must be a number, got {values!r}")
    return [str(values)]


def _join(kind: str, value: Any) -> str:
    levels = value if isinstance(value, list) else [value]
    for level in levels:
        check_string(f"the {kind} of a region", level, empty=False)
    return "/".join(levels)


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
    regions = [
        {"id": f"entity-{i}", **each, "to_name": to_name}
        for i, entity in enumerate(annotated.entities)
        for each in _serialize_entity(annotated, entity, from_name)
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


def _serialize_entity(
    annotated: AnnotatedText, entity: AnnotatedEntity, from_name: str
) -> Iterator[dict[str, Any]]:
    surface = annotated.text[entity.start : entity.end]
    place = {"start": entity.start, "end": entity.end, "text": surface}
    label = {**place, "labels": [entity.label]}
    yield {"type": "labels", "from_name": from_name, "value": label}
    for name, value in (entity.attributes or {}).items():
        yield {"type": CHOICES, "from_name": name, "value": {**place, CHOICES: [value]}}


def _group_labels(
    annotated: AnnotatedText, report: ConversionReport
) -> dict[tuple[int, int], list[str]]:
    """Group the labels of relations by head and tail."""
    labels: dict[tuple[int, int], list[str]] = {}
    for relation in annotated.relations:
        group = labels.setdefault((relation.head, relation.tail), [])
        if relation.label in group:
            case = describe_relation(annotated, relation)
            report.lose_other("duplicate relations", annotated.place, case)
        else:
            group.append(relation.label)
    return labels
