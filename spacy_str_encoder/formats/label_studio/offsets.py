"""Offsets of the regions of Label Studio.

Offsets count code points; until 2021 they counted UTF-16 code units, which shows in the texts of
the regions. Regions of HyperText (`"type": "hypertextlabels"`) begin and end at XPaths; they can be
read if their `globalOffsets` fit the text.
"""

import re
from contextlib import suppress
from typing import Any

from ..annotated_text import AnnotationError, check_integers, check_span
from ..utf16 import from_utf16
from .regions import HYPERTEXT

Spans = list[tuple[int, int]]

# In the texts of regions, a line break is written as a backslash and an n.
WHITE_SPACE = re.compile(r"(?:\s|\\n)+")


def locate(regions: list[Any], text: str) -> tuple[Spans, str | None]:
    """Locate regions in their text.

    regions (list[Any]): The regions.
    text (str): The text.
    RETURNS (tuple[Spans, str | None]): The character offsets, and what shows that the regions count
        UTF-16 code units, if they do.
    RAISES (AnnotationError): If a region does not fit the text.
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


def fits(regions: list[Any], text: str) -> bool:
    """Check whether all regions fit a text.

    regions (list[Any]): The regions.
    text (str): The text.
    RETURNS (bool): Whether they do.
    """
    try:
        locate(regions, text)
    except AnnotationError:
        return False
    return True


def is_hypertext(region: dict[str, Any]) -> bool:
    """Check whether a region is one of HyperText.

    region (dict[str, Any]): The region.
    RETURNS (bool): Whether it is.
    """
    return region["type"] == HYPERTEXT or isinstance(region["value"]["start"], str)


def _get_span(region: dict[str, Any]) -> tuple[Any, Any]:
    value = region["value"]
    if not is_hypertext(region):
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
