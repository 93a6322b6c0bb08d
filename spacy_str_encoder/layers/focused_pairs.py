from collections.abc import Callable
from typing import Any, cast

import numpy
import torch
from numpy.typing import NDArray
from spacy.tokens import Doc
from spacy_transformers.data_classes import TransformerData
from thinc.api import Model, torch2xp, xp2torch
from thinc.types import Floats2d, Ints1d
from transformers.utils import ModelOutput

from ..doc.states import get_states
from ..modules.masks import MaskName
from .focus_rows import FocusRows, batch_focus_rows, longest_window, mark_entities
from .focused_listener import FocusedListenerLayer
from .items import PairsInT, PairVectors, VectorsT
from .run_focused import MARKS, output_width, run_focused
from .str_encoder import ENTITY_STATE, LAST_STATE, SHARED_STATE, STREncoderLayer

StatesT = list[TransformerData]
# Attributes of the layer that add to the vector of a pair.
POOLED = ("pool_entities", "pool_output", "pool_context")
TypeVectors = Model[Ints1d, Floats2d]


def FocusedPairs(
    tok2vec: Model[list[Doc], StatesT],
    *,
    mask: MaskName,
    type_vectors: TypeVectors | None = None,
    pool_entities: bool = False,
    pool_output: bool = False,
    pool_context: bool = False,
) -> PairVectors:
    """Build a layer that runs the focused layers for each candidate pair, and returns its `[CLS]`
    row.

    The encoder's top K layers run on the states that `tok2vec` returns. The text is not encoded
    again, and only the rows that differ between pairs are computed for each pair.

    Source: Xue et al. 2019, arXiv 1908.07721, Eqs. 13 and 14.

    tok2vec (Model[list[Doc], list[TransformerData]]): A `FocusedListener`, or an encoder that
        only this layer uses.
    mask (MaskName): `cls` for Eq. 13, `pair` for Eq. 14.
    type_vectors (Model[Ints1d, Floats2d] | None): Layer that returns a vector for each entity type
        in each role, first or second entity. It is added to the rows of the entity before the
        focused layers. Eq. 14 only. The width is set to that of the encoder.
    pool_entities (bool): Whether to also return the means of the rows of each entity. Eq. 14 only.
    pool_output (bool): Whether to also return the mean of the encoder's output over the rows of
        both entities.
    pool_context (bool): Whether to also return the maxima of the encoder's output between the
        entities, or zeros if nothing is between them. Source: Eberts and Ulges 2020, arXiv
        1909.07755.
    RETURNS (Model[list[DocPairs], tuple[Floats2d, BoolArray]]): The layer. It takes docs and their
        pairs, and returns a vector for each pair within reach, *shape:* (reachable pairs, width),
        and whether each pair is within reach, *shape:* (pairs,). A pair is within reach if one
        window holds both entities.
    """
    if mask != "pair" and (type_vectors is not None or pool_entities):
        raise ValueError(NEEDS_PAIR_MASK.format(mask=mask))
    return Model(
        "focused_pairs",
        forward,
        init=init,
        layers=[tok2vec] if type_vectors is None else [tok2vec, type_vectors],
        refs={"tok2vec": tok2vec, "type_vectors": type_vectors},
        attrs={
            "mask": mask,
            "pool_entities": pool_entities,
            "pool_output": pool_output,
            "pool_context": pool_context,
            "get_reach": get_reach,
        },
        dims={"nO": None},
    )


NEEDS_PAIR_MASK = (
    "entity_types and pool_entities need mask = 'pair' (Eq. 14), got mask = '{mask}'. Change the "
    "mask, or turn off entity_types and pool_entities."
)


def init(model: PairVectors, X: PairsInT | None = None, Y: Any = None) -> None:
    """Initialize the type vectors with the width of the encoder."""
    tok2vec = model.get_ref("tok2vec")
    tok2vec.initialize()
    width = _encoder(tok2vec).maybe_get_dim("nO")
    if width is None:
        return
    pooled = {name: model.attrs[name] for name in POOLED}
    model.set_dim("nO", output_width(width, **pooled))
    if type_vectors := model.maybe_get_ref("type_vectors"):
        type_vectors.set_dim("nO", width)
        type_vectors.initialize()


def forward(
    model: PairVectors, X: PairsInT, is_train: bool
) -> tuple[VectorsT, Callable[[VectorsT], Any]]:
    """Run the focused layers on the rows that pairs need."""
    tok2vec = model.get_ref("tok2vec")
    encoder = _encoder(tok2vec)
    # A frozen encoder sends no batch: it stays in evaluation mode and does not learn.
    encoder_learns = is_train and getattr(tok2vec, "is_training", True)
    states, backprop_states = tok2vec([doc_pairs.doc for doc_pairs in X], is_train)
    rows = batch_focus_rows(states, [doc_pairs.offsets for doc_pairs in X])
    rows, marks, backprop_marks = _mark_types(model, X, rows, is_train)
    tensors = {**_gather_states(model, encoder, states, encoder_learns), **marks}
    learned = {name: tensor for name, tensor in tensors.items() if tensor.requires_grad}
    encoder.transformer.train(encoder_learns)
    layers = encoder.shim.layers(is_train=is_train)[-encoder.focus_layers :]
    with torch.set_grad_enabled(bool(learned)), encoder.shim.autocast(is_train=is_train):
        options = {name: model.attrs[name] for name in ("mask", *POOLED)}
        vectors = run_focused(layers, tensors, rows, **options)
    output = cast(Floats2d, torch2xp(vectors.detach().float())), rows.reachable

    def backprop(d_output: VectorsT) -> Any:
        d_vectors = xp2torch(d_output[0])
        gradients = encoder.shim.backprop_outside(
            vectors, learned, d_vectors, layers if encoder_learns else []
        )
        backprop_marks(gradients.pop(MARKS, None))
        return backprop_states(_split(states, gradients) if gradients else [])

    return output, backprop


def get_reach(model: PairVectors, doc: Doc) -> int | None:
    """Compute the maximum length of a pair within reach, or an upper bound of it.

    model (Model[list[DocPairs], tuple[Floats2d, BoolArray]]): The layer.
    doc (Doc): An encoded doc.
    RETURNS (int | None): Number of tokens from the start of one entity to the end of the other;
        None if one window holds the whole doc, or if this is not known before the layer runs.
    """
    tok2vec = model.get_ref("tok2vec")
    if not isinstance(tok2vec, FocusedListenerLayer):
        return None
    states = get_states(doc, tok2vec.connection.encoder)
    return None if states is None or len(states.wordpieces) == 1 else longest_window(states)


def _encoder(tok2vec: Model[list[Doc], StatesT]) -> STREncoderLayer:
    if isinstance(tok2vec, FocusedListenerLayer):
        if tok2vec.encoder is None:
            raise ValueError(NO_ENCODER)
        return tok2vec.encoder
    return next(node for node in tok2vec.walk() if isinstance(node, STREncoderLayer))


NO_ENCODER = (
    "This component needs a 'str_encoder' that comes earlier in the same pipeline, but there is "
    "none. Add one before this component, or source both from the same pipeline."
)


def _gather_states(
    model: PairVectors, encoder: STREncoderLayer, states: StatesT, encoder_learns: bool
) -> dict[str, torch.Tensor]:
    names = [SHARED_STATE]
    # With K = 1 there is no layer above the first focused layer that would read its output.
    if model.attrs["mask"] == "cls" and encoder.focus_layers > 1:
        names.append(ENTITY_STATE)
    if model.attrs["pool_output"] or model.attrs["pool_context"]:
        names.append(LAST_STATE)
    return {name: _concatenate(states, name).requires_grad_(encoder_learns) for name in names}


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


def role_keys(types: NDArray[numpy.uint64]) -> NDArray[numpy.uint64]:
    """Make the keys of the type vectors. Each type has one vector for the first entity of a pair
    and another one for the second. Saved models depend on these keys.

    types (NDArray[uint64]): Hashes of the types. *Shape:* (types,).
    RETURNS (NDArray[uint64]): The keys for the first entity, then those for the second entity.
        *Shape:* (2 * types,).
    """
    return numpy.concatenate([types, types + 1])


def _mark_types(
    model: PairVectors, X: PairsInT, rows: FocusRows, is_train: bool
) -> tuple[FocusRows, dict[str, torch.Tensor], Callable[[torch.Tensor | None], Any]]:
    """Mark each entity of a pair by its type.

    RETURNS (tuple[FocusRows, dict[str, Tensor], Callable]): The rows with their marks; if there are
        type vectors, these under the name `marks`: for each role, first and second entity, the
        vector of each mark, to be added to the entity's rows, *shape:* (2, types, width); and their
        backward pass.
    """
    type_vectors = model.maybe_get_ref("type_vectors")
    if type_vectors is None:
        return rows, {}, lambda d_marks: None
    labels = numpy.concatenate([doc_pairs.labels for doc_pairs in X])
    types, marks = numpy.unique(labels, return_inverse=True)
    vectors, backprop_vectors = type_vectors(model.ops.xp.asarray(role_keys(types)), is_train)

    def backprop(d_marks: torch.Tensor | None) -> Any:
        # Without types, as in a batch without pairs, thinc's layer can't run its backward pass.
        if d_marks is not None and len(types):
            backprop_vectors(torch2xp(d_marks.flatten(0, 1)))

    tensor = xp2torch(vectors).unflatten(0, (2, -1)).requires_grad_(is_train)
    rows = mark_entities(rows, 1 + marks.reshape(-1, 2), n_marks=1 + len(types))
    return rows, {MARKS: tensor}, backprop
