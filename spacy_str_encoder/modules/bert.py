"""The layers of BERT on gathered rows.

The layers are those of a Hugging Face encoder and are called with its parameters, so that the
entity path and the relation path share every weight. What pairs have in common is computed once
for all of them.

Source: Xue et al. 2019, arXiv 1908.07721, section III-B.
"""

from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

# Hugging Face's layers have the same parts in every family, but no type in common.
BertLayer = Any
Attention = Callable[[Tensor, Tensor], Tensor]


def top_layers(transformer: Any, focus_layers: int) -> Sequence[BertLayer]:
    """Return the layers that run once for each task.

    transformer (PreTrainedModel): A Hugging Face encoder whose layers are BERT's.
    focus_layers (int): The number of layers from the top, K.
    RETURNS (Sequence[BertLayer]): The layers N-K+1 to N.
    """
    layers = transformer.encoder.layer
    return layers[len(layers) - focus_layers :]


class LayerInput:
    """Rows on their way into a layer, with their queries, keys and values. Each of these is
    computed once, if it is needed, for any number of pairs.
    """

    def __init__(self, layer: BertLayer, rows: Tensor, *, is_shared: bool = False) -> None:
        """Hold rows.

        layer (BertLayer): The layer.
        rows (Tensor): *Shape:* (rows, width).
        is_shared (bool): Whether pairs have rows in common.
        """
        self.layer = layer
        self.rows = rows
        self.is_shared = is_shared

    @cached_property
    def queries(self) -> Tensor:
        """RETURNS (Tensor): *Shape:* (rows, width)."""
        return self.layer.attention.self.query(self.rows)

    @cached_property
    def keys(self) -> Tensor:
        """RETURNS (Tensor): *Shape:* (rows, width)."""
        return self.layer.attention.self.key(self.rows)

    @cached_property
    def values(self) -> Tensor:
        """RETURNS (Tensor): *Shape:* (rows, width)."""
        return self.layer.attention.self.value(self.rows)

    def project(self) -> None:
        """Compute queries, keys and values now: those computed inside a checkpoint do not outlive
        it.
        """
        _ = self.queries, self.keys, self.values

    def gather_rows(self, index: Tensor) -> Tensor:
        """Gather the rows of some pairs.

        index (Tensor): The rows. *Shape:* (pairs, length).
        RETURNS (Tensor): *Shape:* (pairs, length, width).
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

        Few queries over rows of the pair's own are cheaper to project than the rows.

        index (Tensor): The rows. *Shape:* (pairs, keys).
        n_queries (int): The number of queries of each pair.
        RETURNS (Attention): Takes queries and the mask, and returns the context, as `attend`.
        """
        attention, n_keys = self.layer.attention.self, index.shape[1]
        width, heads = attention.all_head_size, attention.num_attention_heads
        # In multiply-adds: each head looks at the whole width of the rows.
        is_cheaper = n_queries * (width + heads * n_keys) < n_keys * width
        is_dropping = self.layer.training and attention.dropout.p > 0
        if is_cheaper and not self.is_shared and not is_dropping:
            return partial(attend_to_rows, self.layer, self.gather_rows(index))
        return partial(attend, self.layer, self.gather_keys(index), self.gather_values(index))


def cls_row(layer: BertLayer, source: LayerInput, rows: Tensor, mask: Tensor) -> Tensor:
    """Run a layer for the `[CLS]` rows alone.

    layer (BertLayer): The layer.
    source (LayerInput): The input of the layer.
    rows (Tensor): The rows of each pair, `[CLS]` first. *Shape:* (pairs, keys).
    mask (Tensor): Boolean: the rows that `[CLS]` may look at. *Shape:* (pairs, keys).
    RETURNS (Tensor): *Shape:* (pairs, width).
    """
    cls = source.gather_rows(rows[:, :1])[:, 0]
    queries = layer.attention.self.query(cls)
    context = source.attention_over(rows, n_queries=1)(queries[:, None], mask)
    return _feed_forward(layer, context[:, 0], cls)


def attend(layer: BertLayer, keys: Tensor, values: Tensor, queries: Tensor, mask: Tensor) -> Tensor:
    """Run attention over the rows of each pair.

    layer (BertLayer): The layer.
    keys (Tensor): *Shape:* (pairs, keys, width).
    values (Tensor): *Shape:* (pairs, keys, width).
    queries (Tensor): *Shape:* (pairs, queries, width).
    mask (Tensor): Boolean: the keys that the queries may look at. *Shape:* (pairs, keys).
    RETURNS (Tensor): The context. *Shape:* (pairs, queries, width).
    """
    attention = layer.attention.self
    heads = attention.num_attention_heads
    context = scaled_dot_product_attention(
        _split_heads(queries, heads),
        _split_heads(keys, heads),
        _split_heads(values, heads),
        attn_mask=mask[:, None, None],
        dropout_p=attention.dropout.p if layer.training else 0.0,
    )
    return context.transpose(1, 2).flatten(2)


def attend_to_rows(layer: BertLayer, rows: Tensor, queries: Tensor, mask: Tensor) -> Tensor:
    """Do the same as `attend` without keys and values: the queries are projected into the space of
    the rows, and the context there is projected into that of the values.

    `q (K x + b) = (K' q) x + q b`, of which softmax ignores the last term, since it is the same
    for all rows; and `sum a (V x + c) = V (sum a x) + c`, since attention adds up to 1. With
    dropout it does not.

    layer (BertLayer): The layer.
    rows (Tensor): *Shape:* (pairs, keys, width).
    queries (Tensor): *Shape:* (pairs, queries, width).
    mask (Tensor): Boolean: the rows that the queries may look at. *Shape:* (pairs, keys).
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
    """Run the parts of a layer that follow attention, on the rows that are not padding.

    layer (BertLayer): The layer.
    context (Tensor): The output of attention. *Shape:* (pairs, length, width).
    source (LayerInput): The input of the layer.
    rows (Tensor): The row in each slot. *Shape:* (pairs, length).
    slots (Tensor): The slots that are not padding. *Shape:* (rows,).
    RETURNS (Tensor): The new rows. *Shape:* (rows, width).
    """
    residual = gather(source.gather_rows(rows).flatten(0, 1), slots)
    return _feed_forward(layer, gather(context.flatten(0, 1), slots), residual)


def gather(table: Tensor, index: Tensor) -> Tensor:
    """Gather rows of a table.

    table (Tensor): *Shape:* (rows, width).
    index (Tensor): The rows. *Shape:* any.
    RETURNS (Tensor): *Shape:* that of the index, and width.
    """
    # Unlike plain indexing, this has a backward pass that needs no sorting.
    return table.index_select(0, index.flatten()).view(*index.shape, table.shape[1])


def _feed_forward(layer: BertLayer, context: Tensor, rows: Tensor) -> Tensor:
    attended = layer.attention.output(context, rows)
    return layer.output(layer.intermediate(attended), attended)


def _split_heads(rows: Tensor, heads: int) -> Tensor:
    # shape: (batch, length, width) -> (batch, heads, length, width / heads)
    return rows.unflatten(-1, (heads, -1)).transpose(1, 2)
