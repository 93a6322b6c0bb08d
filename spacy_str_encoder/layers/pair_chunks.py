"""Index layouts of the rows of pairs."""

import numpy
import torch

from ..arrays import BoolArray, IntArray
from ..modules.focus import PackedRows, WindowRows
from .focus_rows import CLS, FIRST, SECOND, FocusRows
from .packing import batch_rows, cut_by_length, grid, to_torch

# Maximum number of rows in one step through the focused layers. On a CPU, just enough to keep it
# busy, since the activations of one row of BERT-base take 60 KB or more; a GPU needs more rows. In
# training, the activations of a single chunk are kept; those of several chunks are recomputed in
# the backward pass.
MAX_ROWS = 1536
MAX_ROWS_ON_GPU = 4096
MAX_ROWS_IN_TRAINING = 8192


def most_rows(state: torch.Tensor) -> int:
    """Choose the maximum number of rows in one step.

    state (Tensor): A state of the encoder.
    RETURNS (int): The number of rows.
    """
    if torch.is_grad_enabled():
        return MAX_ROWS_IN_TRAINING
    return MAX_ROWS_ON_GPU if state.is_cuda else MAX_ROWS


def cut_into_chunks(rows: FocusRows, *, max_rows: int, whole_windows: bool) -> list[IntArray]:
    """Split pairs into chunks of similar length, the longest first.

    rows (FocusRows): The rows of the pairs.
    max_rows (int): Maximum number of rows in a chunk, including padding.
    whole_windows (bool): Whether to count the rows out of focus too.
    RETURNS (list[IntArray]): The pairs of each chunk. A chunk of one pair may have more rows.
    """
    lengths = rows.lengths if whole_windows else rows.in_focus.sum(axis=1)
    return cut_by_length(lengths, max_rows=max_rows)


def variants_in_focus(rows: FocusRows) -> IntArray:
    """RETURNS (IntArray): The row variants that are in focus for any pair, ascending; see
    `decode_variants`.
    """
    return numpy.unique(_focus_variants(rows, slice(None)))


def decode_variants(rows: FocusRows, variants: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """Split variants into rows and marks. A variant of a row is encoded as one integer, so that
    `numpy.unique` and `numpy.searchsorted` apply to it.

    rows (FocusRows): The rows of all pairs.
    variants (IntArray): The variants. *Shape:* any.
    RETURNS (tuple[IntArray, IntArray, IntArray]): The row of the batch; its mark as part of the
        first entity of a pair, and its mark as part of the second entity, 0 for no mark.
    """
    rest, second = numpy.divmod(variants, rows.n_marks)
    return *numpy.divmod(rest, rows.n_marks), second


def _encode_variants(rows: FocusRows, row: IntArray, first: IntArray, second: IntArray) -> IntArray:
    return (row * rows.n_marks + first) * rows.n_marks + second


def _focus_variants(rows: FocusRows, pairs: IntArray | slice) -> IntArray:
    # The order is pair by pair.
    parts = rows.parts[pairs]
    pair, column = numpy.nonzero(parts)
    part = parts[pair, column]
    first, second = rows.marks[pairs][pair].T
    # A row has the mark of an entity if it is part of the entity.
    marks = first * (part & FIRST > 0), second * (part & SECOND > 0)
    return _encode_variants(rows, rows.window_start[pairs][pair] + column, *marks)


def rows_of_windows(rows: FocusRows) -> IntArray:
    """RETURNS (IntArray): The rows of the batch in the window of any pair, ascending."""
    first, pairs = numpy.unique(rows.window_start, return_index=True)
    return batch_rows(first, _in_window(rows, pairs))


def pack_focus(
    rows: FocusRows, pairs: IntArray, table: IntArray, device: torch.device
) -> PackedRows:
    """Lay out the rows in focus.

    rows (FocusRows): The rows of all pairs.
    pairs (IntArray): The pairs to lay out.
    table (IntArray): The row variants of the layer input, ascending.
    device (torch.device): Device of the indices.
    RETURNS (PackedRows): The layout.
    """
    packed = numpy.searchsorted(table, _focus_variants(rows, pairs))
    present, slots, index = grid(rows.in_focus[pairs].sum(axis=1))
    return PackedRows(*to_torch(device, packed, slots, index, present))


def shares_of_parts(rows: FocusRows, pairs: IntArray, present: torch.Tensor) -> torch.Tensor:
    """Compute the weights that turn the rows in focus into `[CLS]` and the mean of each entity.

    rows (FocusRows): The rows of all pairs.
    pairs (IntArray): The pairs.
    present (Tensor): Whether each slot has a row, see `pack_focus`. *Shape:* (pairs, length).
    RETURNS (Tensor): The weights. *Shape:* (pairs, 3, length).
    """
    parts = rows.parts[pairs]
    [in_focus] = to_torch(present.device, parts[parts > 0])
    packed = torch.zeros_like(present, dtype=torch.uint8).masked_scatter_(present, in_focus)
    belongs = packed[:, None] & packed.new_tensor([CLS, FIRST, SECOND])[:, None] > 0
    return belongs / belongs.sum(dim=2, keepdim=True)


def pack_windows(
    rows: FocusRows, pairs: IntArray, table: IntArray, device: torch.device
) -> WindowRows:
    """Lay out all rows of the windows of pairs.

    rows (FocusRows): The rows of all pairs.
    pairs (IntArray): The pairs to lay out.
    table (IntArray): The rows of the batch in the layer input, ascending.
    device (torch.device): Device of the indices.
    RETURNS (WindowRows): The layout.
    """
    in_window = _in_window(rows, pairs)
    packed = numpy.searchsorted(table, batch_rows(rows.window_start[pairs], in_window))
    present, slots, index = grid(in_window.sum(axis=1))
    in_focus = rows.in_focus[pairs, : present.shape[1]]
    focus, _, focus_slots = grid(in_focus.sum(axis=1))
    focus_slots[focus] = numpy.nonzero(in_focus)[1]
    parts = (packed, slots, index, present, in_focus, focus_slots)
    return WindowRows(*to_torch(device, *parts))


def _in_window(rows: FocusRows, pairs: IntArray) -> BoolArray:
    # shape: (pairs, length)
    return numpy.arange(rows.in_focus.shape[1]) < rows.lengths[pairs, None]
