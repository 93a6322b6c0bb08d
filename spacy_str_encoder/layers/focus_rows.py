"""Rows of the encoder's output that pairs of entities need. NumPy only."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy
from numpy.typing import NDArray
from spacy_transformers.data_classes import TransformerData

from ..arrays import BoolArray, IntArray

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

    states (list[TransformerData]): The encoder's output for each doc.
    pair_offsets (list[IntArray]): Token offsets of the pairs of each doc, see `doc_focus_rows`.
    RETURNS (FocusRows): The rows of all pairs, doc by doc.
    """
    width = max((data.wordpieces.input_ids.shape[1] for data in states), default=0)
    docs, first_row = [], 0
    for data, offsets in zip(states, pair_offsets, strict=True):
        if len(offsets):
            docs.append(doc_focus_rows(data, offsets, first_row=first_row, width=width))
        first_row += data.wordpieces.input_ids.size
    if not docs:
        nothing = numpy.zeros(0, dtype="int64")
        parts = numpy.zeros((0, width), dtype="uint8")
        return FocusRows(nothing, nothing, parts, nothing > 0, nothing.reshape(0, 2))
    return FocusRows(
        numpy.concatenate([rows.window_start for rows in docs]),
        numpy.concatenate([rows.lengths for rows in docs]),
        numpy.concatenate([rows.parts for rows in docs]),
        numpy.concatenate([rows.reachable for rows in docs]),
        numpy.concatenate([rows.marks for rows in docs]),
    )


def doc_focus_rows(
    data: TransformerData, pair_offsets: IntArray, *, first_row: int = 0, width: int = 0
) -> FocusRows:
    """Find the rows of every pair of a doc, in the window with the most context.

    Of the windows that hold both entities, this is the one in which they are farthest from a
    border. The start and the end of the doc do not count as borders.

    data (TransformerData): The encoder's output for the doc.
    pair_offsets (IntArray): Token offsets: start and end of the first entity, start and end of
        the second, ends exclusive. *Shape:* (pairs, 4).
    first_row (int): Number of rows before those of this doc.
    width (int): Minimum number of columns of `parts`.
    RETURNS (FocusRows): The rows of the pairs.
    """
    length = data.wordpieces.input_ids.shape[1]
    entities, index = numpy.unique(pair_offsets.reshape(-1, 2), axis=0, return_inverse=True)
    entities = _trim(entities, data.align.lengths)
    held = _hold_entities(entities, *_tokens_of_pieces(data))
    pairs = index.reshape(-1, 2)
    windows = _windows_of_pairs(held.margin, pairs)
    reachable = windows >= 0
    windows, (first, second) = windows[reachable], pairs[reachable].T
    parts = numpy.zeros((len(windows), max(width, length)), dtype="uint8")
    parts[:, :length] = FIRST * held.pieces_of(first, windows)
    parts[:, :length] |= SECOND * held.pieces_of(second, windows)
    parts[:, :1] = CLS
    lengths = data.wordpieces.attention_mask.astype("int64").sum(axis=1)
    marks = numpy.zeros((len(windows), 2), dtype="int64")
    return FocusRows(first_row + windows * length, lengths[windows], parts, reachable, marks)


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
    first_token, last_token = _tokens_of_pieces(data)
    after_last = last_token.max(axis=1, initial=-1) + 1
    first = first_token.min(axis=1, initial=len(data.align.lengths))
    return int((after_last - first).max(initial=0))


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


def _tokens_of_pieces(data: TransformerData) -> tuple[IntArray, IntArray]:
    """Find the first and the last token of each piece; special pieces have none.

    RETURNS (tuple[IntArray, IntArray]): *Shape:* (windows, length) each.
    """
    shape = data.wordpieces.input_ids.shape
    n_tokens = len(data.align.lengths)
    tokens = numpy.repeat(numpy.arange(n_tokens), data.align.lengths)
    pieces = data.align.dataXd.ravel()
    first, last = numpy.full(shape, n_tokens), numpy.full(shape, -1)
    numpy.minimum.at(first.reshape(-1), pieces, tokens)
    numpy.maximum.at(last.reshape(-1), pieces, tokens)
    return first, last


@dataclass(frozen=True)
class HeldEntities:
    """Entities, in each window that holds all of their tokens.

    With windows of 8 tokens that start at 0 and 6, an entity of token 7 is in both. In the first
    window it touches the end: its margin is 0. In the second window one token comes before it: its
    margin is 1. The start of the first window and the end of the last one are not borders.

    A table of entities x windows x pieces could get large. So `pieces` is a separate table, with
    one row for each entity in a window that holds it.

    margin (IntArray): Number of tokens between an entity and the nearer border of a window; -1 if
        the window does not hold it. *Shape:* (entities, windows).
    row (IntArray): Row in `pieces` of an entity in a window; -1 if the window does not hold it.
        *Shape:* (entities, windows).
    pieces (BoolArray): Whether each piece of the window belongs to the entity. *Shape:* (entities
        in windows, length).
    """

    margin: IntArray
    row: IntArray
    pieces: BoolArray

    def pieces_of(self, entities: IntArray, windows: IntArray) -> Parts:
        """RETURNS (Parts): 1 for the pieces of entities in windows that hold them. *Shape:*
        (entities, length).
        """
        return self.pieces.view("uint8")[self.row[entities, windows]]


def _hold_entities(entities: IntArray, first_token: IntArray, last_token: IntArray) -> HeldEntities:
    start, end = entities[:, :1], entities[:, 1:]
    n_tokens = int(first_token.max(initial=0))
    window_start = first_token.min(axis=1, initial=n_tokens)
    window_end = last_token.max(axis=1, initial=-1) + 1
    entity, window = numpy.nonzero((window_start <= start) & (end <= window_end))
    pieces = (last_token[window] >= start[entity]) & (first_token[window] < end[entity])
    has_pieces = pieces.any(axis=1)
    entity, window, pieces = entity[has_pieces], window[has_pieces], pieces[has_pieces]
    # There can be tokens without pieces before the first window and after the last.
    before = numpy.where(
        window_start == window_start.min(initial=n_tokens), n_tokens, start - window_start
    )
    after = numpy.where(window_end == window_end.max(initial=0), n_tokens, window_end - end)
    margin, row = numpy.full((2, len(entities), len(first_token)), -1)
    margin[entity, window] = numpy.minimum(before, after)[entity, window]
    row[entity, window] = numpy.arange(len(entity))
    return HeldEntities(margin, row, pieces)


def _windows_of_pairs(margin: IntArray, pairs: IntArray) -> IntArray:
    """RETURNS (IntArray): The window of each pair with the largest margin, which is the smaller of
    the margins of its two entities; -1 if no window holds both. *Shape:* (pairs,).
    """
    windows, widest = numpy.full((2, len(pairs)), -1)
    first, second = pairs.T
    # Windows that hold the entity come first, in text order.
    holding = numpy.argsort(margin < 0, axis=1, kind="stable")
    for column in holding.T[: (margin >= 0).sum(axis=1).max(initial=0)]:
        window = column[first]
        of_pairs = numpy.minimum(margin[first, window], margin[second, window])
        better = of_pairs > widest
        windows[better] = window[better]
        widest[better] = of_pairs[better]
    return windows
