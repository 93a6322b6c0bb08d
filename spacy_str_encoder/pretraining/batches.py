"""Batches of windows that are alike in length, so that little of what is computed is padding."""

from collections.abc import Sequence
from math import ceil

import numpy
from spacy.util import minibatch

from .masking import Example, MaskedWindows

# Windows are drawn at random for so many batches, and sorted by length within these.
BATCHES_IN_GROUP = 50
Batch = list[Example]


class MaskedBatches:
    """Batches that are drawn and masked anew in each epoch.

    They depend on nothing but the seed, the epoch and the windows: a run that goes on after an
    interruption sees the same ones. That is what `group_by_length` of transformers' Trainer lacks.
    """

    def __init__(self, windows: MaskedWindows, *, size: int, seed: int) -> None:
        """Start with the first epoch.

        windows (MaskedWindows): The windows.
        size (int): Most windows in a batch.
        seed (int): The seed of what is drawn.
        """
        self.windows = windows
        self.lengths = [len(window.pieces) for window in windows.windows]
        self.size = size
        self.seed = seed
        self.set_epoch(0)

    def __len__(self) -> int:
        return ceil(len(self.windows) / self.size)

    def __getitem__(self, index: int) -> Batch:
        return [self.windows[number] for number in self.batches[index]]

    def set_epoch(self, epoch: int) -> None:
        """Change batches and masks; accelerate's data loader calls this before each epoch.

        epoch (int): The number of the epoch, from 0.
        """
        self.windows.set_epoch(epoch)
        order = numpy.random.default_rng([self.seed, epoch]).permutation(len(self.windows))
        groups = minibatch(order.tolist(), self.size * BATCHES_IN_GROUP)
        by_length = (sorted(group, key=self.lengths.__getitem__) for group in groups)
        self.batches = [batch for group in by_length for batch in minibatch(group, self.size)]


def batch_by_length(examples: Sequence[Example], *, size: int) -> list[Batch]:
    """Batch examples once and for all.

    examples (Sequence[dict[str, list[int]]]): The examples.
    size (int): Most examples in a batch.
    RETURNS (list[list[dict[str, list[int]]]]): The batches, the shortest examples first.
    """
    by_length = sorted(examples, key=lambda example: len(example["input_ids"]))
    return list(minibatch(by_length, size))
