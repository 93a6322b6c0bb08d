from collections.abc import Callable
from typing import Any

import numpy
from spacy.ml.extract_spans import extract_spans
from spacy.tokens import Doc
from thinc.api import Model, Ragged, chain, list2ragged, reduce_mean
from thinc.types import Floats2d

from .items import EntitiesInT, EntityVectors, VectorsT


def PooledEntities(tok2vec: Model[list[Doc], list[Floats2d]]) -> EntityVectors:
    """Build a layer that returns the mean of the token vectors of each entity.

    tok2vec (Model[list[Doc], list[Floats2d]]): Layer that returns a vector for each token: any
        spaCy tok2vec.
    RETURNS (Model[list[DocEntities], tuple[Floats2d, BoolArray]]): The layer. It returns a vector
        for each entity, *shape:* (entities, width). Every entity is within reach.
    """
    pooling: Model[tuple[Ragged, Ragged], Floats2d] = chain(extract_spans(), reduce_mean())
    token_vectors: Model[list[Doc], Ragged] = chain(tok2vec, list2ragged())
    return Model(
        "pooled_entities",
        forward,
        init=init,
        layers=[token_vectors, pooling],
        refs={"tok2vec": tok2vec},
        dims={"nO": None},
    )


def init(model: EntityVectors, X: EntitiesInT | None = None, Y: Any = None) -> None:
    """Initialize the tok2vec layer, and set the width."""
    tok2vec = model.get_ref("tok2vec")
    tok2vec.initialize(X=None if X is None else [doc_entities.doc for doc_entities in X])
    if (width := tok2vec.maybe_get_dim("nO")) is not None:
        model.set_dim("nO", width)


def forward(
    model: EntityVectors, X: EntitiesInT, is_train: bool
) -> tuple[VectorsT, Callable[[VectorsT], Any]]:
    """Compute a vector for each entity."""
    token_vectors, pooling = model.layers
    vectors, backprop_vectors = token_vectors([each.doc for each in X], is_train)
    pooled, backprop_pooled = pooling((vectors, _lay_out(model, X)), is_train)

    def backprop(d_output: VectorsT) -> Any:
        d_vectors, _ = backprop_pooled(d_output[0])
        return backprop_vectors(d_vectors)

    return (pooled, numpy.ones(len(pooled), dtype="bool")), backprop


def _lay_out(model: EntityVectors, X: EntitiesInT) -> Ragged:
    offsets = [(span.start, span.end) for each in X for span in each.entities]
    data = model.ops.xp.asarray(offsets, dtype="int32").reshape(-1, 2)
    return Ragged(data, model.ops.asarray1i([len(each) for each in X]))
