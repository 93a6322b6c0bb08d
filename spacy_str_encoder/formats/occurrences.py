"""Strings without offsets: where in their text they are."""

from itertools import product

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
    pairs = list(product(find_all(text, first), find_all(text, second)))
    candidates = [pair for pair in pairs if not _overlap(*pair)] or pairs
    smallest = min((_distance(*pair) for pair in candidates), default=0)
    return [pair for pair in candidates if _distance(*pair) == smallest]


def _overlap(first: Span, second: Span) -> bool:
    return first[0] < second[1] and second[0] < first[1]


def _distance(first: Span, second: Span) -> int:
    return max(0, first[0] - second[1], second[0] - first[1])
