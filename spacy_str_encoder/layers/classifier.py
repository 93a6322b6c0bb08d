from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import numpy
from thinc.api import Dropout, Linear, Model, chain, resizable
from thinc.layers.resizable import resize_linear_weighted, resize_model
from thinc.types import Floats2d

from .items import EntitiesInT, PairsInT, VectorsT
from .tanh import tanh

InT = TypeVar("InT", PairsInT, EntitiesInT)

# A new class starts with a low probability under softmax and sigmoid, but can still be learned.
resize = partial(resize_linear_weighted, fill_defaults={"b": -5.0})


def classifier(
    items2vectors: Model[InT, VectorsT], *, hidden_width: int | None = None
) -> Model[InT, Floats2d]:
    """Build a classifier of pairs of entities, or of entities: `tanh(X·W1 + b1)·W2 + b2`, the
    logits of a softmax.

    Source: Xue et al. 2019, arXiv 1908.07721, Eqs. 15 and 16.

    items2vectors (Model[InT, tuple[Floats2d, BoolArray]]): Layer that returns vectors of items,
        such as `FocusedPairs`, `PooledPairs` or `FocusedEntities`.
    hidden_width (int | None): Width of the hidden layer; that of the vectors if None.
    RETURNS (Model[InT, Floats2d]): The model. Its output are logits, *shape:* (items, classes). For
        pairs, the first class is "no relation". Items out of reach have a logit of -inf for all
        other classes.
    """
    output: Model[Floats2d, Floats2d] = resizable(Linear(), resize_layer=resize)
    hidden: Model[Floats2d, Floats2d] = Linear(nO=hidden_width)
    return Model(
        "classifier",
        forward,
        init=init,
        layers=[items2vectors, chain(hidden, tanh(), Dropout(), output)],
        refs={"items2vectors": items2vectors, "hidden": hidden, "output_layer": output},
        attrs={"resize_output": resize_output},
    )


def init(model: Model[InT, Floats2d], X: InT | None = None, Y: Any = None) -> None:
    """Initialize the classifier with the width of the vectors."""
    items2vectors, classifier = model.layers
    items2vectors.initialize(X=X)
    width = items2vectors.get_dim("nO")
    hidden = model.get_ref("hidden")
    if hidden.has_dim("nO") is None:
        hidden.set_dim("nO", width)
    classifier.initialize(X=model.ops.alloc2f(1, width))


def forward(
    model: Model[InT, Floats2d], X: InT, is_train: bool
) -> tuple[Floats2d, Callable[[Floats2d], Any]]:
    """Compute the logits. Out of reach, they are -inf except for the first class."""
    items2vectors, classifier = model.layers
    (vectors, reachable), backprop_vectors = items2vectors(X, is_train)
    scores, backprop_scores = classifier(vectors, is_train)
    rows = model.ops.xp.flatnonzero(model.ops.asarray1i(reachable))
    logits = model.ops.alloc2f(len(reachable), scores.shape[1])
    logits[:, 1:] = -numpy.inf
    logits[rows] = scores

    def backprop(d_logits: Floats2d) -> Any:
        return backprop_vectors((backprop_scores(d_logits[rows]), reachable))

    return logits, backprop


def resize_output(model: Model[InT, Floats2d], classes: int) -> Model[InT, Floats2d]:
    """Change the number of classes, and keep the weights of the existing ones.

    model (Model[InT, Floats2d]): The classifier.
    classes (int): The new number of classes.
    RETURNS (Model[InT, Floats2d]): The same model.
    """
    resize_model(model.get_ref("output_layer"), classes)
    return model
