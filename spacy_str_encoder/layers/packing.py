"""Index layouts without padding: NumPy in, torch out, no loop over pieces."""

from collections.abc import Iterator
from typing import Any

import numpy
import torch

from ..arrays import BoolArray, IntArray
from ..modules.encode import Padding, WindowChunk, WindowGroup

# Rows that run through the encoder at once. On a CPU, for each thread: the activations of more rows
# leave the cache of a core, and with fewer rows, threads wait for each other.
CHUNK_ROWS = 1024
CHUNK_ROWS_ON_GPU = 16384
# Share of padding in attention that is worth fewer, larger steps.
PADDING = 0.0
PADDING_ON_GPU = 0.25


def pack_chunks(lengths: IntArray, first_rows: IntArray, device: torch.device) -> list[WindowChunk]:
    """Lay out windows for an encoder, in chunks of similar length.

    lengths (IntArray): Number of pieces of each window. *Shape:* (windows,).
    first_rows (IntArray): First row of each window in the batch. *Shape:* (windows,).
    device (torch.device): Device of the encoder.
    RETURNS (list[WindowChunk]): The chunks, the longest windows first.
    """
    is_gpu = device.type == "cuda"
    max_rows = CHUNK_ROWS_ON_GPU if is_gpu else CHUNK_ROWS * torch.get_num_threads()
    padding = PADDING_ON_GPU if is_gpu else PADDING
    return [
        _pack_chunk(lengths[windows], first_rows[windows], padding, device)
        for windows in cut_by_length(lengths, max_rows=max_rows)
    ]


def _pack_chunk(
    lengths: IntArray, first_rows: IntArray, padding: float, device: torch.device
) -> WindowChunk:
    in_window = numpy.arange(lengths.max()) < lengths[:, None]
    [rows] = to_torch(device, batch_rows(first_rows, in_window))
    # Windows come longest first. A group ends where too much of a window would be padding.
    borders, start = [], 0
    while start < len(lengths):
        fits = lengths >= (1 - padding) * lengths[start]
        borders.append(start)
        start = int(fits.sum())
    groups = [_group(part, device) for part in numpy.split(lengths, borders[1:])]
    return WindowChunk(rows, groups)


def _group(lengths: IntArray, device: torch.device) -> WindowGroup:
    if (lengths == lengths[0]).all():
        return WindowGroup(int(lengths.sum()), len(lengths), None)
    present, slots, index = grid(lengths)
    padding = Padding(*to_torch(device, index, slots, present))
    return WindowGroup(int(lengths.sum()), len(lengths), padding)


def cut_by_length(lengths: IntArray, *, max_rows: int) -> list[IntArray]:
    """Split windows or pairs into chunks of similar length, the longest first.

    lengths (IntArray): Number of rows of each. *Shape:* (windows or pairs,).
    max_rows (int): Maximum number of rows in a chunk, including padding.
    RETURNS (list[IntArray]): The indices of each chunk. A chunk of one may have more rows.
    """
    order = numpy.argsort(-lengths, kind="stable")
    chunks, start = [], 0
    while start < len(order):
        end = start + max(1, max_rows // int(lengths[order[start]]))
        chunks.append(order[start:end])
        start = end
    return chunks


def grid(counts: IntArray) -> tuple[BoolArray, IntArray, IntArray]:
    """Assign packed rows to the slots of a padded array.

    counts (IntArray): Number of rows of each window or pair. *Shape:* (windows or pairs,).
    RETURNS (tuple[BoolArray, IntArray, IntArray]): Whether each slot is used, *shape:* (windows or
        pairs, longest); the slot of each row, *shape:* (rows,); and the row of each slot, *shape:*
        (windows or pairs, longest).
    """
    present = numpy.arange(counts.max(initial=0)) < counts[:, None]
    slots = numpy.flatnonzero(present)
    index = numpy.zeros(present.shape, dtype="int64")
    index[present] = numpy.arange(len(slots))
    return present, slots, index


def batch_rows(first: IntArray, wanted: BoolArray) -> IntArray:
    """Number the rows of windows in their batch.

    first (IntArray): First row of each window. *Shape:* (windows,).
    wanted (BoolArray): The rows of each window to number. *Shape:* (windows, length).
    RETURNS (IntArray): The wanted rows, window by window. *Shape:* (rows,).
    """
    window, column = numpy.nonzero(wanted)
    return first[window] + column


def ranges(first: IntArray, counts: IntArray) -> tuple[IntArray, IntArray]:
    """Lay ranges of numbers end to end.

    first (IntArray): First number of each range. *Shape:* (ranges,).
    counts (IntArray): How many numbers each range has. *Shape:* (ranges,).
    RETURNS (tuple[IntArray, IntArray]): The range of each number, and the number. *Shape:*
        (numbers,) each.
    """
    owner = numpy.repeat(numpy.arange(len(counts)), counts)
    shift = first - (numpy.cumsum(counts) - counts)
    return owner, numpy.arange(len(owner)) + shift[owner]


def to_torch(device: torch.device, *arrays: Any) -> Iterator[torch.Tensor]:
    """RETURNS (Iterator[Tensor]): The arrays on a device."""
    return (torch.from_numpy(array).to(device, non_blocking=True) for array in arrays)
