"""Results of Label Studio, read: entities with their attributes, and relations between them.

The name of an attribute is that of its control. `choices`, `rating`, `number` and `taxonomy` are
read; the levels of a taxonomy are joined with "/".
"""

from typing import Any

from ..annotated_text import (
    AnnotatedEntity,
    AnnotatedRelation,
    AnnotationError,
    check_list,
    check_string,
)
from ..entities import add_attribute
from ..report import ConversionReport
from ..scores import SCORE, read_scores
from .offsets import Spans
from .regions import CHOICES, get_labels, is_attribute, report_others
from .relations import parse_relation

# The attributes of each region by its id, or the scores of these.
Attributes = dict[str, dict[str, str]]
Scores = dict[str, dict[str, float]]


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
    report_others(result, regions, place, report)
    attributes = _parse_attributes(result, regions, place, report)
    of_attributes = _find_scores(result, attributes)
    index: dict[str, list[int]] = {each["id"]: [] for each in result if each["type"] != "relation"}
    entities: list[AnnotatedEntity] = []
    for region, (start, end) in zip(regions, spans, strict=True):
        for label in get_labels(region["value"]):
            index[region["id"]].append(len(entities))
            values, score = attributes[region["id"]] or None, read_scores(region).get(SCORE)
            scores = of_attributes[region["id"]] or None
            entities.append(AnnotatedEntity(start, end, label, values, score, scores))
    relations = [
        relation
        for each in result
        if each["type"] == "relation"
        for relation in parse_relation(each, index, place, report)
    ]
    return entities, relations


def _parse_attributes(
    result: list[Any], regions: list[Any], place: str, report: ConversionReport
) -> Attributes:
    attributes: Attributes = {region["id"]: {} for region in regions}
    for region in result:
        if is_attribute(region, attributes.keys()):
            name = region["from_name"]
            check_string("the name of a control", name, empty=False)
            for value in _parse_values(region["type"], region["value"]):
                add_attribute(attributes[region["id"]], name, value, place, report)
    return attributes


def _find_scores(result: list[Any], attributes: Attributes) -> Scores:
    scores: Scores = {key: {} for key in attributes}
    for region in result:
        if is_attribute(region, attributes.keys()) and SCORE in (known := read_scores(region)):
            scores[region["id"]].setdefault(region["from_name"], known[SCORE])
    return scores


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
