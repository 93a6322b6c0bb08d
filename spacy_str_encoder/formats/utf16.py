"""Offsets in UTF-16 code units, as used by JavaScript programs."""

from collections.abc import Iterable
from itertools import accumulate

from .annotated_text import AnnotationError, check_integers

# The first character that takes two code units.
ASTRAL = "\U00010000"


def count_utf16(text: str) -> list[int]:
    """Count the code units of a text.

    text (str): The text.
    RETURNS (list[int]): The number of code units before each character, and before the end.
    """
    return list(accumulate((2 if character >= ASTRAL else 1 for character in text), initial=0))


def from_utf16(text: str, spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Convert spans from code units to characters.

    text (str): The text.
    spans (Iterable[tuple[int, int]]): The start and end of each span in code units.
    RETURNS (list[tuple[int, int]]): The start and end of each span in characters.
    RAISES (AnnotationError): If a span starts or ends within a character or outside of the text.
    """
    units = count_utf16(text)
    characters = {count: i for i, count in enumerate(units)}
    converted = []
    for start, end in spans:
        check_integers("the offsets of an entity", start, end)
        if not {start, end} <= characters.keys():
            raise AnnotationError(
                f"the entity {start}-{end} must lie within the text, which has {units[-1]} UTF-16 "
                "code units, and must not split a character"
            )
        converted.append((characters[start], characters[end]))
    return converted
