"""Regions of Label Studio: those that are entities, or their attributes, and others.

A region of plain text is `{"id", "type": "labels", "from_name", "to_name", "value": {"start",
"end", "text", "labels"}}` (exclusive end). A region with several labels becomes several entities.
Predictions may lack ids of regions. `offsets.py` describes the offsets.

An attribute is what a control with `perRegion="true"` says of a region: `{"id", "type": "choices",
"from_name", "to_name", "value": {"choices"}}`, with the id of the region.
"""

from collections.abc import Set
from typing import Any

from ..annotated_text import AnnotationError
from ..fields import lose_other_fields, other_fields
from ..report import ConversionReport
from ..scores import SCORE, read_scores

# Types of regions of texts.
LABELS, HYPERTEXT = "labels", "hypertextlabels"
# The field of a region with the field of the data, such as "$text". Most exports lack it.
SOURCE = "source"
# The field of a relation with its scores.
META = "meta"
# Fields of a region that annotators do not fill in.
REGION_FIELDS = (
    *("id", "type", "from_name", "to_name", "value"),
    *("origin", "readonly", "hidden", SOURCE),
)
# Types of results that hold an attribute of a region. Their value has a field of the same name.
CHOICES = "choices"
ATTRIBUTES = (CHOICES, "taxonomy", "rating", "number")
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


def without_score(region: dict[str, Any]) -> dict[str, Any]:
    """Remove the score of a prediction, which an annotator has confirmed or corrected.

    region (dict[str, Any]): The region or relation of an annotation.
    RETURNS (dict[str, Any]): The same without a score.
    """
    return other_fields(region, (META,) if region["type"] == "relation" else (SCORE,))


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


def _is_entity(region: dict[str, Any]) -> bool:
    is_text = region["type"] in (LABELS, HYPERTEXT) and not _is_of_other_object(region)
    return is_text and bool(get_labels(region["value"]))


def is_attribute(region: dict[str, Any], ids: Set[str]) -> bool:
    """Check whether a region is an attribute of an entity.

    region (dict[str, Any]): The region.
    ids (Set[str]): The ids of the regions that are entities.
    RETURNS (bool): Whether it is.
    """
    # What is said of the whole text has an id of its own.
    return region["type"] in ATTRIBUTES and region["id"] in ids


def get_labels(item: dict[str, Any]) -> list[str]:
    """Get the labels of a region, or of a relation.

    item (dict[str, Any]): The value of the region, or the relation.
    RETURNS (list[str]): The labels.
    RAISES (AnnotationError): If they are not a list.
    """
    labels = next((item[name] for name in LABEL_FIELDS if name in item), None)
    if not isinstance(labels, list | None):
        raise AnnotationError(f"the labels must be a list, got {labels!r}")
    return labels or []


def report_others(
    result: list[Any], regions: list[Any], place: str, report: ConversionReport
) -> None:
    """Report the regions that are no entities, and unsupported fields of the others.

    result (list[Any]): The regions and relations of an annotation.
    regions (list[Any]): The regions that are entities.
    place (str): The location of the annotation, for the report.
    report (ConversionReport): The report.
    """
    ids = {region["id"] for region in regions}
    for region in result:
        if _is_entity(region) or is_attribute(region, ids):
            given = {name: value for name, value in region.items() if value is not None}
            known = (*REGION_FIELDS, *read_scores(given))
            lose_other_fields("regions", given, known, place, report)
            lose_other_fields("regions", region["value"], VALUE_FIELDS, place, report)
        elif region["type"] in (LABELS, HYPERTEXT) and not _is_of_other_object(region):
            report.lose("regions without a label", place, repr(region["id"]))
        elif region["type"] != "relation":
            report.lose_other(f"regions of type {region['type']!r}", place, repr(region["id"]))
