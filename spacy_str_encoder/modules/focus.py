"""The top K layers of BERT, run again for each pair of entities on few rows.

Source: Xue et al. 2019, arXiv 1908.07721, section III-B.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from .bert import BertLayer, LayerInput, Part, cls_row, finish_layer, take


@dataclass(frozen=True)
class PackedRows:
    """Rows of some pairs, laid end to end without padding. `[CLS]` is the first of each pair.

    source (Tensor): Which row of a `LayerInput` each of them is. *Shape:* (rows,).
    slots (Tensor): Where each of them goes when the pairs are padded to the same length.
        *Shape:* (rows,).
    index (Tensor): Which of them goes into each slot; any one in the padding.
        *Shape:* (pairs, length).
    present (Tensor): Boolean: which slots are not padding. *Shape:* (pairs, length).
    """

    source: Tensor
    slots: Tensor
    index: Tensor
    present: Tensor

    @property
    def padded_source(self) -> Tensor:
        """RETURNS (Tensor): The source of each slot. *Shape:* (pairs, length)."""
        return self.source[self.index]


@dataclass(frozen=True)
class WindowRows(PackedRows):
    """All rows of the windows that some pairs are in.

    in_focus (Tensor): Boolean: which slots are `[CLS]` or belong to an entity of the pair.
        *Shape:* (pairs, length).
    focus_slots (Tensor): Which slot each of the rows in focus is in, padded as in their own
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

    def take(self, part: Part, index: Tensor) -> Tensor:
        """Take the rows of all pairs, or what was made of them.

        part (Part): `rows`, `queries`, `keys` or `values`.
        index (Tensor): Which rows of the entity path; the first column is not looked at.
            *Shape:* (pairs, length).
        RETURNS (Tensor): *Shape:* (pairs, length, width).
        """
        others = self.entity.take(part, index[:, 1:])
        return torch.cat([getattr(self, part)[:, None], others], dim=1)


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
    memory, index = shared, focus.padded_source
    for layer, following in pairwise(layers):
        rows = _focus_layer(layer, memory, index, focus)
        memory, index = LayerInput(following, rows), focus.index
    if shares is None:
        return cls_row(layers[-1], memory, index, focus.present)
    rows = take(_focus_layer(layers[-1], memory, index, focus), focus.index)
    return (shares.to(rows.dtype) @ rows).flatten(1)


def _focus_layer(layer: BertLayer, memory: LayerInput, index: Tensor, focus: PackedRows) -> Tensor:
    attention = memory.attention_over(index, n_queries=index.shape[1])
    context = attention(memory.take("queries", index), focus.present)
    return finish_layer(layer, context, memory, index, focus.slots)


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
    cls = cls_row(layers[0], shared, focus.padded_source, focus.present)
    if entity is None:
        return cls
    memory: LayerInput = OwnClsInput(layers[1], cls, entity)
    if windows is None:
        return cls_row(layers[1], memory, focus.padded_source, focus.present)
    index = windows.padded_source
    for layer, following in pairwise(layers[1:-1]):
        rows = _window_layer(layer, memory, index, index, windows, windows.slots)
        memory, index = LayerInput(following, rows), windows.index
    queries = index.gather(1, windows.focus_slots)
    rows = _window_layer(layers[-2], memory, queries, index, windows, focus.slots)
    return cls_row(layers[-1], LayerInput(layers[-1], rows), focus.index, focus.present)


def _window_layer(
    layer: BertLayer,
    memory: LayerInput,
    looking: Tensor,
    index: Tensor,
    windows: WindowRows,
    slots: Tensor,
) -> Tensor:
    """Run a layer in which `[CLS]` sees the rows in focus, and others see their whole window.

    Done apart, neither needs a mask that is square.
    """
    queries = memory.take("queries", looking)
    attention = memory.attention_over(index, n_queries=looking.shape[1])
    cls = attention(queries[:, :1], windows.in_focus)
    others = attention(queries[:, 1:], windows.present)
    return finish_layer(layer, torch.cat([cls, others], dim=1), memory, looking, slots)
