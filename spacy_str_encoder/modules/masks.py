"""Task masks of dynamic range attention, which define the positions that a position may attend to.

These boolean matrices are the definition: all faster implementations are tested against them.

Source: Xue et al. 2019, arXiv 1908.07721, section III-B.
"""

from typing import Literal

import torch
from torch import Tensor

MaskName = Literal["cls", "pair"]


def ner_mask(length: int) -> Tensor:
    """Create the mask of entity recognition: all positions attend to all positions.

    length (int): The number of pieces, including special ones.
    RETURNS (Tensor): The boolean mask. *Shape:* (length, length).
    """
    return torch.ones(length, length, dtype=torch.bool)


def cls_mask(in_focus: Tensor) -> Tensor:
    """Create the mask of Eq. 13: the `[CLS]` row attends to the pieces in focus only, all other
    rows attend to everything.

    in_focus (Tensor): True for `[CLS]` (always the first piece) and the pieces of the two entities
        of the pair. *Shape:* (pairs, length).
    RETURNS (Tensor): The boolean mask. *Shape:* (pairs, length, length).
    """
    pairs, length = in_focus.shape
    mask = torch.ones(pairs, length, length, dtype=torch.bool, device=in_focus.device)
    mask[:, 0] = in_focus
    return mask


def pair_mask(in_focus: Tensor) -> Tensor:
    """Create the mask of Eq. 14: the rows in focus attend to each other only.

    The output of all other rows is never used. They attend to everything here, since the softmax of
    a fully masked row is undefined: kernels return NaN or uniform attention.

    in_focus (Tensor): The pieces in focus, as in `cls_mask`. *Shape:* (pairs, length).
    RETURNS (Tensor): The boolean mask. *Shape:* (pairs, length, length).
    """
    return in_focus[:, None, :] | ~in_focus[:, :, None]
