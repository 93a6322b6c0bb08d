"""Whether the windows of the encoder hold entities, and pairs of them."""

from collections.abc import Sequence

import numpy
from spacy.tokens import Span

from ..arrays import BoolArray, IntArray
from ..pairs.gold import Pair


def find_held(entities: Sequence[Span], windows: IntArray) -> list[bool]:
    """Tell which entities are whole in a window.

    entities (Sequence[Span]): The entities.
    windows (IntArray): Start and end token of each window. *Shape:* (windows, 2).
    RETURNS (list[bool]): Whether each is.
    """
    return numpy.any(_hold(entities, windows), axis=1).tolist()


def find_held_pairs(
    entities: Sequence[Span], pairs: Sequence[Pair], windows: IntArray
) -> list[bool]:
    """Tell which pairs of entities are whole in the same window.

    entities (Sequence[Span]): The entities.
    pairs (Sequence[tuple[int, int]]): The indices of the two.
    windows (IntArray): Start and end token of each window. *Shape:* (windows, 2).
    RETURNS (list[bool]): Whether each is.
    """
    first, second = numpy.array(pairs, dtype="int64").reshape(-1, 2).T
    held = _hold(entities, windows)
    return numpy.any(held[first] & held[second], axis=1).tolist()


def _hold(entities: Sequence[Span], windows: IntArray) -> BoolArray:
    # shape: (entities, windows)
    offsets = numpy.array([(span.start, span.end) for span in entities], dtype="int64")
    start, end = offsets.reshape(-1, 2, 1).swapaxes(0, 1)
    return (windows[:, 0] <= start) & (end <= windows[:, 1])
