"""Batches of windows of similar length, to save padding."""

from collections.abc import Sequence
from math import ceil

import numpy
from spacy.util import minibatch

from .masking import Example, MaskedWindows

# Windows are shuffled and divided into groups of so many batches, and sorted by length within each
# group.
BATCHES_IN_GROUP = 50
Batch = list[Example]


class MaskedBatches:
    """Batches that are drawn and masked anew in each epoch.

    They depend only on the seed, the epoch and the windows, so a resumed run sees the same batches.
    `group_by_length` of transformers' Trainer does not guarantee this.
    """

    def __init__(self, windows: MaskedWindows, *, size: int, seed: int) -> None:
        """Start with the first epoch.

        windows (MaskedWindows): The windows.
        size (int): The maximum number of windows in a batch.
        seed (int): The random seed.
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
        """Draw new batches and masks. The data loader of accelerate calls this before each epoch.

        epoch (int): The number of the epoch, starting at 0.
        """
        self.windows.set_epoch(epoch)
        order = numpy.random.default_rng([self.seed, epoch]).permutation(len(self.windows))
        groups = minibatch(order.tolist(), self.size * BATCHES_IN_GROUP)
        by_length = (sorted(group, key=self.lengths.__getitem__) for group in groups)
        self.batches = [batch for group in by_length for batch in minibatch(group, self.size)]


def batch_by_length(examples: Sequence[Example], *, size: int) -> list[Batch]:
    """Make fixed batches of examples, sorted by length.

    examples (Sequence[dict[str, list[int]]]): The examples.
    size (int): The maximum number of examples in a batch.
    RETURNS (list[list[dict[str, list[int]]]]): The batches, the shortest examples first.
    """
    by_length = sorted(examples, key=lambda example: len(example["input_ids"]))
    return list(minibatch(by_length, size))
