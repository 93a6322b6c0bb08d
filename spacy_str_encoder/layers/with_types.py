from collections.abc import Callable
from typing import Any

import numpy
from thinc.api import Model
from thinc.types import Floats2d, Ints1d

from .items import PairsInT, PairVectors, VectorsT

# Small, since there are few types.
TYPE_WIDTH = 32


def with_types(pairs2vectors: PairVectors, type_vectors: Model[Ints1d, Floats2d]) -> PairVectors:
    """Build a layer that appends the vectors of both entity types to the vector of a pair.

    pairs2vectors (Model[list[DocPairs], tuple[Floats2d, BoolArray]]): Layer that returns vectors of
        pairs, such as `PooledPairs`.
    type_vectors (Model[Ints1d, Floats2d]): Layer that returns a vector for each type, see
        `embed_types`.
    RETURNS (Model[list[DocPairs], tuple[Floats2d, BoolArray]]): The layer.
    """
    return Model(
        "with_types",
        forward,
        init=init,
        layers=[pairs2vectors, type_vectors],
        dims={"nO": None},
    )


def init(model: PairVectors, X: PairsInT | None = None, Y: Any = None) -> None:
    """Initialize both layers."""
    pairs2vectors, type_vectors = model.layers
    pairs2vectors.initialize(X=X)
    type_vectors.set_dim("nO", TYPE_WIDTH)
    type_vectors.initialize()
    model.set_dim("nO", pairs2vectors.get_dim("nO") + 2 * TYPE_WIDTH)


def forward(
    model: PairVectors, X: PairsInT, is_train: bool
) -> tuple[VectorsT, Callable[[VectorsT], Any]]:
    """Append the vectors of both types to the vector of each pair."""
    ops = model.ops
    pairs2vectors, type_vectors = model.layers
    (vectors, reachable), backprop_vectors = pairs2vectors(X, is_train)
    labels = numpy.concatenate([doc_pairs.labels for doc_pairs in X])[reachable]
    types, backprop_types = type_vectors(ops.xp.asarray(labels.ravel()), is_train)
    width = vectors.shape[1]

    def backprop(d_output: VectorsT) -> Any:
        d_joined, _ = d_output
        # Without types, as in a batch without pairs, thinc's layer can't run its backward pass.
        if len(types):
            backprop_types(ops.as_contig(d_joined[:, width:]).reshape(types.shape))
        return backprop_vectors((ops.as_contig(d_joined[:, :width]), reachable))

    joined = ops.xp.hstack([vectors, types.reshape(len(vectors), 2 * TYPE_WIDTH)])
    return (joined, reachable), backprop
