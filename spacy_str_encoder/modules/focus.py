"""The focused layers: the top K layers of BERT, run again for each pair under a task mask.

Rows that no answer depends on are not computed; docs/architecture.md has a figure of the others.

Source: Xue et al. 2019, arXiv 1908.07721, section III-B.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from .bert import BertLayer, LayerInput, cls_row, finish_layer, gather


@dataclass(frozen=True)
class PackedRows:
    """Rows of some pairs, laid end to end without padding. `[CLS]` is the first of each pair.

    rows (Tensor): The row of a `LayerInput` that each of them is. *Shape:* (rows,).
    slots (Tensor): The slot of each of them when the pairs are padded to the same length.
        *Shape:* (rows,).
    index (Tensor): The one of them in each slot; any one in the padding. *Shape:* (pairs, length).
    present (Tensor): Boolean: the slots that are not padding. *Shape:* (pairs, length).
    """

    rows: Tensor
    slots: Tensor
    index: Tensor
    present: Tensor

    @property
    def padded_rows(self) -> Tensor:
        """RETURNS (Tensor): The row of the `LayerInput` in each slot. *Shape:* (pairs, length)."""
        return self.rows[self.index]


@dataclass(frozen=True)
class WindowRows(PackedRows):
    """All rows of the windows that some pairs are in.

    in_focus (Tensor): Boolean: the slots of `[CLS]` and of the entities of the pair.
        *Shape:* (pairs, length).
    focus_slots (Tensor): The slot of each of the rows in focus, padded as in their own
        `PackedRows`. *Shape:* (pairs, rows in focus).
    """

    in_focus: Tensor
    focus_slots: Tensor


class OwnClsInput(LayerInput):
    """Rows of the entity path, but for `[CLS]`, of which each pair has its own."""

    def __init__(self, layer: BertLayer, cls: Tensor, entity: LayerInput) -> None:
        """Hold rows.

        layer (BertLayer): The layer.
        cls (Tensor): The `[CLS]` row of each pair. *Shape:* (pairs, width).
        entity (LayerInput): The other rows.
        """
        super().__init__(layer, cls, is_shared=True)
        self.entity = entity

    def gather_rows(self, index: Tensor) -> Tensor:
        """Gather the rows of all pairs.

        index (Tensor): Rows of the entity path; the first column, `[CLS]`, is not read.
            *Shape:* (pairs, length).
        RETURNS (Tensor): *Shape:* (pairs, length, width).
        """
        return self._with_cls(self.rows, self.entity.gather_rows(index[:, 1:]))

    def gather_queries(self, index: Tensor) -> Tensor:
        """Gather the queries of the rows of all pairs, as `gather_rows`."""
        return self._with_cls(self.queries, self.entity.gather_queries(index[:, 1:]))

    def gather_keys(self, index: Tensor) -> Tensor:
        """Gather the keys of the rows of all pairs, as `gather_rows`."""
        return self._with_cls(self.keys, self.entity.gather_keys(index[:, 1:]))

    def gather_values(self, index: Tensor) -> Tensor:
        """Gather the values of the rows of all pairs, as `gather_rows`."""
        return self._with_cls(self.values, self.entity.gather_values(index[:, 1:]))

    @staticmethod
    def _with_cls(cls: Tensor, others: Tensor) -> Tensor:
        return torch.cat([cls[:, None], others], dim=1)


def focus_pair(
    layers: Sequence[BertLayer],
    shared: LayerInput,
    focus: PackedRows,
    shares: Tensor | None = None,
) -> Tensor:
    """Look at pairs under the mask of Eq. 14: the rows in focus see only each other.

    layers (Sequence[BertLayer]): The layers N-K+1 to N.
    shared (LayerInput): Rows of `H_{N-K}`, on their way into the first of these layers.
    focus (PackedRows): The rows in focus.
    shares (Tensor | None): The share of each row of a pair in each of the vectors to return. If
        None, the vector is the `[CLS]` row. *Shape:* (pairs, vectors, length).
    RETURNS (Tensor): These vectors of the last layer, side by side.
        *Shape:* (pairs, vectors * width).
    """
    source, rows = shared, focus.padded_rows
    for layer, following in pairwise(layers):
        output = _focus_layer(layer, source, rows, focus)
        source, rows = LayerInput(following, output), focus.index
    if shares is None:
        return cls_row(layers[-1], source, rows, focus.present)
    output = gather(_focus_layer(layers[-1], source, rows, focus), focus.index)
    return (shares.to(output.dtype) @ output).flatten(1)


def _focus_layer(layer: BertLayer, source: LayerInput, rows: Tensor, focus: PackedRows) -> Tensor:
    attention = source.attention_over(rows, n_queries=rows.shape[1])
    context = attention(source.gather_queries(rows), focus.present)
    return finish_layer(layer, context, source, rows, focus.slots)


def focus_cls(
    layers: Sequence[BertLayer],
    shared: LayerInput,
    entity: LayerInput | None,
    focus: PackedRows,
    windows: WindowRows | None,
) -> Tensor:
    """Look at pairs under the mask of Eq. 13: `[CLS]` sees only the rows in focus, all other rows
    see everything.

    After the first layer only the `[CLS]` row differs from the entity path. The last layer needs
    the rows in focus alone, so up to K = 2 there is no need for the others.

    layers (Sequence[BertLayer]): The layers N-K+1 to N.
    shared (LayerInput): Rows of `H_{N-K}`, on their way into the first of these layers.
    entity (LayerInput | None): Rows of the entity path's `H_{N-K+1}`, on their way into the
        second layer, if there is one: those in focus if K = 2, else those of the windows.
    focus (PackedRows): The rows in focus.
    windows (WindowRows | None): The rows of the windows, if K > 2.
    RETURNS (Tensor): The `[CLS]` row of the last layer. *Shape:* (pairs, width).
    """
    cls = cls_row(layers[0], shared, focus.padded_rows, focus.present)
    if entity is None:
        return cls
    source: LayerInput = OwnClsInput(layers[1], cls, entity)
    if windows is None:
        return cls_row(layers[1], source, focus.padded_rows, focus.present)
    rows = windows.padded_rows
    for layer, following in pairwise(layers[1:-1]):
        output = _window_layer(layer, source, rows, rows, windows, windows.slots)
        source, rows = LayerInput(following, output), windows.index
    query_rows = rows.gather(1, windows.focus_slots)
    output = _window_layer(layers[-2], source, query_rows, rows, windows, focus.slots)
    return cls_row(layers[-1], LayerInput(layers[-1], output), focus.index, focus.present)


def _window_layer(
    layer: BertLayer,
    source: LayerInput,
    query_rows: Tensor,
    rows: Tensor,
    windows: WindowRows,
    slots: Tensor,
) -> Tensor:
    """Run a layer in which `[CLS]` sees the rows in focus, and others see their whole window.

    Done apart, neither needs a square mask.
    """
    queries = source.gather_queries(query_rows)
    attention = source.attention_over(rows, n_queries=query_rows.shape[1])
    cls = attention(queries[:, :1], windows.in_focus)
    others = attention(queries[:, 1:], windows.present)
    return finish_layer(layer, torch.cat([cls, others], dim=1), source, query_rows, slots)
