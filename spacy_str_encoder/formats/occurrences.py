"""Strings without offsets: where in their text they are."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import product
from operator import itemgetter

Span = tuple[int, int]


def find_all(text: str, string: str) -> list[Span]:
    """Find all occurrences of a string, those too that overlap each other.

    text (str): The text.
    string (str): The string; not empty.
    RETURNS (list[tuple[int, int]]): Their offsets, the ends exclusive.
    """
    spans = []
    start = text.find(string)
    while start >= 0:
        spans.append((start, start + len(string)))
        start = text.find(string, start + 1)
    return spans


def find_closest(text: str, first: str, second: str) -> list[tuple[Span, Span]]:
    """Find where two strings are closest to each other. Occurrences that overlap count only where
    there are no others.

    text (str): The text.
    first (str): A string.
    second (str): Another string.
    RETURNS (list[tuple[tuple[int, int], tuple[int, int]]]): Every pair of an occurrence of the
        first and one of the second with the fewest characters between them.
    """
    firsts, seconds = find_all(text, first), find_all(text, second)
    pairs = list(_neighbours(firsts, seconds)) or list(product(firsts, seconds))
    smallest = min((_distance(*pair) for pair in pairs), default=0)
    return [pair for pair in pairs if _distance(*pair) == smallest]


def _neighbours(firsts: list[Span], seconds: list[Span]) -> Iterator[tuple[Span, Span]]:
    """Each of the first spans with the one that ends before it, and the one that begins after."""
    for span in firsts:
        before = bisect_right(seconds, span[0], key=itemgetter(1))
        after = bisect_left(seconds, span[1], key=itemgetter(0))
        for second in (*seconds[max(0, before - 1) : before], *seconds[after : after + 1]):
            yield span, second


def _distance(first: Span, second: Span) -> int:
    return max(0, first[0] - second[1], second[0] - first[1])
