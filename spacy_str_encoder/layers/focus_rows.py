"""Rows of the encoder's output that pairs of entities need. NumPy only."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy
from numpy.typing import NDArray
from spacy_transformers.data_classes import TransformerData

from ..arrays import BoolArray, IntArray
from .packing import batch_rows, ranges

# Parts of a pair; a piece can belong to several.
CLS, FIRST, SECOND = 1, 2, 4
# Sums of parts.
Parts = NDArray[numpy.uint8]


@dataclass(frozen=True)
class FocusRows:
    """Rows in focus of the reachable pairs: those with both entities in one window.

    window_start (IntArray): First row of the pair's window, among the rows of the whole batch.
        *Shape:* (reachable pairs,).
    lengths (IntArray): Number of pieces in the window. *Shape:* (reachable pairs,).
    parts (Parts): Parts of the pair that each piece of the window belongs to; 0 for pieces out of
        focus. *Shape:* (reachable pairs, length).
    reachable (BoolArray): Whether each pair is reachable. *Shape:* (pairs,).
    marks (IntArray): Mark of each of the two entities, 0 for no mark. A row of the encoder's output
        has one variant for each combination of marks. *Shape:* (reachable pairs, 2).
    n_marks (int): Number of marks, including 0.
    """

    window_start: IntArray
    lengths: IntArray
    parts: Parts
    reachable: BoolArray
    marks: IntArray
    n_marks: int = 1

    @cached_property
    def in_focus(self) -> BoolArray:
        """RETURNS (BoolArray): Mask of the pieces in focus. *Shape:* (reachable pairs, length)."""
        return self.parts > 0


def mark_entities(rows: FocusRows, marks: IntArray, *, n_marks: int) -> FocusRows:
    """Mark the entities of pairs.

    rows (FocusRows): The rows of the pairs.
    marks (IntArray): Mark of each of the two entities. *Shape:* (pairs, 2).
    n_marks (int): Number of marks, including 0.
    RETURNS (FocusRows): The rows with the marks.
    """
    return replace(rows, marks=marks[rows.reachable], n_marks=n_marks)


def batch_focus_rows(states: list[TransformerData], pair_offsets: list[IntArray]) -> FocusRows:
    """Find the rows of every pair of a batch, with the states of all docs laid end to end.

    Of the windows that hold both entities of a pair, this takes the one with the most context, in
    which they are farthest from a border. The start and the end of the doc do not count as borders.

    states (list[TransformerData]): The encoder's output for each doc.
    pair_offsets (list[IntArray]): Token offsets of the pairs of each doc: start and end of the
        first entity, start and end of the second, ends exclusive. *Shape:* (pairs, 4) each.
    RETURNS (FocusRows): The rows of all pairs, doc by doc.
    """
    windows = _lay_out_windows(states)
    entities, pairs = _number_entities(states, pair_offsets)
    held = _hold_entities(_trim(entities, windows.n_pieces), windows)
    chosen = _choose_windows(held, pairs)
    reachable = chosen[:, 0] >= 0
    first, second = chosen[reachable].T
    window = held.window[first]
    parts = FIRST * held.pieces[first] | SECOND * held.pieces[second]
    parts[:, :1] = CLS
    marks = numpy.zeros((len(window), 2), dtype="int64")
    return FocusRows(windows.first_row[window], windows.lengths[window], parts, reachable, marks)


def _number_entities(
    states: list[TransformerData], pair_offsets: list[IntArray]
) -> tuple[IntArray, IntArray]:
    """RETURNS (tuple[IntArray, IntArray]): Start and end token of each entity, with the tokens of
    all docs end to end, *shape:* (entities, 2); and the two entities of each pair, as indices,
    *shape:* (pairs, 2).
    """
    before = numpy.cumsum([0, *(len(data.align.lengths) for data in states)])[:-1]
    offsets = _end_to_end(map(numpy.add, pair_offsets, before)).reshape(-1, 2)
    entities, index = numpy.unique(offsets, axis=0, return_inverse=True)
    return entities, index.reshape(-1, 2)


def _trim(entities: IntArray, lengths: IntArray) -> IntArray:
    """Leave out tokens without pieces at the ends of entities: no window shows them.

    entities (IntArray): Start and end token of each entity. *Shape:* (entities, 2).
    lengths (IntArray): Number of pieces of each token. *Shape:* (tokens,).
    RETURNS (IntArray): The trimmed entities. One without pieces stays as it is.
    """
    tokens = numpy.flatnonzero(lengths)
    first, end = numpy.searchsorted(tokens, entities).T
    has_pieces = first < end
    trimmed = entities.copy()
    trimmed[has_pieces, 0] = tokens[first[has_pieces]]
    trimmed[has_pieces, 1] = tokens[end[has_pieces] - 1] + 1
    return trimmed


def longest_window(data: TransformerData) -> int:
    """RETURNS (int): The number of tokens in the longest window of a doc. No pair within reach
    spans more tokens.
    """
    windows = _lay_out_windows([data])
    return int((windows.end - windows.start).max(initial=0))


def rows_between(rows: FocusRows) -> tuple[IntArray, IntArray]:
    """Find the rows between the two entities of each pair.

    rows (FocusRows): The rows of the pairs.
    RETURNS (tuple[IntArray, IntArray]): First row and the row after the last, among the rows of the
        whole batch. If the entities touch or overlap, the end is not after the start. *Shape:*
        (reachable pairs,) each.
    """
    length = rows.parts.shape[1]
    # shape: (entities of a pair, reachable pairs, length)
    belongs = numpy.stack([rows.parts & FIRST, rows.parts & SECOND]) > 0
    first_column = belongs.argmax(axis=2)
    after_last = length - belongs[:, :, ::-1].argmax(axis=2)
    return rows.window_start + after_last.min(axis=0), rows.window_start + first_column.max(axis=0)


def rows_of_entities(rows: FocusRows) -> tuple[IntArray, IntArray]:
    """Find the rows of the two entities of each pair.

    rows (FocusRows): The rows of the pairs.
    RETURNS (tuple[IntArray, IntArray]): The rows, among those of the whole batch, pair by pair,
        *shape:* (rows,); and their number for each pair, *shape:* (reachable pairs,).
    """
    is_of_entity = rows.parts & (FIRST | SECOND) > 0
    return batch_rows(rows.window_start, is_of_entity), is_of_entity.sum(axis=1)


@dataclass(frozen=True)
class BatchWindows:
    """Windows of a batch, and the pieces of its tokens. Tokens and rows of all docs are laid end to
    end.

    doc (IntArray): Doc of each window. *Shape:* (windows,).
    first_row (IntArray): First row of each window. *Shape:* (windows,).
    lengths (IntArray): Number of pieces of each window. *Shape:* (windows,).
    width (int): Number of rows of the longest window.
    start (IntArray): First token with pieces in each window. *Shape:* (windows,).
    end (IntArray): Token after the last one with pieces in each window. *Shape:* (windows,).
    n_pieces (IntArray): Number of pieces of each token. *Shape:* (tokens,).
    window (IntArray): Window of each piece of a token. *Shape:* (pieces of tokens,).
    column (IntArray): Place of this piece in the window. *Shape:* (pieces of tokens,).
    """

    doc: IntArray
    first_row: IntArray
    lengths: IntArray
    width: int
    start: IntArray
    end: IntArray
    n_pieces: IntArray
    window: IntArray
    column: IntArray


def _lay_out_windows(states: list[TransformerData]) -> BatchWindows:
    shapes = [data.wordpieces.input_ids.shape for data in states]
    counts, widths = numpy.array(shapes, dtype="int64").reshape(-1, 2).T
    doc = numpy.repeat(numpy.arange(len(states)), counts)
    first_row = numpy.cumsum([0, *widths[doc]])[:-1]
    before = numpy.cumsum([0, *counts * widths])[:-1]
    rows = _end_to_end(map(numpy.add, (data.align.dataXd for data in states), before))
    n_pieces = _end_to_end(data.align.lengths for data in states)
    window = numpy.searchsorted(first_row, rows, "right") - 1
    tokens = numpy.repeat(numpy.arange(len(n_pieces)), n_pieces)
    start, end = _reach(window, tokens, tokens + 1, count=len(doc))
    return BatchWindows(
        doc=doc,
        first_row=first_row,
        lengths=_end_to_end(data.wordpieces.attention_mask.sum(axis=1) for data in states),
        width=int(widths.max(initial=0)),
        start=start,
        end=end,
        n_pieces=n_pieces,
        window=window,
        column=rows - first_row[window],
    )


def _end_to_end(arrays: Iterable[Any]) -> IntArray:
    parts = [numpy.zeros(0), *map(numpy.ravel, arrays)]
    return numpy.concatenate(parts, dtype="int64", casting="unsafe")


def _reach(
    owner: IntArray, start: IntArray, end: IntArray, *, count: int
) -> tuple[IntArray, IntArray]:
    """RETURNS (tuple[IntArray, IntArray]): First start and last end of the parts of each owner.
    *Shape:* (count,) each.
    """
    first, last = numpy.full(count, end.max(initial=0)), numpy.zeros(count, dtype="int64")
    numpy.minimum.at(first, owner, start)
    numpy.maximum.at(last, owner, end)
    return first, last


@dataclass(frozen=True)
class HeldEntities:
    """Entities, in each window that holds all of their tokens. In the order of entities, then of
    windows.

    With windows of 8 tokens that start at 0 and 6, an entity of token 7 is in both. In the first
    window it touches the end: its margin is 0. In the second window one token comes before it: its
    margin is 1. The start of the first window and the end of the last one are not borders.

    entity (IntArray): The entity. *Shape:* (entities in windows,).
    window (IntArray): The window that holds it. *Shape:* (entities in windows,).
    margin (IntArray): Number of tokens between the entity and the nearer border of the window.
        *Shape:* (entities in windows,).
    pieces (Parts): 1 for each piece of the window that belongs to the entity, else 0. *Shape:*
        (entities in windows, length).
    """

    entity: IntArray
    window: IntArray
    margin: IntArray
    pieces: Parts


def _hold_entities(entities: IntArray, windows: BatchWindows) -> HeldEntities:
    first, after_last = numpy.cumsum([0, *windows.n_pieces])[entities].T
    entity, piece = ranges(first, after_last - first)
    start, end = entities[entity].T
    window, column = windows.window[piece], windows.column[piece]
    holds = (windows.start[window] <= start) & (end <= windows.end[window])
    keys = (entity * len(windows.doc) + window)[holds]
    keys, held = numpy.unique(keys, return_inverse=True)
    entity, window = numpy.divmod(keys, len(windows.doc))
    pieces = numpy.zeros((len(keys), windows.width), dtype="uint8")
    pieces[held, column[holds]] = 1
    return HeldEntities(entity, window, _margins(entities[entity], window, windows), pieces)


def _margins(entities: IntArray, window: IntArray, windows: BatchWindows) -> IntArray:
    doc = windows.doc
    first, last = _reach(doc, windows.start, windows.end, count=doc.max(initial=-1) + 1)
    # Farther than any border. There can be tokens without pieces before the first window and after
    # the last.
    far = len(windows.n_pieces)
    left = numpy.where(windows.start == first[doc], -far, windows.start)
    right = numpy.where(windows.end == last[doc], 2 * far, windows.end)
    start, end = entities.T
    return numpy.minimum(start - left[window], right[window] - end)


def _choose_windows(held: HeldEntities, pairs: IntArray) -> IntArray:
    """Choose the window of each pair with the largest margin, which is the smaller of the margins
    of its two entities.

    held (HeldEntities): The entities in windows.
    pairs (IntArray): The two entities of each pair. *Shape:* (pairs, 2).
    RETURNS (IntArray): The two entities in this window, as indices of `held`; -1 if no window holds
        both. *Shape:* (pairs, 2).
    """
    chosen, widest = numpy.full((len(pairs), 2), -1), numpy.full(len(pairs), -1)
    n_windows = held.window.max(initial=0) + 1
    keys = held.entity * n_windows + held.window
    start, end = (numpy.searchsorted(held.entity, pairs[:, 0], side) for side in ("left", "right"))
    for i in range((end - start).max(initial=0)):
        pair = numpy.flatnonzero(start + i < end)
        first = start[pair] + i
        wanted = pairs[pair, 1] * n_windows + held.window[first]
        second = numpy.searchsorted(keys, wanted)
        is_held = keys.take(second, mode="clip") == wanted
        pair, first, second = pair[is_held], first[is_held], second[is_held]
        margin = numpy.minimum(held.margin[first], held.margin[second])
        better = margin > widest[pair]
        chosen[pair[better]] = numpy.stack([first, second], axis=1)[better]
        widest[pair[better]] = margin[better]
    return chosen
