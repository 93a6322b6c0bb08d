"""The focused layers of BERT: the top K layers, run again under a task mask.

The layers are those of a Hugging Face encoder and are called with its parameters, so that the
entity path and the relation path share every weight.

Source: Xue et al. 2019, arXiv 1908.07721, section III-B.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

# Hugging Face's layers have the same parts in every family, but no type in common.
BertLayer = Any


def top_layers(transformer: Any, focus_layers: int) -> Sequence[BertLayer]:
    """The layers that run once for each task.

    transformer (PreTrainedModel): A Hugging Face encoder whose layers are BERT's.
    focus_layers (int): How many layers from the top, K.
    RETURNS (Sequence[BertLayer]): The layers N-K+1 to N.
    """
    layers = transformer.encoder.layer
    return layers[len(layers) - focus_layers :]


def bert_layer(layer: BertLayer, queries: Tensor, memory: Tensor, attention_mask: Tensor) -> Tensor:
    """One BERT layer in which some rows look at others.

    layer (BertLayer): The layer.
    queries (Tensor): The rows to compute. *Shape:* (batch, queries, width).
    memory (Tensor): The rows they may look at. *Shape:* (batch, keys, width).
    attention_mask (Tensor): Boolean: which query may look at which key; a 1 broadcasts.
        *Shape:* (batch, queries or 1, keys).
    RETURNS (Tensor): *Shape:* (batch, queries, width).
    """
    attention = layer.attention.self
    heads = attention.num_attention_heads
    context = scaled_dot_product_attention(
        _split_heads(attention.query(queries), heads),
        _split_heads(attention.key(memory), heads),
        _split_heads(attention.value(memory), heads),
        attn_mask=attention_mask[:, None],
        dropout_p=attention.dropout.p if layer.training else 0.0,
    )
    attended = layer.attention.output(context.transpose(1, 2).flatten(2), queries)
    return layer.output(layer.intermediate(attended), attended)


def focus(layers: Sequence[BertLayer], hidden_states: Tensor, attention_mask: Tensor) -> Tensor:
    """Run the focused layers, and return what `[CLS]` has seen.

    layers (Sequence[BertLayer]): The layers N-K+1 to N.
    hidden_states (Tensor): Rows of `H_{N-K}`, `[CLS]` first. *Shape:* (pairs, length, width).
    attention_mask (Tensor): Boolean: which row may look at which; a 1 broadcasts.
        *Shape:* (pairs, length or 1, length).
    RETURNS (Tensor): The `[CLS]` row of the last layer. *Shape:* (pairs, width).
    """
    for layer in layers[:-1]:
        hidden_states = bert_layer(layer, hidden_states, hidden_states, attention_mask)
    cls = hidden_states[:, :1]
    return bert_layer(layers[-1], cls, hidden_states, attention_mask[:, :1])[:, 0]


def gather_rows(hidden_states: Tensor, rows: Tensor) -> Tensor:
    """The rows that a pair needs, out of those of the whole batch.

    hidden_states (Tensor): *Shape:* (rows, width).
    rows (Tensor): Which of them. *Shape:* (pairs, length).
    RETURNS (Tensor): *Shape:* (pairs, length, width).
    """
    # Unlike plain indexing, this has a backward pass that needs no sorting.
    gathered = torch.index_select(hidden_states, 0, rows.flatten())
    return gathered.view(*rows.shape, -1)


def _split_heads(rows: Tensor, heads: int) -> Tensor:
    # shape: (batch, length, width) -> (batch, heads, length, width / heads)
    return rows.unflatten(-1, (heads, -1)).transpose(1, 2)
