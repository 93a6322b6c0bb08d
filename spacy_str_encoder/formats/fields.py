"""Fields of JSON objects that become metadata of a text, or are lost."""

from collections.abc import Collection, Mapping
from typing import Any

from .annotated_text import AnnotatedText
from .report import ConversionReport

# Two names beside each other in an object that is an entity or a relation.
ANNOTATION_FIELDS = [
    {"start", "end"},
    {"begin", "end"},
    {"start_offset", "end_offset"},
    {"head", "tail"},
    {"head", "child"},
    {"from_id", "to_id"},
    {"source", "target"},
    {"subject", "object"},
]


def other_fields(item: Mapping[str, Any], known: Collection[str]) -> dict[str, Any]:
    """Get the fields of an object that are not part of a format.

    item (Mapping[str, Any]): The object.
    known (Collection[str]): The fields of the format.
    RETURNS (dict[str, Any]): The other fields.
    """
    return {name: value for name, value in item.items() if name not in known}


def are_objects(value: Any, *fields: str) -> bool:
    """Check if a value is a list of objects with certain fields.

    value (Any): The value.
    *fields (str): The fields that all objects must have.
    RETURNS (bool): Whether the value is such a list. An empty list is.
    """
    return isinstance(value, list) and all(
        isinstance(each, dict) and each.keys() >= set(fields) for each in value
    )


def are_lists(value: Any, length: int) -> bool:
    """Check if a value is a list of lists of a certain length.

    value (Any): The value.
    length (int): The number of items that all inner lists must have.
    RETURNS (bool): Whether the value is such a list. An empty list is.
    """
    return isinstance(value, list) and all(
        isinstance(each, list) and len(each) == length for each in value
    )


def look_like_annotations(value: Any) -> bool:
    """Check if the value of an unknown field may be entities or relations.

    value (Any): The value: a list, or an object whose values are lists.
    RETURNS (bool): Whether any item has offsets, or a label of something.
    """
    if isinstance(value, Mapping):
        return any(
            isinstance(each, list) and look_like_annotations(each) for each in value.values()
        )
    return isinstance(value, list) and any(map(_is_annotation, value))


def _is_annotation(item: Any) -> bool:
    if isinstance(item, Mapping):
        names = {name.lower() for name in item}
        return any(pair <= names for pair in ANNOTATION_FIELDS)
    # As `[start, end, label]`.
    kinds = [type(each) for each in item] if isinstance(item, list) else []
    return kinds.count(int) >= 2 and str in kinds


def lose_other_fields(
    kind: str, item: Mapping[str, Any], known: Collection[str], place: str, report: ConversionReport
) -> None:
    """Report fields that can't be converted.

    kind (str): A plural noun for the objects, such as "entities".
    item (Mapping[str, Any]): The object with the fields.
    known (Collection[str]): The fields that are converted, or are redundant.
    place (str): The location of the text, for messages.
    report (ConversionReport): The report, to count the other fields.
    """
    for name, value in other_fields(item, known).items():
        report.lose_other(f"unsupported fields of {kind}", place, f"{name!r}: {value!r}")


def lose_meta(annotated: AnnotatedText, known: Collection[str], report: ConversionReport) -> None:
    """Report metadata that a format can't hold, by the names of the fields.

    annotated (AnnotatedText): The text.
    known (Collection[str]): The fields that it can hold.
    report (ConversionReport): The report, to count the other fields.
    """
    for name, value in other_fields(annotated.meta, known).items():
        reason = f"unsupported fields of the metadata ({name})"
        report.lose_other(reason, annotated.place, f"{name!r}: {value!r}")


def with_meta(
    item: dict[str, Any], annotated: AnnotatedText, report: ConversionReport
) -> dict[str, Any]:
    """Add the metadata of a text to the fields of its format.

    item (dict[str, Any]): The fields of the format.
    annotated (AnnotatedText): The text.
    report (ConversionReport): The report, to count metadata whose name the format uses itself.
    RETURNS (dict[str, Any]): All fields.
    """
    for name in annotated.meta:
        if name in item:
            reason = "metadata fields whose name the format uses itself"
            report.lose_other(reason, annotated.place, repr(name))
    return {**item, **other_fields(annotated.meta, item)}
