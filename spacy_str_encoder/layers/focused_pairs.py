from collections.abc import Callable, Iterator, Sequence
from itertools import starmap
from typing import Any, cast

import torch
from spacy.tokens import Doc
from spacy_transformers.data_classes import TransformerData
from thinc.api import Model, torch2xp, xp2torch
from thinc.types import Floats2d
from torch.utils.checkpoint import checkpoint
from transformers.utils import ModelOutput

from ..arrays import IntArray
from ..bert import BertLayer, LayerInput, focus_cls, focus_pair, take, top_layers
from ..candidates import pair_offsets
from ..masks import MaskName
from .focus_rows import FocusRows, batch_focus_rows
from .focused_listener import FocusedListener
from .pair_chunks import (
    cut_into_chunks,
    most_rows,
    pack_focus,
    pack_windows,
    rows_in_focus,
    rows_of_windows,
)
from .pairs import PairsInT, PairsOutT, PairVectors
from .str_encoder import ENTITY_STATE, SHARED_STATE, STREncoder

StatesT = list[TransformerData]


def FocusedPairs(tok2vec: Model[list[Doc], StatesT], *, mask: MaskName) -> PairVectors:
    """Look at each pair of entities through the focused layers, and return what `[CLS]` saw.

    The encoder's top K layers are run on the states that `tok2vec` hands on; the sentence is not
    encoded again, and only rows that differ from pair to pair are computed for each pair.

    Source: Xue et al. 2019, arXiv 1908.07721, Eqs. 13 and 14.

    tok2vec (Model[list[Doc], list[TransformerData]]): A `FocusedListener`, or an encoder of its
        own.
    mask (MaskName): `cls` for Eq. 13, `pair` for Eq. 14.
    RETURNS (Model[tuple[list[Doc], list[EntityPairs]], tuple[Floats2d, BoolArray]]): The layer. It
        takes docs and their pairs, and returns a vector for each pair within reach, *shape:*
        (reachable pairs, width), and which pairs these are, *shape:* (pairs,). Out of reach are
        entities that no window holds both of.
    """
    return Model(
        "focused_pairs",
        forward,
        init=init,
        layers=[tok2vec],
        refs={"tok2vec": tok2vec},
        attrs={"mask": mask},
        dims={"nO": None},
    )


def init(model: PairVectors, X: PairsInT | None = None, Y: Any = None) -> None:
    tok2vec = model.get_ref("tok2vec")
    tok2vec.initialize()
    width = _encoder(tok2vec).maybe_get_dim("nO")
    if width is not None:
        model.set_dim("nO", width)


def forward(
    model: PairVectors, X: PairsInT, is_train: bool
) -> tuple[PairsOutT, Callable[[PairsOutT], Any]]:
    docs, entity_pairs = X
    tok2vec = model.get_ref("tok2vec")
    encoder = _encoder(tok2vec)
    # A frozen encoder sends no batch: it stays in evaluation mode and learns nothing.
    learns = is_train and getattr(tok2vec, "is_training", True)
    states, backprop_states = tok2vec(docs, is_train)
    names = _states_needed(encoder, model.attrs["mask"])
    tensors = [_concatenate(states, name).requires_grad_(learns) for name in names]
    encoder.transformer.train(learns)
    with torch.set_grad_enabled(learns), encoder.shim.autocast():
        rows = batch_focus_rows(states, list(starmap(pair_offsets, entity_pairs)))
        by_name = dict(zip(names, tensors, strict=True))
        layers = top_layers(encoder.transformer, encoder.focus_layers)
        vectors = look_at_pairs(layers, by_name, rows, mask=model.attrs["mask"])
    output = cast(Floats2d, torch2xp(vectors.detach().float())), rows.reachable

    def backprop(d_output: PairsOutT) -> Any:
        if not learns:
            return backprop_states([])
        d_tensors = _backprop_focus(encoder, vectors, tensors, xp2torch(d_output[0]))
        return backprop_states(_split(states, dict(zip(names, d_tensors, strict=True))))

    return output, backprop


def _encoder(tok2vec: Model[list[Doc], StatesT]) -> STREncoder:
    if isinstance(tok2vec, FocusedListener):
        if tok2vec.encoder is None:
            raise ValueError(NO_ENCODER)
        return tok2vec.encoder
    return next(node for node in tok2vec.walk() if isinstance(node, STREncoder))


NO_ENCODER = (
    "Relations need the focused layers of a 'str_encoder' that comes earlier in the same pipeline, "
    "and there is none. Add one before this component, or source both from the same pipeline."
)


def _states_needed(encoder: STREncoder, mask: MaskName) -> list[str]:
    # With K = 1 no pair looks at the output of a focused layer.
    both = mask == "cls" and encoder.focus_layers > 1
    return [SHARED_STATE, ENTITY_STATE] if both else [SHARED_STATE]


def _concatenate(states: StatesT, name: str) -> torch.Tensor:
    # shape: (rows of all docs, width)
    parts = [data.model_output[name] for data in states if name in data.model_output]
    return torch.cat([xp2torch(part).flatten(0, 1) for part in parts])


def _split(states: StatesT, d_tensors: dict[str, torch.Tensor]) -> StatesT:
    d_docs, start = [], 0
    for data in states:
        if SHARED_STATE in data.model_output:
            shape = data.model_output[SHARED_STATE].shape
            end = start + shape[0] * shape[1]
            output = ModelOutput()
            for name, d_tensor in d_tensors.items():
                output[name] = torch2xp(d_tensor[start:end].view(*shape))
            d_docs.append(TransformerData(data.wordpieces, output, data.align))
            start = end
    return d_docs


def look_at_pairs(
    layers: Sequence[BertLayer],
    states: dict[str, torch.Tensor],
    rows: FocusRows,
    *,
    mask: MaskName,
) -> torch.Tensor:
    """Run the focused layers for pairs, chunk by chunk.

    layers (Sequence[BertLayer]): The layers N-K+1 to N.
    states (dict[str, Tensor]): The rows of a batch, by the name of the encoder's state: the shared
        state, and that of the entity path if the mask is `cls` and K > 1. *Shape:* (rows, width).
    rows (FocusRows): The rows of the pairs.
    mask (MaskName): `cls` for Eq. 13, `pair` for Eq. 14.
    RETURNS (Tensor): What `[CLS]` saw of each pair. *Shape:* (reachable pairs, width).
    """
    shared = states[SHARED_STATE]
    vectors = shared.new_zeros(len(rows.first), shared.shape[1])
    focus_chunks = _focus_pair if mask == "pair" else _focus_cls
    for pairs, seen in focus_chunks(layers, states, rows):
        index = torch.from_numpy(pairs).to(vectors.device)
        vectors.index_copy_(0, index, seen.to(vectors.dtype))
    return vectors


def _focus_pair(
    layers: Sequence[BertLayer], states: dict[str, torch.Tensor], rows: FocusRows
) -> Iterator[tuple[IntArray, torch.Tensor]]:
    """Look at the pairs, chunk by chunk, under the mask of Eq. 14."""
    table = rows_in_focus(rows)
    shared = _layer_input(layers[0], states[SHARED_STATE], table)
    chunks = cut_into_chunks(rows, max_rows=most_rows(shared.rows), whole_windows=False)
    run = _runner(chunks, shared)
    for pairs in chunks:
        focus = pack_focus(rows, pairs, table, shared.rows.device)
        yield pairs, run(focus_pair, layers, shared, focus)


def _focus_cls(
    layers: Sequence[BertLayer], states: dict[str, torch.Tensor], rows: FocusRows
) -> Iterator[tuple[IntArray, torch.Tensor]]:
    """Look at the pairs, chunk by chunk, under the mask of Eq. 13."""
    whole_windows = len(layers) > 2
    table = rows_in_focus(rows)
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
    """What runs the focused layers: to learn from many pairs, each chunk runs once more in the
    backward pass, so that what it needs in between is not kept for all of them at once.
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
    # It takes a tensor among the arguments to tell which GPU's random numbers to repeat.
    return checkpoint(lambda _: run(layers, shared, *args), shared.rows, use_reentrant=False)


def _layer_input(layer: BertLayer, state: torch.Tensor, table: IntArray) -> LayerInput:
    rows = take(state, torch.from_numpy(table).to(state.device))
    return LayerInput(layer, rows, is_shared=True)


def _backprop_focus(
    encoder: STREncoder,
    vectors: torch.Tensor,
    states: list[torch.Tensor],
    d_vectors: torch.Tensor,
) -> list[torch.Tensor]:
    if not vectors.requires_grad:
        # Every pair is out of reach.
        return [torch.zeros_like(state) for state in states]
    layers = top_layers(encoder.transformer, encoder.focus_layers)
    parameters = [parameter for layer in layers for parameter in layer.parameters()]
    scaler = encoder.shim._grad_scaler
    gradients = torch.autograd.grad(
        vectors,
        [*states, *parameters],
        scaler.scale(d_vectors),
        # Where no keys are computed, their bias, which changes nothing, is not used.
        materialize_grads=True,
    )
    if scaler.unscale(gradients):
        # The gradients overflowed in half precision: this step will be skipped.
        return [torch.zeros_like(state) for state in states]
    encoder.shim.add_gradients(parameters, gradients[len(states) :])
    return list(gradients[: len(states)])
