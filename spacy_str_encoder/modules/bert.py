"""BERT layers on gathered rows.

These functions run the layers of a Hugging Face encoder with its own parameters, so that the entity
path and the relation path share every weight. Anything that pairs have in common is computed once
for all of them.

Source: Xue et al. 2019, arXiv 1908.07721, section III-B.
"""

from collections.abc import Callable
from functools import cached_property, partial
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

# The layers of Hugging Face's model families have the same parts, but no common type.
BertLayer = Any
Attention = Callable[[Tensor, Tensor], Tensor]


def layer_dtype(layer: BertLayer) -> torch.dtype:
    """Get the type of the rows that a layer reads.

    layer (BertLayer): The layer.
    RETURNS (torch.dtype): The type.
    """
    dtype: torch.dtype = layer.output.LayerNorm.weight.dtype
    return dtype


class LayerInput:
    """Input rows of a layer, with their queries, keys and values. Each of these is computed once
    for all pairs, and only if needed.
    """

    def __init__(self, layer: BertLayer, rows: Tensor, *, is_shared: bool = False) -> None:
        """Hold rows.

        layer (BertLayer): The layer.
        rows (Tensor): The rows. *Shape:* (rows, width).
        is_shared (bool): Whether pairs share rows.
        """
        self.layer = layer
        self.rows = rows
        self.is_shared = is_shared

    @cached_property
    def queries(self) -> Tensor:
        """RETURNS (Tensor): Queries of the rows. *Shape:* (rows, width)."""
        return self.layer.attention.self.query(self.rows)

    @cached_property
    def keys(self) -> Tensor:
        """RETURNS (Tensor): Keys of the rows. *Shape:* (rows, width)."""
        return self.layer.attention.self.key(self.rows)

    @cached_property
    def values(self) -> Tensor:
        """RETURNS (Tensor): Values of the rows. *Shape:* (rows, width)."""
        return self.layer.attention.self.value(self.rows)

    def project(self) -> None:
        """Compute queries, keys and values now. Inside a checkpoint they would not be kept after
        it.
        """
        _ = self.queries, self.keys, self.values

    def gather_rows(self, index: Tensor) -> Tensor:
        """Gather the rows of some pairs.

        index (Tensor): Indices of the rows. *Shape:* (pairs, length).
        RETURNS (Tensor): The rows. *Shape:* (pairs, length, width).
        """
        return gather(self.rows, index)

    def gather_queries(self, index: Tensor) -> Tensor:
        """Gather the queries of the rows of some pairs, as `gather_rows`."""
        return gather(self.queries, index)

    def gather_keys(self, index: Tensor) -> Tensor:
        """Gather the keys of the rows of some pairs, as `gather_rows`."""
        return gather(self.keys, index)

    def gather_values(self, index: Tensor) -> Tensor:
        """Gather the values of the rows of some pairs, as `gather_rows`."""
        return gather(self.values, index)

    def attention_over(self, index: Tensor, *, n_queries: int) -> Attention:
        """Prepare attention over the rows of some pairs.

        If pairs do not share rows, and there are few queries, it is cheaper to project the queries
        than the rows.

        index (Tensor): Indices of the rows. *Shape:* (pairs, keys).
        n_queries (int): Number of queries of each pair.
        RETURNS (Attention): Function that takes queries and the mask, and returns the context, see
            `attend`.
        """
        attention, n_keys = self.layer.attention.self, index.shape[1]
        width, heads = attention.all_head_size, attention.num_attention_heads
        # In multiply-adds: each head reads the whole width of the rows.
        is_cheaper = n_queries * (width + heads * n_keys) < n_keys * width
        is_dropping = self.layer.training and attention.dropout.p > 0
        if is_cheaper and not self.is_shared and not is_dropping:
            return partial(attend_to_rows, self.layer, self.gather_rows(index))
        return partial(attend, self.layer, self.gather_keys(index), self.gather_values(index))


def cls_row(layer: BertLayer, source: LayerInput, rows: Tensor, mask: Tensor) -> Tensor:
    """Run a layer for the `[CLS]` rows only.

    layer (BertLayer): The layer.
    source (LayerInput): The input of the layer.
    rows (Tensor): Indices of the rows of each pair, `[CLS]` first. *Shape:* (pairs, keys).
    mask (Tensor): Boolean mask of the rows that `[CLS]` sees. *Shape:* (pairs, keys).
    RETURNS (Tensor): The new `[CLS]` rows. *Shape:* (pairs, width).
    """
    cls = source.gather_rows(rows[:, :1])[:, 0]
    queries = layer.attention.self.query(cls)
    context = source.attention_over(rows, n_queries=1)(queries[:, None], mask)
    return feed_forward(layer, context[:, 0], cls)


def attend(
    layer: BertLayer, keys: Tensor, values: Tensor, queries: Tensor, mask: Tensor | None
) -> Tensor:
    """Run attention over the rows of each pair, or of each window.

    layer (BertLayer): The layer.
    keys (Tensor): The keys. *Shape:* (pairs, keys, width).
    values (Tensor): The values. *Shape:* (pairs, keys, width).
    queries (Tensor): The queries. *Shape:* (pairs, queries, width).
    mask (Tensor | None): Boolean mask of the keys that the queries see; None if they see all.
        *Shape:* (pairs, keys).
    RETURNS (Tensor): The context. *Shape:* (pairs, queries, width).
    """
    attention = layer.attention.self
    heads = attention.num_attention_heads
    context = scaled_dot_product_attention(
        _split_heads(queries, heads),
        _split_heads(keys, heads),
        _split_heads(values, heads),
        attn_mask=None if mask is None else mask[:, None, None],
        dropout_p=attention.dropout.p if layer.training else 0.0,
    )
    return context.transpose(1, 2).flatten(2)


def attend_to_rows(layer: BertLayer, rows: Tensor, queries: Tensor, mask: Tensor) -> Tensor:
    """Compute the output of `attend` without keys and values: project the queries into the space of
    the rows, and the context from there into the space of the values.

    `q (K x + b) = (K' q) x + q b`, where softmax ignores the last term, since it is the same for
    all rows. `sum a (V x + c) = V (sum a x) + c`, since attention adds up to 1. This does not hold
    with dropout.

    layer (BertLayer): The layer.
    rows (Tensor): The rows. *Shape:* (pairs, keys, width).
    queries (Tensor): The queries. *Shape:* (pairs, queries, width).
    mask (Tensor): Boolean mask of the rows that the queries see. *Shape:* (pairs, keys).
    RETURNS (Tensor): The context. *Shape:* (pairs, queries, width).
    """
    attention = layer.attention.self
    heads = attention.num_attention_heads
    key, value = (
        projection.weight.unflatten(0, (heads, -1))
        for projection in (attention.key, attention.value)
    )
    projected = torch.einsum("pqhd,hdw->phqw", queries.unflatten(-1, (heads, -1)), key)
    seen = scaled_dot_product_attention(
        projected.flatten(1, 2)[:, None],
        rows[:, None],
        rows[:, None],
        attn_mask=mask[:, None, None],
        scale=attention.attention_head_size**-0.5,
    )
    seen = seen[:, 0].unflatten(1, (heads, -1))
    return torch.einsum("phqw,hdw->pqhd", seen, value).flatten(2) + attention.value.bias


def finish_layer(
    layer: BertLayer, context: Tensor, source: LayerInput, rows: Tensor, slots: Tensor
) -> Tensor:
    """Run the parts of a layer after attention, except on padding.

    layer (BertLayer): The layer.
    context (Tensor): The output of attention. *Shape:* (pairs, length, width).
    source (LayerInput): The input of the layer.
    rows (Tensor): Index of the row in each slot. *Shape:* (pairs, length).
    slots (Tensor): Indices of the slots that are not padding. *Shape:* (rows,).
    RETURNS (Tensor): The new rows. *Shape:* (rows, width).
    """
    residual = gather(source.gather_rows(rows).flatten(0, 1), slots)
    return feed_forward(layer, gather(context.flatten(0, 1), slots), residual)


def gather(table: Tensor, index: Tensor) -> Tensor:
    """Gather rows of a table.

    table (Tensor): The table. *Shape:* (rows, width).
    index (Tensor): Indices of the rows. *Shape:* any.
    RETURNS (Tensor): The rows. *Shape:* (*shape of the index, width).
    """
    # The backward pass of plain indexing would sort the index.
    return table.index_select(0, index.flatten()).view(*index.shape, table.shape[1])


def feed_forward(layer: BertLayer, context: Tensor, rows: Tensor) -> Tensor:
    """Run the parts of a layer after attention.

    layer (BertLayer): The layer.
    context (Tensor): The output of attention. *Shape:* (rows, width).
    rows (Tensor): The rows that the layer reads. *Shape:* (rows, width).
    RETURNS (Tensor): The new rows. *Shape:* (rows, width).
    """
    attended = layer.attention.output(context, rows)
    return layer.output(layer.intermediate(attended), attended)


def _split_heads(rows: Tensor, heads: int) -> Tensor:
    # shape: (batch, length, width) -> (batch, heads, length, width / heads)
    return rows.unflatten(-1, (heads, -1)).transpose(1, 2)
