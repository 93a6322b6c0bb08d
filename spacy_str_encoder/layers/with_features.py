from collections.abc import Callable
from typing import Any

from spacy.tokens import Doc
from thinc.api import Model, concatenate
from thinc.types import Floats2d

TokenVectors = Model[list[Doc], list[Floats2d]]


def with_features(tok2vec: TokenVectors, features: TokenVectors) -> TokenVectors:
    """Put the vectors that two layers have for a token side by side.

    tok2vec (Model[list[Doc], list[Floats2d]]): A vector for each token.
    features (Model[list[Doc], list[Floats2d]]): Another one.
    RETURNS (Model[list[Doc], list[Floats2d]]): The layer.
    """
    # `concatenate` adds up gradients of the input, and a listener returns none at all.
    return concatenate(_without_gradient(tok2vec), _without_gradient(features))


def _without_gradient(layer: TokenVectors) -> TokenVectors:
    return Model("without_gradient", forward, init=init, layers=[layer])


def init(model: TokenVectors, X: list[Doc] | None = None, Y: Any = None) -> None:
    model.layers[0].initialize(X=X)


def forward(
    model: TokenVectors, docs: list[Doc], is_train: bool
) -> tuple[list[Floats2d], Callable[[list[Floats2d]], list[Doc]]]:
    vectors, backprop_layer = model.layers[0](docs, is_train)

    def backprop(d_vectors: list[Floats2d]) -> list[Doc]:
        backprop_layer(d_vectors)
        return []

    return vectors, backprop
