"""Dividing texts for training and testing."""

from collections.abc import Sequence
from itertools import accumulate

import numpy

from .annotated_text import AnnotatedText

PARTS = {2: ("train", "dev"), 3: ("train", "dev", "test")}


def parse_shares(text: str) -> dict[str, float]:
    """Read shares such as "8:1:1".

    text (str): Two numbers, for training and development, or a third one for testing.
    RETURNS (dict[str, float]): The share of each part.
    RAISES (ValueError): If it is something else.
    """
    try:
        shares = [float(share) for share in text.split(":")]
    except ValueError:
        shares = []
    if len(shares) not in PARTS or not all(0 < share < float("inf") for share in shares):
        raise ValueError(f"'{text}' are no shares of train, dev and test; write 8:1:1 or 9:1")
    return dict(zip(PARTS[len(shares)], shares, strict=True))


def split_texts(
    texts: Sequence[AnnotatedText],
    shares: dict[str, float],
    *,
    seed: int,
    group_by: str | None = None,
) -> dict[str, list[AnnotatedText]]:
    """Divide texts at random. Those that belong together stay together.

    texts (Sequence[AnnotatedText]): The texts.
    shares (dict[str, float]): The share of each part.
    seed (int): The seed of the random order.
    group_by (str | None): The field of their meta data that says what belongs together, such as the
        number of a patient; if None, those with the same text do.
    RETURNS (dict[str, list[AnnotatedText]]): The texts of each part, in the order they had.
    RAISES (ValueError): If a text lacks that field, or a part would be empty.
    """
    groups = _group(texts, group_by)
    order = numpy.random.default_rng(seed).permutation(len(groups))
    bounds = [len(texts) * part / sum(shares.values()) for part in accumulate(shares.values())]
    parts: dict[str, list[int]] = {name: [] for name in shares}
    placed = 0
    for i in order:
        # A group goes where its middle falls.
        middle = placed + len(groups[i]) / 2
        name = next(name for name, bound in zip(shares, bounds, strict=True) if middle < bound)
        parts[name] += groups[i]
        placed += len(groups[i])
    if empty := [name for name, part in parts.items() if not part]:
        what = "different texts" if group_by is None else f"values of '{group_by}'"
        raise ValueError(f"{len(groups)} {what} are too few: '{empty[0]}' would have none")
    return {name: [texts[i] for i in sorted(part)] for name, part in parts.items()}


def _group(texts: Sequence[AnnotatedText], group_by: str | None) -> list[list[int]]:
    groups: dict[str, list[int]] = {}
    for i, annotated in enumerate(texts):
        if group_by is not None and group_by not in annotated.meta:
            raise ValueError(f"{annotated.place}: its meta data have no '{group_by}' to group by")
        key = annotated.text if group_by is None else str(annotated.meta[group_by])
        groups.setdefault(key, []).append(i)
    return list(groups.values())
