"""Positions of strings in their text, for formats without offsets."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from itertools import product
from operator import itemgetter

from .tokens import is_wide

Span = tuple[int, int]
Find = Callable[[str, str], list[Span]]


def find_all(text: str, string: str) -> list[Span]:
    """Find all occurrences of a string, including overlapping ones.

    text (str): The text.
    string (str): The string, which must not be empty.
    RETURNS (list[tuple[int, int]]): The character offsets (exclusive ends).
    """
    spans = []
    start = text.find(string)
    while start >= 0:
        spans.append((start, start + len(string)))
        start = text.find(string, start + 1)
    return spans


def find_words(text: str, string: str) -> list[Span]:
    """Find the occurrences of a string that are not inside of words, or all if there are none.

    text (str): The text.
    string (str): The string, which must not be empty.
    RETURNS (list[tuple[int, int]]): The character offsets (exclusive ends).
    """
    spans = find_all(text, string)
    whole = [each for each in spans if not any(_is_in_word(text, border) for border in each)]
    return whole or spans


def _is_in_word(text: str, border: int) -> bool:
    around = text[border - 1 : border + 1] if 0 < border < len(text) else ""
    return bool(around) and all(each.isalnum() and not is_wide(each) for each in around)


def find_closest(
    text: str, first: str, second: str, *, find: Find = find_all
) -> list[tuple[Span, Span]]:
    """Find the occurrences of two strings that are closest to each other. Overlapping occurrences
    count only if there are no others.

    text (str): The text.
    first (str): The first string.
    second (str): The second string.
    find (Callable[[str, str], list[tuple[int, int]]]): Function that finds the occurrences.
    RETURNS (list[tuple[tuple[int, int], tuple[int, int]]]): All pairs of occurrences with the
        fewest characters between them.
    """
    firsts, seconds = find(text, first), find(text, second)
    pairs = list(_neighbours(firsts, seconds)) or list(product(firsts, seconds))
    smallest = min((_distance(*pair) for pair in pairs), default=0)
    return [pair for pair in pairs if _distance(*pair) == smallest]


def _neighbours(firsts: list[Span], seconds: list[Span]) -> Iterator[tuple[Span, Span]]:
    """Pair each of the first spans with the closest second spans before and after it."""
    for span in firsts:
        before = bisect_right(seconds, span[0], key=itemgetter(1))
        after = bisect_left(seconds, span[1], key=itemgetter(0))
        for second in (*seconds[max(0, before - 1) : before], *seconds[after : after + 1]):
            yield span, second


def _distance(first: Span, second: Span) -> int:
    return max(0, first[0] - second[1], second[0] - first[1])
