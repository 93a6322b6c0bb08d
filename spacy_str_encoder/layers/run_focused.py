"""Running the focused layers for candidate pairs, chunk by chunk."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch.utils.checkpoint import checkpoint

from ..arrays import IntArray
from ..modules.bert import BertLayer, LayerInput, gather, layer_dtype
from ..modules.focus import focus_cls, focus_pair
from ..modules.masks import MaskName
from .focus_rows import FocusRows, rows_between, rows_of_entities
from .pair_chunks import (
    cut_into_chunks,
    decode_variants,
    most_rows,
    pack_focus,
    pack_windows,
    rows_of_windows,
    shares_of_parts,
    variants_in_focus,
)
from .range_maxima import range_maxima
from .str_encoder import ENTITY_STATE, LAST_STATE, SHARED_STATE

# Name of the vectors that are added to the rows of entities, next to the names of the states.
MARKS = "marks"


def run_focused(
    layers: Sequence[BertLayer],
    states: dict[str, torch.Tensor],
    rows: FocusRows,
    *,
    mask: MaskName,
    pool_entities: bool = False,
    pool_output: bool = False,
    pool_context: bool = False,
) -> torch.Tensor:
    """Run the focused layers for pairs, chunk by chunk.

    layers (Sequence[BertLayer]): The layers N-K+1 to N.
    states (dict[str, Tensor]): The rows of a batch, by the name of the encoder's state: the shared
        state, the state of the entity path if the mask is `cls` and K > 1, and the last state if
        `pool_output` or `pool_context`, *shape:* (rows, width) each. If the rows have marks, also
        `marks`: the vectors to add to the rows of the first entity and of the second entity,
        *shape:* (2, marks except 0, width).
    rows (FocusRows): The rows of the pairs.
    mask (MaskName): `cls` for Eq. 13, `pair` for Eq. 14.
    pool_entities (bool): Whether to also return the means of the rows of each entity.
    pool_output (bool): Whether to also return the mean of the last state over the rows of both
        entities.
    pool_context (bool): Whether to also return the maxima of the last state between the entities.
    RETURNS (Tensor): The `[CLS]` row of each pair, then the means and the maxima. *Shape:*
        (reachable pairs, output width).
    """
    shared = states[SHARED_STATE]
    width = output_width(shared.shape[1], pool_entities=pool_entities)
    vectors = shared.new_zeros(len(rows.window_start), width)
    if mask == "pair":
        chunks = _focus_pair(layers, states, rows, pool_entities=pool_entities)
    else:
        chunks = _focus_cls(layers, states, rows)
    for pairs, seen in chunks:
        index = torch.from_numpy(pairs).to(vectors.device)
        vectors.index_copy_(0, index, seen.to(vectors.dtype))
    if pool_output:
        vectors = torch.cat([vectors, _entity_means(states[LAST_STATE], rows)], dim=1)
    if pool_context:
        vectors = torch.cat([vectors, _context(states[LAST_STATE], rows)], dim=1)
    return vectors


def output_width(
    width: int, *, pool_entities: bool, pool_output: bool = False, pool_context: bool = False
) -> int:
    """Compute the width of the vector of a pair.

    width (int): Width of the encoder.
    pool_entities (bool): Whether the vector includes the means of the rows of each entity.
    pool_output (bool): Whether the vector includes the mean of the encoder's output over both.
    pool_context (bool): Whether the vector includes the maxima between the entities.
    RETURNS (int): The width.
    """
    return (1 + 2 * pool_entities + pool_output + pool_context) * width


def _entity_means(state: torch.Tensor, rows: FocusRows) -> torch.Tensor:
    table, counts = (torch.from_numpy(each).to(state.device) for each in rows_of_entities(rows))
    # The check that `unsafe` leaves out fails on a batch without entities.
    return torch.segment_reduce(gather(state, table), "mean", lengths=counts, unsafe=True)


def _context(state: torch.Tensor, rows: FocusRows) -> torch.Tensor:
    borders = (torch.from_numpy(index).to(state.device) for index in rows_between(rows))
    return range_maxima(state, *borders)


def _focus_pair(
    layers: Sequence[BertLayer],
    states: dict[str, torch.Tensor],
    rows: FocusRows,
    *,
    pool_entities: bool,
) -> Iterator[tuple[IntArray, torch.Tensor]]:
    """Run the focused layers, chunk by chunk, under the mask of Eq. 14."""
    variants = variants_in_focus(rows)
    shared = _marked_input(layers[0], states, rows, variants)
    chunks = cut_into_chunks(rows, max_rows=most_rows(shared.rows), whole_windows=False)
    run = _runner(chunks, shared)
    for pairs in chunks:
        focus = pack_focus(rows, pairs, variants, shared.rows.device)
        shares = shares_of_parts(rows, pairs, focus.present) if pool_entities else None
        yield pairs, run(focus_pair, layers, shared, focus, shares)


def _focus_cls(
    layers: Sequence[BertLayer], states: dict[str, torch.Tensor], rows: FocusRows
) -> Iterator[tuple[IntArray, torch.Tensor]]:
    """Run the focused layers, chunk by chunk, under the mask of Eq. 13."""
    whole_windows = len(layers) > 2
    # Without marks, each row has one variant, encoded as the row itself.
    table = variants_in_focus(rows)
    entity_table = rows_of_windows(rows) if whole_windows else table
    shared = _layer_input(layers[0], states[SHARED_STATE], table)
    entity = _layer_input(layers[1], states[ENTITY_STATE], entity_table) if layers[1:] else None
    chunks = cut_into_chunks(rows, max_rows=most_rows(shared.rows), whole_windows=whole_windows)
    run = _runner(chunks, shared, entity)
    for pairs in chunks:
        focus = pack_focus(rows, pairs, table, shared.rows.device)
        windows = None
        if whole_windows:
            windows = pack_windows(rows, pairs, entity_table, shared.rows.device)
        yield pairs, run(focus_cls, layers, shared, entity, focus, windows)


def _runner(chunks: list[IntArray], *inputs: LayerInput | None) -> Callable[..., torch.Tensor]:
    """Choose the function that runs the focused layers. In training with several chunks, each
    chunk runs again in the backward pass, so that the activations are never all kept at once.
    """
    if len(chunks) < 2 or not torch.is_grad_enabled():
        return lambda run, *args: run(*args)
    for layer_input in inputs:
        if layer_input is not None:
            layer_input.project()
    return _run_twice


def _run_twice(
    run: Callable[..., torch.Tensor],
    layers: Sequence[BertLayer],
    shared: LayerInput,
    *args: Any,
) -> torch.Tensor:
    # `checkpoint` needs a tensor argument to know which GPU's random state to restore.
    return checkpoint(lambda _: run(layers, shared, *args), shared.rows, use_reentrant=False)


def _layer_input(layer: BertLayer, state: torch.Tensor, table: IntArray) -> LayerInput:
    rows = gather(state, torch.from_numpy(table).to(state.device))
    return LayerInput(layer, rows.to(layer_dtype(layer)), is_shared=True)


def _marked_input(
    layer: BertLayer, states: dict[str, torch.Tensor], rows: FocusRows, variants: IntArray
) -> LayerInput:
    table, first_marks, second_marks = decode_variants(rows, variants)
    shared = _layer_input(layer, states[SHARED_STATE], table)
    if MARKS in states:
        # Mark 0 adds nothing.
        first, second = torch.nn.functional.pad(states[MARKS], (0, 0, 1, 0))
        marks = (first[:, None] + second).flatten(0, 1).to(shared.rows.dtype)
        codes = torch.from_numpy(first_marks * rows.n_marks + second_marks)
        shared.rows = shared.rows + gather(marks, codes.to(marks.device))
    return shared
