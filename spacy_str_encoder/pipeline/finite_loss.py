from collections.abc import Iterable
from math import isfinite

from spacy.training import Example

from ..doc.origin import list_places


def require_finite(loss: float, name: str, examples: Iterable[Example]) -> None:
    """Refuse a loss that nothing can be learned from.

    loss (float): The loss.
    name (str): The name of the component.
    examples (Iterable[Example]): The batch that has the loss.
    RAISES (ValueError): If the loss is infinite or not a number.
    """
    if not isfinite(loss):
        places = list_places(example.reference for example in examples)
        raise ValueError(
            f"{name}: the loss of a batch is {loss}, so nothing can be learned any more. The best "
            "pipeline so far is kept. A lower learning rate or training.optimizer.grad_clip help, "
            f"and mixed_precision = false on a GPU. The batch: {places}."
        )
