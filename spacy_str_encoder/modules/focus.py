"""Focused layers: the top K layers of BERT, run again for each pair under a task mask.

Only the rows that affect the output are computed; see the figure in docs/architecture.md.

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
    """Rows of pairs, laid end to end without padding. `[CLS]` is the first row of each pair.

    rows (Tensor): Index of each row in a `LayerInput`. *Shape:* (rows,).
    slots (Tensor): Slot of each row when the pairs are padded to the same length. *Shape:* (rows,).
    index (Tensor): Index in `rows` for each slot; arbitrary for padding. *Shape:* (pairs, length).
    present (Tensor): Boolean mask of the slots that are not padding. *Shape:* (pairs, length).
    """

    rows: Tensor
    slots: Tensor
    index: Tensor
    present: Tensor

    @property
    def padded_rows(self) -> Tensor:
        """RETURNS (Tensor): Index in the `LayerInput` for each slot. *Shape:* (pairs, length)."""
        return self.rows[self.index]


@dataclass(frozen=True)
class WindowRows(PackedRows):
    """All rows of the windows of pairs.

    in_focus (Tensor): Boolean mask of the slots of `[CLS]` and of the entities of the pair.
        *Shape:* (pairs, length).
    focus_slots (Tensor): Slot of each row in focus, padded as in the `PackedRows` of the rows in
        focus. *Shape:* (pairs, rows in focus).
    """

    in_focus: Tensor
    focus_slots: Tensor


class OwnClsInput(LayerInput):
    """Rows of the entity path, except `[CLS]`, of which each pair has its own."""

    def __init__(self, layer: BertLayer, cls: Tensor, entity: LayerInput) -> None:
        """Hold rows.

        layer (BertLayer): The layer.
        cls (Tensor): `[CLS]` row of each pair. *Shape:* (pairs, width).
        entity (LayerInput): The other rows.
        """
        super().__init__(layer, cls, is_shared=True)
        self.entity = entity

    def gather_rows(self, index: Tensor) -> Tensor:
        """Gather the rows of all pairs.

        index (Tensor): Indices of rows of the entity path; the first column, `[CLS]`, is ignored.
            *Shape:* (pairs, length).
        RETURNS (Tensor): The rows. *Shape:* (pairs, length, width).
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
    """Run the layers under the mask of Eq. 14: the rows in focus see only each other.

    layers (Sequence[BertLayer]): Layers N-K+1 to N.
    shared (LayerInput): Rows of `H_{N-K}`, the input of the first of these layers.
    focus (PackedRows): Rows in focus.
    shares (Tensor | None): Weights of the rows of a pair in each vector to return. If None, the
        only vector is the `[CLS]` row. *Shape:* (pairs, vectors, length).
    RETURNS (Tensor): The concatenated vectors of the last layer. *Shape:* (pairs, vectors * width).
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
    """Run the layers under the mask of Eq. 13: `[CLS]` sees only the rows in focus, all other rows
    see everything.

    After the first layer, only the `[CLS]` row differs from the entity path. The last layer needs
    only the rows in focus, so up to K = 2 the other rows are not needed.

    layers (Sequence[BertLayer]): Layers N-K+1 to N.
    shared (LayerInput): Rows of `H_{N-K}`, the input of the first of these layers.
    entity (LayerInput | None): Rows of the entity path's `H_{N-K+1}`, the input of the second
        layer, if there is one: the rows in focus if K = 2, otherwise all rows of the windows.
    focus (PackedRows): Rows in focus.
    windows (WindowRows | None): Rows of the windows, if K > 2.
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
    """Run a layer in which `[CLS]` sees the rows in focus, and other rows see their whole window.

    Attention runs separately for the two, so that neither needs a square mask.
    """
    queries = source.gather_queries(query_rows)
    attention = source.attention_over(rows, n_queries=query_rows.shape[1])
    cls = attention(queries[:, :1], windows.in_focus)
    others = attention(queries[:, 1:], windows.present)
    return finish_layer(layer, torch.cat([cls, others], dim=1), source, query_rows, slots)
