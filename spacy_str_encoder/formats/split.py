"""Split texts for training, development and testing."""

from collections.abc import Sequence
from itertools import accumulate

import numpy

from ..doc.plurals import count_noun
from .annotated_text import AnnotatedText

# So large that their sum is still a number.
MAX_SHARE = 1e9
PARTS = {2: ("train", "dev"), 3: ("train", "dev", "test")}


def parse_shares(text: str) -> dict[str, float]:
    """Parse shares such as "8:1:1".

    text (str): The shares of training and development, and optionally of testing.
    RETURNS (dict[str, float]): The share of each part.
    RAISES (ValueError): If these are not two or three positive numbers.
    """
    try:
        shares = [float(share) for share in text.split(":")]
    except ValueError:
        shares = []
    if len(shares) not in PARTS or not all(0 < share <= MAX_SHARE for share in shares):
        raise ValueError(
            f"the shares of train, dev and test must be two or three positive numbers, such as "
            f"9:1 or 8:1:1, got '{text}'"
        )
    return dict(zip(PARTS[len(shares)], shares, strict=True))


def split_texts(
    texts: Sequence[AnnotatedText],
    shares: dict[str, float],
    *,
    seed: int,
    group_by: str | None = None,
) -> dict[str, list[AnnotatedText]]:
    """Split texts at random. Texts of the same group stay together.

    texts (Sequence[AnnotatedText]): The texts.
    shares (dict[str, float]): The share of each part.
    seed (int): The seed of the random order.
    group_by (str | None): The metadata field that defines the groups, such as the number of a
        patient. If None, identical texts form a group.
    RETURNS (dict[str, list[AnnotatedText]]): The texts of each part, in their original order.
    RAISES (ValueError): If a text lacks that field, or a part would be empty.
    """
    groups = _group(texts, group_by)
    order = numpy.random.default_rng(seed).permutation(len(groups))
    bounds = [len(texts) * part / sum(shares.values()) for part in accumulate(shares.values())]
    parts: dict[str, list[int]] = {name: [] for name in shares}
    placed = 0
    for i in order:
        # A group belongs to the part in which its middle lies.
        middle = placed + len(groups[i]) / 2
        name = next(name for name, bound in zip(shares, bounds, strict=True) if middle < bound)
        parts[name] += groups[i]
        placed += len(groups[i])
    if empty := [name for name, part in parts.items() if not part]:
        counted = count_noun(len(groups), "different text" if group_by is None else "value")
        of = "" if group_by is None else f" of '{group_by}'"
        raise ValueError(f"too few texts to split: with {counted}{of}, '{empty[0]}' would be empty")
    return {name: [texts[i] for i in sorted(part)] for name, part in parts.items()}


def _group(texts: Sequence[AnnotatedText], group_by: str | None) -> list[list[int]]:
    groups: dict[str, list[int]] = {}
    for i, annotated in enumerate(texts):
        if group_by is not None and group_by not in annotated.meta:
            raise ValueError(
                f"{annotated.place}: no field '{group_by}' in the metadata to group by"
            )
        key = annotated.text if group_by is None else str(annotated.meta[group_by])
        groups.setdefault(key, []).append(i)
    return list(groups.values())
