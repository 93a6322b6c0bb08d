"""Assign pieces to words. Words are numbered in text order; -1 means no word."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import groupby

from ..formats.tokens import Offsets, is_wide

NO_WORD = -1


def find_given_words(pieces: Offsets, words: Offsets) -> list[int]:
    """Number the words of pieces by given words. Words that share a piece count as one.

    pieces (list[tuple[int, int]]): The character offsets of the pieces, in order.
    words (list[tuple[int, int]]): The character offsets of the words, in order.
    RETURNS (list[int]): The number of each piece's word.
    """
    starts, ends = [start for start, _ in words], [end for _, end in words]
    numbers = []
    number, reached = -1, -1
    for start, end in pieces:
        first, last = bisect_right(ends, start), bisect_left(starts, end) - 1
        if last < first:
            numbers.append(NO_WORD)
            continue
        number += first > reached
        reached = max(reached, last)
        numbers.append(number)
    return numbers


def find_own_words(text: str, pieces: Offsets, words: Sequence[int | None]) -> list[int]:
    """Number the words of pieces by the words of the tokenizer.

    Some tokenizers treat a whole sentence without spaces as one word, so each Chinese piece is a
    word of its own.

    text (str): The text.
    pieces (list[tuple[int, int]]): The character offsets of the pieces, in order.
    words (Sequence[int | None]): The number of each piece's word according to the tokenizer.
    RETURNS (list[int]): The number of each piece's word.
    """
    keys: list[tuple[int | None, int] | None] = []
    for (start, end), word in zip(pieces, words, strict=True):
        covered = text[start:end].strip()
        if not covered:
            keys.append(None)
        else:
            keys.append((word, start if is_wide(covered[-1]) else -1))
    runs = enumerate(groupby(keys))
    return [NO_WORD if key is None else number for number, (key, run) in runs for _ in run]
