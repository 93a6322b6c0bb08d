from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

import numpy
import torch
from spacy.tokens import Doc
from spacy_transformers.data_classes import TransformerData
from thinc.api import Model, torch2xp, xp2torch
from thinc.types import Floats2d
from transformers.utils import ModelOutput

from ..bert import focus, gather_rows, top_layers
from ..masks import MaskName, cls_mask
from .focus_rows import BoolArray, FocusRows, IntArray, batch_focus_rows
from .focused_listener import FocusedListener
from .str_encoder import STREncoder

PairsInT = tuple[list[Doc], list[IntArray]]
PairsOutT = tuple[Floats2d, BoolArray]
StatesT = list[TransformerData]

STATE = "shared_hidden_state"
# Bounds the memory of one step through the focused layers: 8,192 rows of BERT-base are 25 MB, and
# their widest activation 100 MB.
MAX_ROWS = 8192


def FocusedPairs(
    tok2vec: Model[list[Doc], StatesT], *, mask: MaskName
) -> Model[PairsInT, PairsOutT]:
    """Look at each pair of entities through the focused layers, and return what `[CLS]` saw.

    The encoder's top K layers are run on the states that `tok2vec` hands on; the sentence is not
    encoded again. Under the mask of Eq. 14 the answer depends on the rows of `[CLS]` and the two
    entities alone, so only these are gathered; under Eq. 13 every row of the window takes part.

    Source: Xue et al. 2019, arXiv 1908.07721, Eqs. 13 and 14.

    tok2vec (Model[list[Doc], list[TransformerData]]): A `FocusedListener`, or an encoder of its
        own.
    mask (MaskName): `cls` for Eq. 13, `pair` for Eq. 14.
    RETURNS (Model[tuple[list[Doc], list[IntArray]], tuple[Floats2d, BoolArray]]): The layer. It
        takes docs and the token offsets of their pairs, *shape:* (pairs, 4), and returns a vector
        for each pair, *shape:* (pairs, width), and whether there is one: no vector is had for
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


def init(model: Model[PairsInT, PairsOutT], X: PairsInT | None = None, Y: Any = None) -> None:
    tok2vec = model.get_ref("tok2vec")
    tok2vec.initialize()
    width = _encoder(tok2vec).maybe_get_dim("nO")
    if width is not None:
        model.set_dim("nO", width)


def forward(
    model: Model[PairsInT, PairsOutT], X: PairsInT, is_train: bool
) -> tuple[PairsOutT, Callable[[PairsOutT], Any]]:
    docs, entity_pairs = X
    tok2vec = model.get_ref("tok2vec")
    encoder = _encoder(tok2vec)
    # A frozen encoder sends no batch: it stays in evaluation mode and learns nothing.
    learns = is_train and getattr(tok2vec, "is_training", True)
    states, backprop_states = tok2vec(docs, is_train)
    rows = batch_focus_rows(states, entity_pairs)
    hidden_states = _concatenate(states).requires_grad_(learns)
    encoder.transformer.train(learns)
    with torch.set_grad_enabled(learns), encoder.shim.autocast():
        vectors = _focus_all(encoder, hidden_states, rows, model.attrs["mask"])
    output = cast(Floats2d, torch2xp(vectors.detach().float())), rows.reachable

    def backprop(d_output: PairsOutT) -> Any:
        if not learns:
            return backprop_states([])
        d_hidden_states = _backprop_focus(encoder, vectors, hidden_states, xp2torch(d_output[0]))
        return backprop_states(_split(states, d_hidden_states))

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


def _concatenate(states: StatesT) -> torch.Tensor:
    # shape: (rows of all docs, width)
    parts = [data.model_output[STATE] for data in states if STATE in data.model_output]
    return torch.cat([xp2torch(part).flatten(0, 1) for part in parts])


def _split(states: StatesT, d_hidden_states: torch.Tensor) -> StatesT:
    d_docs, start = [], 0
    for data in states:
        if STATE in data.model_output:
            shape = data.model_output[STATE].shape
            end = start + shape[0] * shape[1]
            output = ModelOutput()
            output[STATE] = torch2xp(d_hidden_states[start:end].view(*shape))
            d_docs.append(TransformerData(data.wordpieces, output, data.align))
            start = end
    return d_docs


def _focus_all(
    encoder: STREncoder, hidden_states: torch.Tensor, rows: FocusRows, mask: MaskName
) -> torch.Tensor:
    layers = top_layers(encoder.transformer, encoder.focus_layers)
    vectors = hidden_states.new_zeros(len(rows.reachable), hidden_states.shape[1])
    pairs, outputs = [], []
    for chunk in _chunks(rows, mask):
        gathered = gather_rows(hidden_states, chunk.rows.to(hidden_states.device))
        outputs.append(focus(layers, gathered, chunk.mask.to(hidden_states.device)))
        pairs.append(chunk.pairs)
    if not outputs:
        return vectors
    index = torch.from_numpy(numpy.concatenate(pairs)).to(hidden_states.device)
    return vectors.index_copy(0, index, torch.cat(outputs).to(vectors.dtype))


def _backprop_focus(
    encoder: STREncoder,
    vectors: torch.Tensor,
    hidden_states: torch.Tensor,
    d_vectors: torch.Tensor,
) -> torch.Tensor:
    if not vectors.requires_grad:
        return torch.zeros_like(hidden_states)
    layers = top_layers(encoder.transformer, encoder.focus_layers)
    parameters = [parameter for layer in layers for parameter in layer.parameters()]
    scaler = encoder.shim._grad_scaler
    d_hidden_states, *gradients = torch.autograd.grad(
        vectors, [hidden_states, *parameters], scaler.scale(d_vectors)
    )
    if scaler.unscale([d_hidden_states, *gradients]):
        # The gradients overflowed in half precision: this step will be skipped.
        return torch.zeros_like(hidden_states)
    encoder.shim.add_gradients(parameters, gradients)
    return d_hidden_states


@dataclass(frozen=True)
class _Chunk:
    pairs: IntArray
    rows: torch.Tensor
    mask: torch.Tensor


def _chunks(rows: FocusRows, mask: MaskName) -> Iterator[_Chunk]:
    """Cut the pairs into chunks of similar length, the longest first.

    rows (FocusRows): The rows of the pairs.
    mask (MaskName): The mask.
    YIELDS (_Chunk): At most `MAX_ROWS` rows, or a single pair.
    """
    needed = rows.in_focus.sum(axis=1) if mask == "pair" else rows.lengths
    pairs = numpy.flatnonzero(rows.reachable)
    pairs = pairs[numpy.argsort(-needed[pairs], kind="stable")]
    start = 0
    while start < len(pairs):
        length = int(needed[pairs[start]])
        chunk = pairs[start : start + max(1, MAX_ROWS // length)]
        cut = _cut_gathered if mask == "pair" else _cut_whole
        yield cut(rows, chunk, length)
        start += len(chunk)


def _cut_gathered(rows: FocusRows, pairs: IntArray, length: int) -> _Chunk:
    """The rows in focus alone, all of which see each other (Eq. 14)."""
    in_focus = rows.in_focus[pairs]
    columns = numpy.argsort(~in_focus, axis=1, kind="stable")[:, :length]
    seen = numpy.take_along_axis(in_focus, columns, axis=1)
    index = rows.first[pairs, None] + numpy.where(seen, columns, 0)
    return _Chunk(pairs, torch.from_numpy(index), torch.from_numpy(seen)[:, None])


def _cut_whole(rows: FocusRows, pairs: IntArray, length: int) -> _Chunk:
    """All rows of the window, of which `[CLS]` sees those in focus (Eq. 13)."""
    columns = numpy.arange(length)
    present = columns < rows.lengths[pairs, None]
    index = rows.first[pairs, None] + numpy.where(present, columns, 0)
    mask = cls_mask(torch.from_numpy(rows.in_focus[pairs, :length]))
    return _Chunk(pairs, torch.from_numpy(index), mask & torch.from_numpy(present)[:, None])
