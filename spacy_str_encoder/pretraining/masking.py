"""Mask words, for the encoder to predict."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy

from ..arrays import IntArray
from .windows import Window
from .words import NO_WORD

# The label of pieces that the loss ignores.
IGNORED = -100
# The shares of the pieces to predict that are replaced by the mask, or by a random piece. The rest
# stays unchanged.
MASK_SHARE = 0.8
RANDOM_SHARE = 0.1
Example = dict[str, list[int]]


@dataclass(frozen=True)
class Masking:
    """Whole word masking: all pieces of a word are masked, or none.

    Sources: Devlin et al. 2019, arXiv 1810.04805, section 3.1; whole words: Cui et al. 2019, arXiv
    1906.08101.

    mask_piece (int): The id of `[MASK]`.
    ordinary_pieces (IntArray): The ids of all pieces that are not special.
    rate (float): The share of the words to predict.
    """

    mask_piece: int
    ordinary_pieces: IntArray
    rate: float

    def mask(self, window: Window, random: numpy.random.Generator) -> Example:
        """Mask words of a window, at least one.

        window (Window): A window with at least one word.
        random (Generator): The random number generator.
        RETURNS (dict[str, list[int]]): `input_ids`, and `labels`: the pieces to predict, and -100
            for all others.
        """
        is_hidden = numpy.isin(window.words, self._choose_words(window, random))
        draws = random.random(len(window.pieces))
        is_random = is_hidden & (draws >= 1 - RANDOM_SHARE)
        inputs = numpy.where(is_hidden & (draws < MASK_SHARE), self.mask_piece, window.pieces)
        inputs[is_random] = random.choice(self.ordinary_pieces, int(is_random.sum()))
        labels = numpy.where(is_hidden, window.pieces, IGNORED)
        return {"input_ids": inputs.tolist(), "labels": labels.tolist()}

    def _choose_words(self, window: Window, random: numpy.random.Generator) -> IntArray:
        words = numpy.unique(window.words[window.words != NO_WORD])
        chosen = words[random.random(len(words)) < self.rate]
        return chosen if len(chosen) else random.choice(words, 1)


def make_masking(tokenizer: Any, *, rate: float) -> Masking:
    """Set up masking for a tokenizer.

    tokenizer (PreTrainedTokenizerFast): The tokenizer.
    rate (float): The share of the words to predict.
    RETURNS (Masking): The masking.
    """
    ordinary = numpy.setdiff1d(numpy.arange(len(tokenizer)), tokenizer.all_special_ids)
    return Masking(tokenizer.mask_token_id, ordinary, rate)


def mask_once(windows: Sequence[Window], masking: Masking, *, seed: int) -> list[Example]:
    """Mask windows with fixed masks.

    windows (Sequence[Window]): The windows.
    masking (Masking): The masking.
    seed (int): The seed of the masks.
    RETURNS (list[dict[str, list[int]]]): The examples.
    """
    masked = MaskedWindows(windows, masking, seed=seed)
    return [masked[index] for index in range(len(windows))]


class MaskedWindows:
    """Windows that are masked anew in each epoch.

    The masks depend only on the seed, the epoch and the window, so a resumed run sees the same
    masks.
    """

    def __init__(self, windows: Sequence[Window], masking: Masking, *, seed: int) -> None:
        """Start with the first epoch.

        windows (Sequence[Window]): The windows.
        masking (Masking): The masking.
        seed (int): The seed of the masks.
        """
        self.windows = windows
        self.masking = masking
        self.seed = seed
        self.epoch = 0

    def __len__(self) -> int:
        return len(self.windows)

    def __getitem__(self, index: int) -> Example:
        random = numpy.random.default_rng([self.seed, self.epoch, index])
        return self.masking.mask(self.windows[index], random)

    def set_epoch(self, epoch: int) -> None:
        """Change the masks.

        epoch (int): The number of the epoch, starting at 0.
        """
        self.epoch = epoch
