"""Text of a task of Label Studio, and the offsets of its regions."""

from dataclasses import dataclass
from typing import Any

from ..annotated_text import AnnotationError
from ..report import ConversionReport
from .field import REMEDY, UnsupportedError, choose_field, get_strings
from .offsets import Spans, is_hypertext, locate

OF_HYPERTEXT = "tasks with regions of HyperText whose globalOffsets do not fit the text"


@dataclass(frozen=True)
class Text:
    """Text of a task.

    field (str): The field of the data.
    spans (list[tuple[int, int]]): The character offsets of the regions.
    """

    field: str
    spans: Spans


def find_text(
    data: dict[str, Any],
    regions: list[Any],
    place: str,
    report: ConversionReport,
    *,
    field: str | None = None,
    usual: str | None = None,
) -> Text:
    """Find the text of a task.

    data (dict[str, Any]): The data of the task.
    regions (list[Any]): The regions that are entities.
    place (str): The location of the task, for messages.
    report (ConversionReport): The report, to count choices.
    field (str | None): The field of the text; the one that fits all regions if None.
    usual (str | None): The field that the regions of other tasks fit.
    RETURNS (Text): The text.
    RAISES (UnsupportedError): If the task has no plain text.
    RAISES (AnnotationError): If the text is not found, or the regions do not fit it.
    """
    texts = get_strings(data)
    if field is not None and field not in texts:
        raise AnnotationError(
            f"the data must have a string in the field of --text-field, {field!r}; the fields with "
            f"strings are {[*texts]}"
        )
    try:
        name = field or choose_field(texts, regions, usual, place, report)
        spans, choice = locate(regions, texts[name])
    except AnnotationError as error:
        if any(map(is_hypertext, regions)):
            raise UnsupportedError(OF_HYPERTEXT) from error
        advice = f"; {REMEDY}" if field is None and len(texts) > 1 else ""
        raise AnnotationError(f"{error}{advice}") from error
    if choice is not None:
        report.choose("tasks with offsets in UTF-16 code units", place, choice)
    if any(map(is_hypertext, regions)):
        reason = "tasks with regions of HyperText, read by their globalOffsets"
        report.choose(reason, place, f"field {name!r}")
    return Text(name, spans)
