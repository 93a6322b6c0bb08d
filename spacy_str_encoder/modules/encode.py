"""A whole BERT on the pieces of texts alone, without padding.

Texts differ in length. Everything except attention treats each piece by itself, so it runs on the
pieces of many windows laid end to end.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from .bert import BertLayer, attend, feed_forward, gather, layer_dtype


@dataclass(frozen=True)
class Padding:
    """Layout of windows of several lengths as a padded array.

    index (Tensor): Row of each slot; arbitrary for padding. *Shape:* (windows, length).
    slots (Tensor): Slot of each row. *Shape:* (rows,).
    present (Tensor): Boolean mask of the slots that are not padding. *Shape:* (windows, length).
    """

    index: Tensor
    slots: Tensor
    present: Tensor


@dataclass(frozen=True)
class WindowGroup:
    """Windows that attention reads at once.

    count (int): Number of rows.
    windows (int): Number of windows.
    padding (Padding | None): Layout; None if the windows have the same length.
    """

    count: int
    windows: int
    padding: Padding | None


@dataclass(frozen=True)
class WindowChunk:
    """Windows that run through the encoder at once.

    rows (Tensor): Row of each piece in the batch, window by window. *Shape:* (pieces,).
    groups (Sequence[WindowGroup]): The windows in the same order, by similar length.
    """

    rows: Tensor
    groups: Sequence[WindowGroup]


def encode(
    transformer: Any,
    layers: Sequence[BertLayer],
    pieces: Tensor,
    chunks: Sequence[WindowChunk],
    *,
    returned: Sequence[int],
) -> list[Tensor]:
    """Run an encoder.

    transformer (PreTrainedModel): Hugging Face encoder with BERT layers.
    layers (Sequence[BertLayer]): Its layers, or copies of them in lower precision.
    pieces (Tensor): Id, position and type of each row of the batch. *Shape:* (3, rows).
    chunks (Sequence[WindowChunk]): The windows. Rows in none of them are padding.
    returned (Sequence[int]): Numbers of the layers whose output is returned, 0 for the embeddings.
    RETURNS (list[Tensor]): The output of each of these layers, in float32, with zeros for padding.
        *Shape:* (rows, width) each.
    """
    shape = pieces.shape[1], transformer.config.hidden_size
    states = [torch.zeros(shape, device=pieces.device) for _ in returned]
    for chunk in chunks:
        embeddings = embed(transformer, gather(pieces.T, chunk.rows).T)
        outputs = [embeddings.to(layer_dtype(layers[0]))]
        for layer in layers:
            outputs.append(run_layer(layer, outputs[-1], chunk.groups))
        for state, number in zip(states, returned, strict=True):
            state.index_copy_(0, chunk.rows, outputs[number].float())
    return states


def embed(transformer: Any, pieces: Tensor) -> Tensor:
    """Look up the embeddings of pieces.

    transformer (PreTrainedModel): Hugging Face encoder with BERT layers.
    pieces (Tensor): Id, position and type of each piece. *Shape:* (3, pieces).
    RETURNS (Tensor): The embeddings. *Shape:* (pieces, width).
    """
    ids, positions, types = pieces[:, None]
    rows = transformer.embeddings(input_ids=ids, position_ids=positions, token_type_ids=types)[0]
    # The embeddings of ELECTRA are narrower than its layers.
    project = getattr(transformer, "embeddings_project", None)
    return rows if project is None else project(rows)


def run_layer(layer: BertLayer, rows: Tensor, groups: Sequence[WindowGroup]) -> Tensor:
    """Run a layer.

    layer (BertLayer): The layer.
    rows (Tensor): The rows of windows. *Shape:* (rows, width).
    groups (Sequence[WindowGroup]): The windows.
    RETURNS (Tensor): The new rows. *Shape:* (rows, width).
    """
    attention, counts = layer.attention.self, [group.count for group in groups]
    projections = attention.key, attention.value, attention.query
    parts = zip(*(projection(rows).split(counts) for projection in projections), strict=True)
    context = [_attend(layer, group, *part) for group, part in zip(groups, parts, strict=True)]
    return feed_forward(layer, torch.cat(context), rows)


def _attend(
    layer: BertLayer, group: WindowGroup, keys: Tensor, values: Tensor, queries: Tensor
) -> Tensor:
    """RETURNS (Tensor): The context. *Shape:* (rows, width)."""
    padding = group.padding
    if padding is None:
        shape = group.windows, group.count // group.windows, -1
        keys, values, queries = keys.view(shape), values.view(shape), queries.view(shape)
        return attend(layer, keys, values, queries, None).flatten(0, 1)
    keys, values, queries = (gather(part, padding.index) for part in (keys, values, queries))
    return gather(
        attend(layer, keys, values, queries, padding.present).flatten(0, 1), padding.slots
    )
