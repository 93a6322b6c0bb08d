"""Results of Label Studio, read: regions of a text, and relations between regions.

A region of plain text is `{"id", "type": "labels", "from_name", "to_name", "value": {"start",
"end", "text", "labels"}}` (exclusive end). A region with several labels becomes several entities.
Predictions may lack ids of regions. `label_studio_text.py` describes the offsets.

A relation is `{"type": "relation", "from_id", "to_id", "direction", "labels"}`. A relation with
several labels becomes several relations.

An attribute is what a control with `perRegion="true"` says of a region: `{"id", "type": "choices",
"from_name", "to_name", "value": {"choices"}}`, with the id of the region. Its name is that of the
control. `rating`, `number` and `taxonomy` are read as well; the levels of a taxonomy are joined
with "/".
"""

from collections.abc import Iterator, Set
from typing import Any

from .annotated_text import (
    AnnotatedEntity,
    AnnotatedRelation,
    AnnotationError,
    check_list,
    check_string,
)
from .entities import add_attribute
from .fields import lose_other_fields
from .label_studio_text import HYPERTEXT, LABELS, SOURCE, Spans
from .report import ConversionReport

# The attributes of each region by its id.
Attributes = dict[str, dict[str, str]]

# Fields of a region that annotators do not fill in.
REGION_FIELDS = (
    *("id", "type", "from_name", "to_name", "value"),
    *("origin", "readonly", "hidden", SOURCE),
)
# Types of results that hold an attribute of a region. Their value has a field of the same name.
CHOICES = "choices"
ATTRIBUTES = (CHOICES, "taxonomy", "rating", "number")
# Head and tail of a relation for each direction, as indices of its two regions.
DIRECTIONS = {"right": [(0, 1)], "left": [(1, 0)], "bi": [(0, 1), (1, 0)]}
# Fields of the value of a region that hold its labels.
LABEL_FIELDS = (LABELS, HYPERTEXT, "htmllabels")
VALUE_FIELDS = (
    *("start", "end", "text", "startOffset", "endOffset", "globalOffsets"),
    *(*LABEL_FIELDS, *ATTRIBUTES),
)
# Fields and types of regions of images, audio and video. All types such as "polygonlabels" are too.
OTHER_FIELDS = {"original_width", "original_length"}
OTHER_TYPES = {"rectangle", "ellipse", "polygon", "brush", "keypoint", "bitmask", "videorectangle"}


def with_ids(result: list[Any]) -> list[Any]:
    """Give an id to each region that has none.

    result (list[Any]): The regions and relations of an annotation.
    RETURNS (list[Any]): The regions, all with an id, and the relations.
    """
    return [
        each if each["type"] == "relation" else {"id": f"without id, {i}", **each}
        for i, each in enumerate(result)
    ]


def are_of_other_objects(result: list[Any]) -> bool:
    """Check whether regions are of images or other objects, and none is of a text.

    result (list[Any]): The regions and relations of an annotation.
    RETURNS (bool): Whether there are no regions but those.
    """
    return any(map(_is_of_other_object, result)) and not any(map(_is_entity, result))


def has_regions(result: list[Any]) -> bool:
    """Check whether anything is labeled, in a text or another object.

    result (list[Any]): The regions and relations of an annotation.
    RETURNS (bool): Whether there are regions with labels.
    """
    return any(_is_entity(each) or _is_of_other_object(each) for each in result)


def _is_of_other_object(region: dict[str, Any]) -> bool:
    kind = region["type"]
    is_other = kind.endswith(LABELS) and kind not in (LABELS, HYPERTEXT)
    return is_other or kind in OTHER_TYPES or bool(OTHER_FIELDS & region.keys())


def select_regions(result: list[Any]) -> list[Any]:
    """Select the regions that are entities.

    result (list[Any]): The regions and relations of an annotation.
    RETURNS (list[Any]): The regions with labels.
    """
    return [each for each in result if _is_entity(each)]


def _report_others(
    result: list[Any], regions: list[Any], place: str, report: ConversionReport
) -> None:
    """Report the regions that are no entities, and unsupported fields of the others."""
    ids = {region["id"] for region in regions}
    for region in result:
        if _is_entity(region) or _is_attribute(region, ids):
            given = {name: value for name, value in region.items() if value is not None}
            lose_other_fields("regions", given, REGION_FIELDS, place, report)
            lose_other_fields("regions", region["value"], VALUE_FIELDS, place, report)
        elif region["type"] in (LABELS, HYPERTEXT) and not _is_of_other_object(region):
            report.lose("regions without a label", place, repr(region["id"]))
        elif region["type"] != "relation":
            report.lose_other(f"regions of type {region['type']!r}", place, repr(region["id"]))


def _is_entity(region: dict[str, Any]) -> bool:
    is_text = region["type"] in (LABELS, HYPERTEXT) and not _is_of_other_object(region)
    return is_text and bool(_get_labels(region["value"]))


def _is_attribute(region: dict[str, Any], ids: Set[str]) -> bool:
    # What is said of the whole text has an id of its own.
    return region["type"] in ATTRIBUTES and region["id"] in ids


def _get_labels(item: dict[str, Any]) -> list[str]:
    labels = next((item[name] for name in LABEL_FIELDS if name in item), None)
    if not isinstance(labels, list | None):
        raise AnnotationError(f"the labels must be a list, got {labels!r}")
    return labels or []


def parse_result(
    result: list[Any], regions: list[Any], spans: Spans, place: str, report: ConversionReport
) -> tuple[list[AnnotatedEntity], list[AnnotatedRelation]]:
    """Parse entities and relations.

    result (list[Any]): The regions and relations of an annotation.
    regions (list[Any]): The regions that are entities.
    spans (list[tuple[int, int]]): The character offsets of these regions.
    place (str): The location of the annotation, for messages.
    report (ConversionReport): The report, to count losses and choices.
    RETURNS (tuple[list[AnnotatedEntity], list[AnnotatedRelation]]): The entities and relations.
    RAISES (AnnotationError): If the annotation is invalid.
    """
    _report_others(result, regions, place, report)
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
