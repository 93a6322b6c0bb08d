"""Offsets that count UTF-16 code units, as programs in JavaScript do."""

from collections.abc import Iterable
from itertools import accumulate

from .annotated_text import AnnotationError, check_integers

# The first of the characters that take two code units.
ASTRAL = "\U00010000"


def count_utf16(text: str) -> list[int]:
    """Count the code units of a text.

    text (str): The text.
    RETURNS (list[int]): How many there are before each character, and before the end.
    """
    return list(accumulate((2 if character >= ASTRAL else 1 for character in text), initial=0))


def from_utf16(text: str, spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Make spans of characters out of spans of code units.

    text (str): The text.
    spans (Iterable[tuple[int, int]]): Begins and ends in code units.
    RETURNS (list[tuple[int, int]]): Begins and ends in characters.
    RAISES (AnnotationError): If a span begins or ends inside of a character or outside of the text.
    """
    units = count_utf16(text)
    characters = {count: i for i, count in enumerate(units)}
    converted = []
    for start, end in spans:
        check_integers("the offsets of an entity", start, end)
        if not {start, end} <= characters.keys():
            raise AnnotationError(
                f"the entity {start}-{end} lies outside of the text, which has {units[-1]} UTF-16 "
                "code units, or divides one of its characters"
            )
        converted.append((characters[start], characters[end]))
    return converted
