from collections.abc import Callable
from functools import partial
from typing import Any

import numpy
from thinc.api import Dropout, Linear, Model, chain, resizable
from thinc.layers.resizable import resize_linear_weighted, resize_model
from thinc.types import Floats2d

from .pairs import PairsInT, PairVectors
from .tanh import tanh

# A new class starts with a low probability under softmax and sigmoid, but can still be learned.
resize = partial(resize_linear_weighted, fill_defaults={"b": -5.0})


def relation_classifier(
    pairs2vectors: PairVectors, *, hidden_width: int | None = None
) -> Model[PairsInT, Floats2d]:
    """Build a classifier of pairs of entities: `tanh(X·W1 + b1)·W2 + b2`, the logits of a softmax.

    Source: Xue et al. 2019, arXiv 1908.07721, Eqs. 15 and 16.

    pairs2vectors (Model[list[DocPairs], tuple[Floats2d, BoolArray]]): Layer that returns vectors of
        pairs, such as `FocusedPairs` or `PooledPairs`.
    hidden_width (int | None): Width of the hidden layer; that of the vectors if None.
    RETURNS (Model[list[DocPairs], Floats2d]): The model. Its output are logits, *shape:* (pairs,
        classes). The first class is "no relation". Pairs out of reach have a logit of -inf for all
        other classes.
    """
    output: Model[Floats2d, Floats2d] = resizable(Linear(), resize_layer=resize)
    hidden: Model[Floats2d, Floats2d] = Linear(nO=hidden_width)
    return Model(
        "relation_classifier",
        forward,
        init=init,
        layers=[pairs2vectors, chain(hidden, tanh(), Dropout(), output)],
        refs={"pairs2vectors": pairs2vectors, "hidden": hidden, "output_layer": output},
        attrs={"resize_output": resize_output},
    )


def init(model: Model[PairsInT, Floats2d], X: PairsInT | None = None, Y: Any = None) -> None:
    """Initialize the classifier with the width of the vectors of pairs."""
    pairs2vectors, classifier = model.layers
    pairs2vectors.initialize(X=X)
    width = pairs2vectors.get_dim("nO")
    hidden = model.get_ref("hidden")
    if hidden.has_dim("nO") is None:
        hidden.set_dim("nO", width)
    classifier.initialize(X=model.ops.alloc2f(1, width))


def forward(
    model: Model[PairsInT, Floats2d], X: PairsInT, is_train: bool
) -> tuple[Floats2d, Callable[[Floats2d], Any]]:
    """Compute the logits. They are -inf for the relations of pairs out of reach."""
    pairs2vectors, classifier = model.layers
    (vectors, reachable), backprop_vectors = pairs2vectors(X, is_train)
    scores, backprop_scores = classifier(vectors, is_train)
    rows = model.ops.xp.flatnonzero(model.ops.asarray1i(reachable))
    logits = model.ops.alloc2f(len(reachable), scores.shape[1])
    logits[:, 1:] = -numpy.inf
    logits[rows] = scores

    def backprop(d_logits: Floats2d) -> Any:
        return backprop_vectors((backprop_scores(d_logits[rows]), reachable))

    return logits, backprop


def resize_output(model: Model[PairsInT, Floats2d], classes: int) -> Model[PairsInT, Floats2d]:
    """Change the number of classes, and keep the weights of the existing ones.

    model (Model[list[DocPairs], Floats2d]): The classifier.
    classes (int): The new number of classes.
    RETURNS (Model[list[DocPairs], Floats2d]): The same model.
    """
    resize_model(model.get_ref("output_layer"), classes)
    return model
