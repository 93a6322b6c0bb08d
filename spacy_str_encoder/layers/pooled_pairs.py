from collections.abc import Callable
from typing import Any

import numpy
from spacy.tokens import Doc
from thinc.api import Model
from thinc.types import Floats2d

from .items import PairsInT, PairVectors, VectorsT
from .pair_pooling import Pooling


def PooledPairs(tok2vec: Model[list[Doc], list[Floats2d]], pooling: Pooling) -> PairVectors:
    """Build a layer that returns a vector for each pair of entities, pooled from token vectors.

    tok2vec (Model[list[Doc], list[Floats2d]]): Layer that returns a vector for each token: any
        spaCy tok2vec.
    pooling (Model[tuple[list[Floats2d], list[IntArray]], Floats2d]): Pooling layer, such as
        `PairPooling`.
    RETURNS (Model[list[DocPairs], tuple[Floats2d, BoolArray]]): The layer. Every pair is within
        reach.
    RAISES (ValueError): If the widths of the two layers differ.
    """
    width = tok2vec.maybe_get_dim("nO")
    if width not in (None, pooling.get_dim("nI")):
        raise ValueError(
            f"`width` of `pooling` must be the width of the token vectors, {width}, got "
            f"{pooling.get_dim('nI')}. Set it to {width}."
        )
    return Model(
        "pooled_pairs",
        forward,
        init=init,
        layers=[tok2vec, pooling],
        refs={"tok2vec": tok2vec},
        dims={"nO": pooling.get_dim("nO")},
    )


def init(model: PairVectors, X: PairsInT | None = None, Y: Any = None) -> None:
    """Initialize the tok2vec layer."""
    model.get_ref("tok2vec").initialize(X=None if X is None else [doc_pairs.doc for doc_pairs in X])


def forward(
    model: PairVectors, X: PairsInT, is_train: bool
) -> tuple[VectorsT, Callable[[VectorsT], Any]]:
    """Compute a vector for each pair. Every pair is within reach."""
    tok2vec, pooling = model.layers
    vectors, backprop_vectors = tok2vec([doc_pairs.doc for doc_pairs in X], is_train)
    offsets = [doc_pairs.offsets for doc_pairs in X]
    pooled, backprop_pooled = pooling((vectors, offsets), is_train)

    def backprop(d_output: VectorsT) -> Any:
        d_pooled, _ = d_output
        d_vectors, _ = backprop_pooled(d_pooled)
        return backprop_vectors(d_vectors)

    return (pooled, numpy.ones(len(pooled), dtype="bool")), backprop
