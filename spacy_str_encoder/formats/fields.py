"""Fields of objects that a text has no place for, or keeps in its meta data."""

from collections.abc import Collection, Mapping
from typing import Any

from .annotated_text import AnnotatedText
from .report import ConversionReport


def other_fields(item: Mapping[str, Any], known: Collection[str]) -> dict[str, Any]:
    """The fields of an object beside those that a format names.

    item (Mapping[str, Any]): The object.
    known (Collection[str]): The fields that are named.
    RETURNS (dict[str, Any]): The others.
    """
    return {name: value for name, value in item.items() if name not in known}


def are_objects(value: Any, *fields: str) -> bool:
    """Whether a value is a list of objects that all have some fields.

    value (Any): The value.
    *fields (str): The fields.
    RETURNS (bool): Whether it is; an empty list is.
    """
    return isinstance(value, list) and all(
        isinstance(each, dict) and each.keys() >= set(fields) for each in value
    )


def lose_other_fields(
    kind: str, item: Mapping[str, Any], known: Collection[str], place: str, report: ConversionReport
) -> None:
    """Report the fields of a part of a text that a text can't hold.

    kind (str): What the part is, as a plural.
    item (Mapping[str, Any]): The part.
    known (Collection[str]): The fields that it can hold, or that say nothing else.
    place (str): Where the text was read.
    report (ConversionReport): Counts the others.
    """
    for name, value in other_fields(item, known).items():
        report.lose(f"other fields of {kind}", place, f"{name!r}: {value!r}")


def with_meta(
    item: dict[str, Any], annotated: AnnotatedText, report: ConversionReport
) -> dict[str, Any]:
    """Add the meta data of a text to the fields that its format names.

    item (dict[str, Any]): These fields.
    text (AnnotatedText): The text.
    report (ConversionReport): Counts the meta data that have the name of such a field.
    RETURNS (dict[str, Any]): All fields.
    """
    for name in annotated.meta:
        if name in item:
            reason = "meta data with the name of a field of the format"
            report.lose(reason, annotated.place, repr(name))
    return {**item, **other_fields(annotated.meta, item)}
