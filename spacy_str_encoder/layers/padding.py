"""Conversion between arrays of different lengths and one padded tensor."""

from collections.abc import Sequence
from typing import Any

import torch
from thinc.api import xp2torch
from thinc.types import Floats2d
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence


def pad(arrays: Sequence[Floats2d]) -> tuple[Tensor, Tensor]:
    """Pad arrays into one tensor.

    arrays (Sequence[Floats2d]): One array for each doc. *Shape:* (tokens, width) each.
    RETURNS (tuple[Tensor, Tensor]): The rows, padded with zeros, *shape:* (docs, longest, width);
        and a mask that is False for padding, *shape:* (docs, longest). The mask is on the CPU,
        where the lengths are known.
    """
    padded = pad_sequence([xp2torch(array) for array in arrays], batch_first=True)
    lengths = torch.tensor([len(array) for array in arrays])
    return padded, torch.arange(padded.shape[1]) < lengths[:, None]


def unpad(padded: Any, arrays: Sequence[Floats2d]) -> list[Any]:
    """Split a padded array into one array for each doc.

    padded (ArrayXd): Rows with padding. *Shape:* (docs, longest, ...).
    arrays (Sequence[Floats2d]): Arrays of the original lengths.
    RETURNS (list[ArrayXd]): The rows of each doc. *Shape:* (tokens, ...) each.
    """
    return [rows[: len(array)] for rows, array in zip(padded, arrays, strict=True)]
