from collections.abc import Callable, Sequence
from typing import cast

import numpy
import torch
from thinc.api import Model, torch2xp, xp2torch
from thinc.types import ArgsKwargs, Floats2d

from ..arrays import IntArray
from ..modules.pair_words import Pairs, make_pairs
from .padding import pad, unpad
from .torch_shim import TorchShim

# The token vectors of each doc, and the token offsets of the entities of its pairs, *shape:*
# (pairs, 4).
PoolingInT = tuple[list[Floats2d], list[IntArray]]
Pooling = Model[PoolingInT, Floats2d]


def PairPooling(name: str, module: torch.nn.Module, *, width: int, context: int | None) -> Pooling:
    """Build a layer that pools token vectors into a vector for each pair, with a torch module.

    name (str): The name of the layer.
    module (torch.nn.Module): The module that computes the vectors, see `pair_pooling.PairMaxima`.
    width (int): Width of the token vectors.
    context (int | None): Number of tokens to read on either side of a pair; the whole doc if None.
    RETURNS (Model[tuple[list[Floats2d], list[IntArray]], Floats2d]): The layer. It takes the
        token vectors and the token offsets of the pairs of each doc, *shape:* (pairs, 4), and
        returns a vector for each pair, *shape:* (pairs, width).
    RAISES (ValueError): If the context is negative.
    """
    if context is not None and context < 0:
        raise ValueError(
            f"{name}: context must be 0 or more, or null for the whole doc, got {context}."
        )
    dims: dict[str, int | None] = {"nI": width, "nO": cast(int, module.output_width)}
    shim = TorchShim(module)
    return Model(name, forward, shims=[shim], dims=dims, attrs={"context": context})


def forward(
    model: Pooling, X: PoolingInT, is_train: bool
) -> tuple[Floats2d, Callable[[Floats2d], PoolingInT]]:
    """Pool padded token vectors into vectors of pairs."""
    vectors, offsets = X
    if not any(map(len, offsets)):
        return model.ops.alloc2f(0, model.get_dim("nO")), lambda dY: (_zeros(model, vectors), [])
    padded, mask = pad(vectors)
    lengths = mask.sum(dim=1).to(padded.device)
    pairs = _pairs(offsets, lengths, context=model.attrs["context"])
    inputs = ArgsKwargs(args=(padded.requires_grad_(is_train), pairs), kwargs={})
    pooled, backprop_shim = model.shims[0](inputs, is_train)

    def backprop(dY: Floats2d) -> PoolingInT:
        d_pooled = ArgsKwargs(args=(pooled,), kwargs={"grad_tensors": xp2torch(dY)})
        return unpad(torch2xp(backprop_shim(d_pooled).args[0]), vectors), []

    return cast(Floats2d, torch2xp(pooled.detach())), backprop


def _zeros(model: Pooling, vectors: Sequence[Floats2d]) -> list[Floats2d]:
    return [model.ops.alloc2f(*doc.shape) for doc in vectors]


def _pairs(offsets: Sequence[IntArray], lengths: torch.Tensor, *, context: int | None) -> Pairs:
    docs = numpy.repeat(numpy.arange(len(offsets)), [len(pairs) for pairs in offsets])
    texts, entities = map(torch.from_numpy, (docs, numpy.concatenate(offsets)))
    device = lengths.device
    return make_pairs(texts.to(device), entities.to(device), lengths, context=context)
