from collections.abc import Iterable
from math import isfinite

from spacy.training import Example

from ..doc.origin import list_places


def require_finite(loss: float, name: str, examples: Iterable[Example]) -> None:
    """Stop training if the loss of a batch is not finite.

    loss (float): The loss.
    name (str): The name of the component.
    examples (Iterable[Example]): The batch.
    RAISES (ValueError): If the loss is infinite or NaN.
    """
    if not isfinite(loss):
        places = list_places(example.reference for example in examples)
        raise ValueError(
            f"{name}: the loss of a batch is {loss}, but must be finite, so training stops. The "
            "best pipeline so far is kept. Lower the learning rate, set "
            "training.optimizer.grad_clip, or, on a GPU, set mixed_precision = false. The batch: "
            f"{places}."
        )
