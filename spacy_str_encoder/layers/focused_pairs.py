from collections.abc import Callable, Iterator, Sequence
from itertools import starmap
from typing import Any, cast

import numpy
import torch
from spacy.tokens import Doc
from spacy_transformers.data_classes import TransformerData
from thinc.api import Model, torch2xp, xp2torch
from thinc.types import Floats2d, Ints1d
from torch.utils.checkpoint import checkpoint
from transformers.utils import ModelOutput

from ..arrays import IntArray
from ..bert import BertLayer, LayerInput, focus_cls, focus_pair, take, top_layers
from ..candidates import EntityPairs, pair_labels, pair_offsets
from ..masks import MaskName
from .focus_rows import FocusRows, batch_focus_rows, mark_entities
from .focused_listener import FocusedListener
from .pair_chunks import (
    cut_into_chunks,
    most_rows,
    pack_focus,
    pack_windows,
    rows_of_windows,
    shares_of_parts,
    split_variants,
    variants_in_focus,
)
from .pairs import PairsInT, PairsOutT, PairVectors
from .str_encoder import ENTITY_STATE, SHARED_STATE, STREncoder

StatesT = list[TransformerData]
TypeVectors = Model[Ints1d, Floats2d]
# The name of what is added to the rows of entities, beside those of the encoder's states.
MARKS = "marks"


def FocusedPairs(
    tok2vec: Model[list[Doc], StatesT],
    *,
    mask: MaskName,
    type_vectors: TypeVectors | None = None,
    pool_entities: bool = False,
) -> PairVectors:
    """Look at each pair of entities through the focused layers, and return what `[CLS]` saw.

    The encoder's top K layers are run on the states that `tok2vec` hands on; the sentence is not
    encoded again, and only rows that differ from pair to pair are computed for each pair.

    Source: Xue et al. 2019, arXiv 1908.07721, Eqs. 13 and 14.

    tok2vec (Model[list[Doc], list[TransformerData]]): A `FocusedListener`, or an encoder of its
        own.
    mask (MaskName): `cls` for Eq. 13, `pair` for Eq. 14.
    type_vectors (Model[Ints1d, Floats2d] | None): A vector for each type of an entity that comes
        first or second, added to the entity's rows before the focused layers. Eq. 14 only. The
        layer gets its width from the encoder.
    pool_entities (bool): Whether to return, beside `[CLS]`, the means of the rows of both
        entities. Eq. 14 only.
    RETURNS (Model[tuple[list[Doc], list[EntityPairs]], tuple[Floats2d, BoolArray]]): The layer. It
        takes docs and their pairs, and returns a vector for each pair within reach, *shape:*
        (reachable pairs, width), and which pairs these are, *shape:* (pairs,). Out of reach are
        entities that no window holds both of.
    """
    if mask != "pair" and (type_vectors is not None or pool_entities):
        raise ValueError(NEEDS_PAIR_MASK.format(mask=mask))
    return Model(
        "focused_pairs",
        forward,
        init=init,
        layers=[tok2vec] if type_vectors is None else [tok2vec, type_vectors],
        refs={"tok2vec": tok2vec, "type_vectors": type_vectors},
        attrs={"mask": mask, "pool_entities": pool_entities},
        dims={"nO": None},
    )


NEEDS_PAIR_MASK = (
    "Entity types and pooled entities need mask = 'pair' (Eq. 14), under which the rows of the "
    "two entities belong to their pair. With mask = '{mask}', leave them out."
)


def init(model: PairVectors, X: PairsInT | None = None, Y: Any = None) -> None:
    tok2vec = model.get_ref("tok2vec")
    tok2vec.initialize()
    width = _encoder(tok2vec).maybe_get_dim("nO")
    if width is None:
        return
    model.set_dim("nO", width * (3 if model.attrs["pool_entities"] else 1))
    if type_vectors := model.maybe_get_ref("type_vectors"):
        type_vectors.set_dim("nO", width)
        type_vectors.initialize()


def forward(
    model: PairVectors, X: PairsInT, is_train: bool
) -> tuple[PairsOutT, Callable[[PairsOutT], Any]]:
    docs, entity_pairs = X
    tok2vec = model.get_ref("tok2vec")
    encoder = _encoder(tok2vec)
    # A frozen encoder sends no batch: it stays in evaluation mode and learns nothing.
    encoder_learns = is_train and getattr(tok2vec, "is_training", True)
    states, backprop_states = tok2vec(docs, is_train)
    rows = batch_focus_rows(states, list(starmap(pair_offsets, entity_pairs)))
    rows, marks, backprop_marks = _mark_types(model, entity_pairs, rows, is_train)
    names = _states_needed(encoder, model.attrs["mask"])
    tensors = {name: _concatenate(states, name).requires_grad_(encoder_learns) for name in names}
    if marks is not None:
        tensors[MARKS] = marks
    learned = {name: tensor for name, tensor in tensors.items() if tensor.requires_grad}
    encoder.transformer.train(encoder_learns)
    with torch.set_grad_enabled(bool(learned)), encoder.shim.autocast():
        layers = top_layers(encoder.transformer, encoder.focus_layers)
        vectors = look_at_pairs(layers, tensors, rows, **_options(model))
    output = cast(Floats2d, torch2xp(vectors.detach().float())), rows.reachable

    def backprop(d_output: PairsOutT) -> Any:
        d_vectors = xp2torch(d_output[0])
        gradients = _backprop_focus(encoder, vectors, learned, d_vectors, encoder_learns)
        if MARKS in gradients:
            backprop_marks(gradients.pop(MARKS))
        return backprop_states(_split(states, gradients) if gradients else [])

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


def _options(model: PairVectors) -> dict[str, Any]:
    return {name: model.attrs[name] for name in ("mask", "pool_entities")}


def _mark_types(
    model: PairVectors, entity_pairs: list[EntityPairs], rows: FocusRows, is_train: bool
) -> tuple[FocusRows, torch.Tensor | None, Callable[[torch.Tensor], Any]]:
    """Mark each entity of a pair by its type.

    RETURNS (tuple[FocusRows, Tensor | None, Callable]): The rows with their marks; what to add to
        the rows of an entity that comes first, and of one that comes second, by the type that is
        its mark, if types matter, *shape:* (2, types, width); and the backward pass of that.
    """
    type_vectors = model.maybe_get_ref("type_vectors")
    if type_vectors is None:
        return rows, None, lambda d_marks: None
    labels = numpy.concatenate([pair_labels(*pairs) for pairs in entity_pairs])
    types, marks = numpy.unique(labels, return_inverse=True)
    # The same type in another role is another one to the layer: its next neighbour.
    keys = numpy.concatenate([types, types + 1])
    vectors, backprop_vectors = type_vectors(model.ops.xp.asarray(keys), is_train)

    def backprop(d_marks: torch.Tensor) -> Any:
        # Without types, as in a batch without pairs, thinc's layer has no backward pass.
        return backprop_vectors(torch2xp(d_marks.flatten(0, 1))) if len(types) else None

    tensor = xp2torch(vectors).unflatten(0, (2, -1)).requires_grad_(is_train)
    rows = mark_entities(rows, 1 + marks.reshape(-1, 2), n_marks=1 + len(types))
    return rows, tensor, backprop


def look_at_pairs(
    layers: Sequence[BertLayer],
    states: dict[str, torch.Tensor],
    rows: FocusRows,
    *,
    mask: MaskName,
    pool_entities: bool = False,
) -> torch.Tensor:
    """Run the focused layers for pairs, chunk by chunk.

    layers (Sequence[BertLayer]): The layers N-K+1 to N.
    states (dict[str, Tensor]): The rows of a batch, by the name of the encoder's state: the shared
        state, and that of the entity path if the mask is `cls` and K > 1, *shape:* (rows, width);
        and `marks`, if the rows have any, see `_mark_types`.
    rows (FocusRows): The rows of the pairs.
    mask (MaskName): `cls` for Eq. 13, `pair` for Eq. 14.
    pool_entities (bool): Whether to return the means of the rows of both entities too.
    RETURNS (Tensor): What `[CLS]` saw of each pair, and these means.
        *Shape:* (reachable pairs, width), or three times the width.
    """
    shared = states[SHARED_STATE]
    vectors = shared.new_zeros(len(rows.first), shared.shape[1] * (3 if pool_entities else 1))
    if mask == "pair":
        chunks = _focus_pair(layers, states, rows, pool_entities=pool_entities)
    else:
        chunks = _focus_cls(layers, states, rows)
    for pairs, seen in chunks:
        index = torch.from_numpy(pairs).to(vectors.device)
        vectors.index_copy_(0, index, seen.to(vectors.dtype))
    return vectors


def _focus_pair(
    layers: Sequence[BertLayer],
    states: dict[str, torch.Tensor],
    rows: FocusRows,
    *,
    pool_entities: bool,
) -> Iterator[tuple[IntArray, torch.Tensor]]:
    """Look at the pairs, chunk by chunk, under the mask of Eq. 14."""
    variants = variants_in_focus(rows)
    shared = _marked_input(layers[0], states, rows, variants)
    chunks = cut_into_chunks(rows, max_rows=most_rows(shared.rows), whole_windows=False)
    run = _runner(chunks, shared)
    for pairs in chunks:
        focus = pack_focus(rows, pairs, variants, shared.rows.device)
        shares = shares_of_parts(rows, pairs, shared.rows.device) if pool_entities else None
        yield pairs, run(focus_pair, layers, shared, focus, shares)


def _focus_cls(
    layers: Sequence[BertLayer], states: dict[str, torch.Tensor], rows: FocusRows
) -> Iterator[tuple[IntArray, torch.Tensor]]:
    """Look at the pairs, chunk by chunk, under the mask of Eq. 13."""
    whole_windows = len(layers) > 2
    # Without marks, the variants of a row are the row.
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


def _marked_input(
    layer: BertLayer, states: dict[str, torch.Tensor], rows: FocusRows, variants: IntArray
) -> LayerInput:
    table, codes = split_variants(rows, variants)
    shared = _layer_input(layer, states[SHARED_STATE], table)
    if MARKS in states:
        # The first mark is none.
        first, second = torch.nn.functional.pad(states[MARKS], (0, 0, 1, 0))
        marks = (first[:, None] + second).flatten(0, 1)
        shared.rows = shared.rows + take(marks, torch.from_numpy(codes).to(marks.device))
    return shared


def _backprop_focus(
    encoder: STREncoder,
    vectors: torch.Tensor,
    inputs: dict[str, torch.Tensor],
    d_vectors: torch.Tensor,
    encoder_learns: bool,
) -> dict[str, torch.Tensor]:
    """The gradients of the inputs; those of the focused layers are added to the encoder's."""
    if not vectors.requires_grad:
        # Every pair is out of reach, or there is nothing to learn.
        return {name: torch.zeros_like(tensor) for name, tensor in inputs.items()}
    layers = top_layers(encoder.transformer, encoder.focus_layers) if encoder_learns else []
    parameters = [parameter for layer in layers for parameter in layer.parameters()]
    scaler = encoder.shim._grad_scaler
    gradients = torch.autograd.grad(
        vectors,
        [*inputs.values(), *parameters],
        scaler.scale(d_vectors),
        # Where no keys are computed, their bias, which changes nothing, is not used.
        materialize_grads=True,
    )
    has_overflowed = scaler.unscale(gradients)
    if not encoder_learns:
        # No step of a frozen encoder would do this.
        scaler.update()
    if has_overflowed:
        # The gradients overflowed in half precision: this step will be skipped.
        return {name: torch.zeros_like(tensor) for name, tensor in inputs.items()}
    encoder.shim.add_gradients(parameters, gradients[len(inputs) :])
    return dict(zip(inputs, gradients, strict=False))
