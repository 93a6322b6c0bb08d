import torch
from torch import Tensor


def range_maxima(rows: Tensor, start: Tensor, end: Tensor) -> Tensor:
    """Compute the maxima of ranges of rows. Maxima of 1, 2, 4, ... consecutive rows are computed
    once for all ranges; two of them, which may overlap, cover a range.

    Source: Bender and Farach-Colton 2000, "The LCA Problem Revisited" (LATIN): sparse tables.

    rows (Tensor): The rows. *Shape:* (rows, width).
    start (Tensor): Start of each range. *Shape:* (ranges,).
    end (Tensor): End of each range, exclusive; a range is empty if it does not end after its start.
        *Shape:* (ranges,).
    RETURNS (Tensor): The maxima, zeros for an empty range. *Shape:* (ranges, width).
    """
    maxima = rows.new_zeros(len(start), rows.shape[1])
    lengths = end - start
    longest, size = int(lengths.max()) if len(lengths) else 0, 1
    while size <= longest:
        # shape: (ranges of at least this many rows and fewer than twice as many,)
        ranges = torch.nonzero((lengths >= size) & (lengths < 2 * size)).squeeze(1)
        covered = torch.maximum(rows[start[ranges]], rows[end[ranges] - size])
        maxima = maxima.index_copy(0, ranges, covered)
        rows = torch.maximum(rows[:-size], rows[size:])
        size *= 2
    return maxima
