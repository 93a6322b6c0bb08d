"""The rows of pairs against a recount with sets, on encoder outputs made by hand."""

import math
from dataclasses import dataclass
from itertools import chain, count

import numpy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy_transformers.data_classes import TransformerData, WordpieceBatch
from thinc.types import Ragged
from transformers.utils import ModelOutput

from spacy_str_encoder.layers.focus_rows import (
    CLS,
    FIRST,
    SECOND,
    FocusRows,
    batch_focus_rows,
)

Entity = tuple[int, int]
Pair = tuple[int, int, int, int]
# The tokens that each piece of a window belongs to; `[CLS]` and `[SEP]` are not among the pieces.
Window = list[set[int]]


@dataclass(frozen=True)
class Sample:
    """A doc in windows, and pairs of its entities."""

    n_tokens: int
    windows: list[Window]
    padding: int
    pairs: list[Pair]

    @property
    def length(self) -> int:
        return max((len(window) + 2 for window in self.windows), default=0) + self.padding

    @property
    def size(self) -> int:
        """How many rows the doc has."""
        return self.length * len(self.windows)

    @property
    def pair_offsets(self) -> numpy.ndarray:
        return numpy.array(self.pairs, dtype="int64").reshape(-1, 4)

    @property
    def data(self) -> TransformerData:
        """What the encoder puts out, but for the states."""
        if not self.windows:
            return TransformerData.empty()
        rows: list[list[int]] = [[] for _ in range(self.n_tokens)]
        attention_mask = numpy.zeros((len(self.windows), self.length), dtype="float32")
        for i, window in enumerate(self.windows):
            attention_mask[i, : len(window) + 2] = 1
            for j, tokens in enumerate(window, start=1):
                for token in tokens:
                    rows[token].append(i * self.length + j)
        wordpieces = WordpieceBatch(
            strings=[[""] * self.length for _ in self.windows],
            input_ids=numpy.zeros(attention_mask.shape, dtype="int64"),
            attention_mask=attention_mask,
            lengths=[self.length for _ in self.windows],
            token_type_ids=None,
        )
        align = Ragged(
            numpy.array([row for token in rows for row in token], dtype="i"),
            numpy.array([len(token) for token in rows], dtype="i"),
        )
        return TransformerData(wordpieces, ModelOutput(), align)


@st.composite
def samples(draw: st.DrawFn) -> Sample:
    n_tokens = draw(st.integers(1, 9))
    window, stride = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    pieces: Window = []
    for token in range(n_tokens):
        if pieces and token - 1 in pieces[-1] and draw(st.integers(0, 9)) == 0:
            # A piece that goes on in the next token.
            pieces[-1].add(token)
        pieces.extend({token} for _ in range(draw(st.sampled_from([0, 1, 1, 1, 2, 3]))))
    most = draw(st.sampled_from([1, 3, 5, 99]))
    starts = range(0, n_tokens, min(stride, window))
    windows = [pieces_between(pieces, start, start + window)[:most] for start in starts]
    spans = st.tuples(st.integers(0, n_tokens - 1), st.integers(1, 4)).map(
        lambda span: (span[0], min(n_tokens, span[0] + span[1]))
    )
    pairs = draw(st.lists(st.tuples(spans, spans).map(lambda p: (*p[0], *p[1])), max_size=6))
    return Sample(n_tokens, windows, draw(st.integers(0, 2)), pairs)


EMPTY = Sample(0, [], 0, [])


def pieces_between(pieces: Window, start: int, end: int) -> Window:
    cut = [{token for token in tokens if start <= token < end} for tokens in pieces]
    return [tokens for tokens in cut if tokens]


def reach(window: Window) -> Entity:
    """From the first to the last token that a window has a piece of."""
    tokens = set().union(*window)
    return min(tokens), max(tokens) + 1


def pieces_of(window: Window, entity: Entity) -> set[int]:
    """The columns of an entity in a window."""
    return {j for j, tokens in enumerate(window, start=1) if tokens & set(range(*entity))}


def trim(windows: list[Window], entity: Entity) -> Entity:
    """An entity without the tokens at its ends that no window has a piece of."""
    read = set().union(*chain.from_iterable(windows))
    seen = sorted(read & set(range(*entity)))
    return (seen[0], seen[-1] + 1) if seen else entity


def holds(window: Window, entity: Entity) -> bool:
    if not pieces_of(window, entity):
        return False
    start, end = reach(window)
    return start <= entity[0] and entity[1] <= end


def room(windows: list[Window], window: Window, entity: Entity) -> float:
    """How many tokens lie between an entity and the nearer border of a window; the start and the
    end of the doc are no borders."""
    first, last = zip(*[reach(w) for w in windows if w], strict=True)
    start, end = reach(window)
    before = math.inf if start == min(first) else entity[0] - start
    after = math.inf if end == max(last) else end - entity[1]
    return min(before, after)


def assert_recount(sample: Sample, rows: FocusRows, offset: int) -> None:
    row = count()
    assert len(rows.window_start) == len(rows.lengths) == len(rows.parts) == rows.reachable.sum()
    assert rows.marks.tolist() == [[0, 0]] * len(rows.window_start)
    for pair, reachable in zip(sample.pairs, rows.reachable, strict=True):
        entities = [trim(sample.windows, entity) for entity in (pair[:2], pair[2:])]
        rooms = {
            j: min(room(sample.windows, window, entity) for entity in entities)
            for j, window in enumerate(sample.windows)
            if all(holds(window, entity) for entity in entities)
        }
        assert bool(reachable) == bool(rooms)
        if rooms:
            i = next(row)
            chosen, rest = divmod(int(rows.window_start[i]) - offset, sample.length)
            assert rest == 0
            assert rooms[chosen] == max(rooms.values())
            window = sample.windows[chosen]
            first, second = (pieces_of(window, entity) for entity in entities)
            for part, expected in [(CLS, {0}), (FIRST, first), (SECOND, second)]:
                assert set(numpy.flatnonzero(rows.parts[i] & part).tolist()) == expected
            assert set(numpy.flatnonzero(rows.in_focus[i]).tolist()) == {0} | first | second
            assert rows.lengths[i] == len(window) + 2


def focus_rows_of(sample: Sample) -> FocusRows:
    return batch_focus_rows([sample.data], [sample.pair_offsets])


@given(samples())
@settings(max_examples=200, deadline=None)
def test_rows_of_a_doc(sample: Sample) -> None:
    rows = focus_rows_of(sample)
    assert rows.in_focus.shape[1] == sample.length
    assert_recount(sample, rows, 0)


@given(st.lists(samples() | st.just(EMPTY), max_size=4))
@settings(max_examples=50, deadline=None)
def test_rows_of_a_batch(batch: list[Sample]) -> None:
    data, pairs = [s.data for s in batch], [s.pair_offsets for s in batch]
    rows = batch_focus_rows(data, pairs)
    width = max((sample.length for sample in batch), default=0)
    assert rows.in_focus.shape[1] == width
    ends = numpy.cumsum([len(sample.pairs) for sample in batch])
    reachable_of_docs = numpy.split(rows.reachable, ends)
    assert len(rows.reachable) == (ends[-1] if batch else 0)
    offset = start = 0
    for sample, reachable in zip(batch, reachable_of_docs, strict=False):
        end = start + int(reachable.sum())
        first, lengths, parts, marks = (
            array[start:end] for array in (rows.window_start, rows.lengths, rows.parts, rows.marks)
        )
        assert_recount(sample, FocusRows(first, lengths, parts, reachable, marks), offset)
        offset += sample.size
        start = end
    assert start == len(rows.window_start)


def one_piece_a_token(n_tokens: int, *spans: Entity) -> list[Window]:
    return [[{token} for token in range(start, end)] for start, end in spans]


def test_the_window_with_most_room_is_chosen() -> None:
    windows = one_piece_a_token(10, (0, 6), (2, 8), (4, 10))
    pairs = [(4, 5, 5, 6), (0, 1, 3, 4), (8, 9, 9, 10), (0, 1, 9, 10)]
    sample = Sample(10, windows, 0, pairs)
    rows = focus_rows_of(sample)
    # The pair of tokens 4 and 5 touches the border of the first window and of the last.
    assert rows.window_start.tolist() == [8, 0, 16]
    assert rows.reachable.tolist() == [True, True, True, False]


def test_the_ends_of_a_doc_are_no_borders() -> None:
    sample = Sample(7, one_piece_a_token(7, (0, 5), (2, 7)), 0, [(2, 3, 3, 4), (3, 4, 4, 5)])
    assert focus_rows_of(sample).window_start.tolist() == [0, 7]


def test_tokens_without_pieces_at_the_start_are_no_border() -> None:
    # As in a doc that begins with a space: no window shows what is not there.
    windows = [[{1}, {2}, {3}, {4}], [{1}, {2}, {3}, {4}, {5}], [{3}, {4}, {5}, {6}, {7}]]
    assert focus_rows_of(Sample(8, windows, 0, [(2, 3, 3, 4)])).window_start.tolist() == [7]


def test_overlapping_entities_are_in_focus_once() -> None:
    windows: list[Window] = [[{0}, {0}, {1}, {2}, {3}]]
    rows = focus_rows_of(Sample(4, windows, 1, [(0, 2, 1, 3), (0, 4, 1, 2), (1, 2, 1, 2)]))
    assert [numpy.flatnonzero(row).tolist() for row in rows.in_focus] == [
        [0, 1, 2, 3, 4],
        [0, 1, 2, 3, 4, 5],
        [0, 3],
    ]


def test_entities_are_reached_by_their_tokens_that_have_pieces() -> None:
    pairs = [(1, 2, 0, 1), (1, 2, 4, 5), (0, 2, 2, 3), (1, 2, 3, 5)]
    sample = Sample(5, [[{1}, {2}, {3}]], 0, pairs)
    rows = focus_rows_of(sample)
    assert rows.reachable.tolist() == [False, False, True, True]
    assert [numpy.flatnonzero(row).tolist() for row in rows.in_focus] == [[0, 1, 2], [0, 1, 3]]


def test_no_docs_have_no_rows() -> None:
    rows = batch_focus_rows([], [])
    assert rows.in_focus.shape == (0, 0)
    assert rows.reachable.tolist() == []
