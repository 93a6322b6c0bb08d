"""Text of a task of Label Studio: the field of the data that all regions fit, and their offsets.

Offsets count code points; until 2021 they counted UTF-16 code units, which shows in the texts of
the regions. Regions of HyperText (`"type": "hypertextlabels"`) begin and end at XPaths; they can be
read if their `globalOffsets` fit the text.
"""

import re
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from .annotated_text import AnnotationError, check_integers, check_span
from .report import ConversionReport
from .utf16 import from_utf16

Spans = list[tuple[int, int]]

# Types of regions of texts.
LABELS, HYPERTEXT = "labels", "hypertextlabels"
# The field of a region with the field of the data, such as "$text". Most exports lack it.
SOURCE = "source"
# The field of the data with the text in Label Studio's templates.
TEXT = "text"
# In the texts of regions, a line break is written as a backslash and an n.
WHITE_SPACE = re.compile(r"(?:\s|\\n)+")
# Where a file is, or its content.
FILE = re.compile(
    r"[a-z][a-z0-9+-]*://\S+|data:\w+/\S+|/data/\S+|/\S+\.[a-z0-9]{1,5}", re.IGNORECASE
)
REMEDY = "name the field of the text with --text-field"
OF_SEVERAL = f"tasks whose regions fit several fields ({REMEDY})"
OF_OTHERS = f"tasks read with the field that the regions of other tasks fit ({REMEDY})"
OF_FILES = f"tasks with addresses of files in place of a text ({REMEDY})"
OF_HYPERTEXT = "tasks with regions of HyperText whose globalOffsets do not fit the text"


class UnsupportedError(Exception):
    """Task without a plain text. The message is a reason for a report."""


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
        name = field or _choose_field(texts, regions, usual, place, report)
        spans, choice = _locate(regions, texts[name])
    except AnnotationError as error:
        if any(map(_is_hypertext, regions)):
            raise UnsupportedError(OF_HYPERTEXT) from error
        advice = f"; {REMEDY}" if field is None and len(texts) > 1 else ""
        raise AnnotationError(f"{error}{advice}") from error
    if choice is not None:
        report.choose("tasks with offsets in UTF-16 code units", place, choice)
    if any(map(_is_hypertext, regions)):
        reason = "tasks with regions of HyperText, read by their globalOffsets"
        report.choose(reason, place, f"field {name!r}")
    return Text(name, spans)


def get_strings(data: dict[str, Any]) -> dict[str, str]:
    """Get the data that may be the text of a task.

    data (dict[str, Any]): The data of the task.
    RETURNS (dict[str, str]): The fields with strings.
    """
    return {name: value for name, value in data.items() if isinstance(value, str)}


def decide_field(texts: dict[str, str], regions: list[Any]) -> str | None:
    """Decide which field has the text, if the regions show it.

    texts (dict[str, str]): The fields with strings.
    regions (list[Any]): The regions that are entities.
    RETURNS (str | None): The only field that fits, or the one that fits and the regions name.
    """
    fitting = _find_fitting(texts, regions)
    decided = fitting if len(fitting) == 1 else [x for x in _get_sources(regions) if x in fitting]
    return next(iter(decided), None)


def _find_fitting(texts: dict[str, str], regions: list[Any]) -> list[str]:
    # Offsets alone, such as seconds of a sound, fit many strings.
    is_certain = _have_texts(regions) or len(_find_plain(texts)) == len(texts)
    return [name for name, text in texts.items() if regions and is_certain and _fits(regions, text)]


def _have_texts(regions: list[Any]) -> bool:
    return bool(regions) and all("text" in region["value"] for region in regions)


def _find_plain(texts: dict[str, str]) -> list[str]:
    return [name for name, text in texts.items() if not FILE.fullmatch(text)]


def _get_sources(regions: list[Any]) -> list[str]:
    return [str(region.get(SOURCE)).removeprefix("$") for region in regions]


def _choose_field(
    texts: dict[str, str],
    regions: list[Any],
    usual: str | None,
    place: str,
    report: ConversionReport,
) -> str:
    if decided := decide_field(texts, regions):
        return decided
    plain, fitting = _find_plain(texts), _find_fitting(texts, regions)
    sources, possible = _get_sources(regions), fitting or plain
    names = [*sources, *(region["to_name"] for region in regions), TEXT]
    named = next((name for name in names if name in possible), None)
    is_decided = len(possible) == 1 or named in sources or (not fitting and named == usual)
    if usual is not None and usual in possible and not is_decided:
        report.choose(OF_OTHERS, place, f"{usual!r} of {possible}")
        return usual
    if named is not None:
        if fitting:
            report.choose(OF_SEVERAL, place, f"{named!r} of {fitting}")
        return named
    is_file = not (_have_texts(regions) and plain) or any(name in texts for name in names)
    if not fitting and len(plain) < len(texts) and is_file:
        raise UnsupportedError(OF_FILES)
    if len(plain) != 1:
        raise AnnotationError(
            f"the data must have a field {TEXT!r} or a single string, or one that all regions fit, "
            f"got {len(texts)} strings: {[*texts]}"
        )
    return plain[0]


def _fits(regions: list[Any], text: str) -> bool:
    try:
        _locate(regions, text)
    except AnnotationError:
        return False
    return True


def _locate(regions: list[Any], text: str) -> tuple[Spans, str | None]:
    """RETURNS (tuple[Spans, str | None]): The character offsets, and what shows that the regions
    count UTF-16 code units, if they do.
    """
    spans = list(map(_get_span, regions))
    check_integers("the offsets of a region", *(offset for span in spans for offset in span))
    mismatch = _find_mismatch(regions, text, spans)
    if mismatch is None:
        return spans, None
    with suppress(AnnotationError):
        shifted = from_utf16(text, spans)
        if _find_mismatch(regions, text, shifted) is None:
            return shifted, mismatch
    raise AnnotationError(mismatch)


def _is_hypertext(region: dict[str, Any]) -> bool:
    return region["type"] == HYPERTEXT or isinstance(region["value"]["start"], str)


def _get_span(region: dict[str, Any]) -> tuple[Any, Any]:
    value = region["value"]
    if not _is_hypertext(region):
        return value["start"], value["end"]
    if "text" not in value:
        raise AnnotationError("a region of HyperText must have its text")
    offsets = value.get("globalOffsets", value)
    return offsets["start"], offsets["end"]


def _find_mismatch(regions: list[Any], text: str, spans: Spans) -> str | None:
    for region, (start, end) in zip(regions, spans, strict=True):
        try:
            check_span(f"the region {start}-{end}", start, end, text)
        except AnnotationError as error:
            return str(error)
        found = text[start:end]
        expected = region["value"].get("text", found)
        if not isinstance(expected, str):
            return f"the text of the region {start}-{end} must be a string, got {expected!r}"
        if WHITE_SPACE.sub(" ", found) != WHITE_SPACE.sub(" ", expected):
            return f"the region {start}-{end} must have the text {expected!r}, got {found!r}"
    return None
