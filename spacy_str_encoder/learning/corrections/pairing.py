"""Find the same texts in two files."""

import re
from bisect import bisect_right
from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Literal

from ...doc.origin import ID
from ...formats.annotated_text import AnnotatedText
from ...formats.report import ConversionReport

# Characters of texts that are shown side by side, and of what is the same before them.
SHOWN = 40
BEFORE = 10
DIFFERING = "ids with another text in the other file, which are not paired"


@dataclass(frozen=True)
class Pairing:
    """Predicted and corrected texts.

    by (str): Whether they are paired by id or by text.
    pairs (list[tuple[AnnotatedText, AnnotatedText]]): Each predicted text with the corrected one.
    predicted (int): The number of predicted texts that are not paired.
    corrected (int): The number of corrected texts that are not paired.
    """

    by: Literal["id", "text"]
    pairs: list[tuple[AnnotatedText, AnnotatedText]]
    predicted: int
    corrected: int


def pair_texts(
    predicted: Sequence[AnnotatedText], corrected: Sequence[AnnotatedText], report: ConversionReport
) -> Pairing:
    """Pair texts by id if all have one, no two of a side have the same, and the sides share any.
    Otherwise, pair them by their whole text; one that occurs twice is paired in order.

    predicted (Sequence[AnnotatedText]): The texts as a model annotated them.
    corrected (Sequence[AnnotatedText]): The texts as people corrected them.
    report (ConversionReport): The report, to count ids whose texts differ. They are not paired.
    RETURNS (Pairing): The pairs.
    """
    by_id = _share_ids(predicted, corrected)
    places = match(get_id if by_id else get_key, predicted, corrected)
    pairs = [(predicted[i], corrected[j]) for i, j in places]
    for one, other in pairs:
        if not is_same(one, other):
            report.lose_other(DIFFERING, other.place, show_both(one, other))
    pairs = [pair for pair in pairs if is_same(*pair)]
    left = (len(texts) - len(pairs) for texts in (predicted, corrected))
    return Pairing("id" if by_id else "text", pairs, *left)


def _share_ids(*sides: Sequence[AnnotatedText]) -> bool:
    ids = [[get_id(each) for each in texts] for texts in sides]
    are_unique = all(None not in each and len({*each}) == len(each) for each in ids)
    return are_unique and not {*ids[0]}.isdisjoint(ids[1])


def match(
    key: Callable[[AnnotatedText], Hashable | None],
    left: Sequence[AnnotatedText],
    right: Sequence[AnnotatedText],
) -> list[tuple[int, int]]:
    """Match texts with equal keys, in order.

    key (Callable[[AnnotatedText], Hashable | None]): Returns the key of a text; None if it matches
        nothing.
    left (Sequence[AnnotatedText]): Texts.
    right (Sequence[AnnotatedText]): Other texts.
    RETURNS (list[tuple[int, int]]): The numbers of both texts of each match, in the order of the
        first.
    """
    waiting: dict[Hashable, deque[int]] = defaultdict(deque)
    for j, annotated in enumerate(right):
        waiting[key(annotated)].append(j)
    waiting.pop(None, None)
    keys = enumerate(map(key, left))
    return [(i, waiting[each].popleft()) for i, each in keys if waiting.get(each)]


def get_id(annotated: AnnotatedText) -> str | None:
    """RETURNS (str | None): The identifier of a text; None if it has none."""
    found = annotated.meta.get(ID)
    # Formats whose identifiers are names of files have strings in place of numbers.
    return str(found) if type(found) in (str, int) and found != "" else None


def get_key(annotated: AnnotatedText) -> str:
    """RETURNS (str): The text, whatever its line ends and the white space at its own ends."""
    return _unify(annotated.text).strip()


def _unify(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def is_same(one: AnnotatedText, other: AnnotatedText) -> bool:
    """RETURNS (bool): Whether two texts have the same key."""
    return get_key(one) == get_key(other)


def show_both(one: AnnotatedText, other: AnnotatedText) -> str:
    """RETURNS (str): The id of the second of two texts, and both where they begin to differ."""
    keys = [get_key(each) for each in (one, other)]
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(*keys, strict=False)))
    start = max(0, same - BEFORE)
    shown = [f"{'...' if start else ''}{key[start : start + SHOWN]!r}" for key in keys]
    return f"{get_id(other)}: {shown[0]} and {shown[1]}"


def unify(annotated: AnnotatedText) -> AnnotatedText:
    """Write a text as its key: with line feeds as line ends, and without white space at its ends.
    Its tokens are left out.

    annotated (AnnotatedText): The text.
    RETURNS (AnnotatedText): The text, with moved entities.
    """
    ends = [found.end() for found in re.finditer("\r\n", annotated.text)]
    unified = _unify(annotated.text)
    space = len(unified) - len(unified.lstrip())

    def move(offset: int) -> int:
        return offset - bisect_right(ends, offset) - space

    entities = [replace(x, start=move(x.start), end=move(x.end)) for x in annotated.entities]
    return replace(annotated, text=get_key(annotated), entities=entities, tokens=None, source=None)
