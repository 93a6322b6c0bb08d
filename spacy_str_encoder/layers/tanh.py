from collections.abc import Callable
from typing import Any

from thinc.api import Model
from thinc.types import Floats2d


def tanh() -> Model[Floats2d, Floats2d]:
    """Build a hyperbolic tangent layer. thinc has this operation, but no layer for it.

    RETURNS (Model[Floats2d, Floats2d]): The layer.
    """
    return Model("tanh", forward)


def forward(
    model: Model[Floats2d, Floats2d], X: Floats2d, is_train: bool
) -> tuple[Floats2d, Callable[[Floats2d], Any]]:
    """Compute the hyperbolic tangent."""
    Y = model.ops.xp.tanh(X)

    def backprop(dY: Floats2d) -> Floats2d:
        return dY * (1 - Y**2)

    return Y, backprop
