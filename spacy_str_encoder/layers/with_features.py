from collections.abc import Callable
from typing import Any

from spacy.tokens import Doc
from thinc.api import Model
from thinc.types import Floats2d

TokenVectors = Model[list[Doc], list[Floats2d]]


def with_features(tok2vec: TokenVectors, features: TokenVectors) -> TokenVectors:
    """Build a layer that concatenates the token vectors of two layers.

    Unlike thinc's `concatenate`, this supports layers that return no gradient for their input, such
    as listeners, and docs without tokens.

    tok2vec (Model[list[Doc], list[Floats2d]]): Layer that returns a vector for each token.
    features (Model[list[Doc], list[Floats2d]]): Layer that returns further features of each token.
    RETURNS (Model[list[Doc], list[Floats2d]]): The layer.
    """
    return Model("with_features", forward, init=init, layers=[tok2vec, features])


def init(model: TokenVectors, X: list[Doc] | None = None, Y: Any = None) -> None:
    """Initialize both layers."""
    for layer in model.layers:
        layer.initialize(X=X)


def forward(
    model: TokenVectors, docs: list[Doc], is_train: bool
) -> tuple[list[Floats2d], Callable[[list[Floats2d]], list[Doc]]]:
    """Concatenate the two vectors of each token."""
    ops = model.ops
    tok2vec, features = model.layers
    vectors, backprop_vectors = tok2vec(docs, is_train)
    extras, backprop_extras = features(docs, is_train)

    def backprop(d_joined: list[Floats2d]) -> list[Doc]:
        parts = list(zip(d_joined, vectors, extras, strict=True))
        backprop_vectors([ops.as_contig(dY[:, : v.shape[1]]) for dY, v, _ in parts])
        backprop_extras([ops.as_contig(dY[:, dY.shape[1] - e.shape[1] :]) for dY, _, e in parts])
        return []

    return [ops.xp.hstack(pair) for pair in zip(vectors, extras, strict=True)], backprop
