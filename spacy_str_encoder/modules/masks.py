"""The task masks of dynamic range attention: which position may look at which.

These plain boolean matrices are the definition; every faster way to compute the
same thing is tested against them.

Source: Xue et al. 2019, arXiv 1908.07721, section III-B.
"""

from typing import Literal

import torch
from torch import Tensor

MaskName = Literal["cls", "pair"]


def ner_mask(length: int) -> Tensor:
    """The mask of entity recognition: every position sees every position.

    length (int): The number of pieces, the special ones included.
    RETURNS (Tensor): Boolean. *Shape:* (length, length).
    """
    return torch.ones(length, length, dtype=torch.bool)


def cls_mask(in_focus: Tensor) -> Tensor:
    """Eq. 13: the `[CLS]` row sees the pieces in focus, every other row sees everything.

    in_focus (Tensor): Boolean: which pieces are `[CLS]` (always the first) or belong to one
        of the two entities of the pair. *Shape:* (pairs, length).
    RETURNS (Tensor): Boolean. *Shape:* (pairs, length, length).
    """
    pairs, length = in_focus.shape
    mask = torch.ones(pairs, length, length, dtype=torch.bool, device=in_focus.device)
    mask[:, 0] = in_focus
    return mask


def pair_mask(in_focus: Tensor) -> Tensor:
    """Eq. 14: the rows in focus see only each other.

    The output of all other rows is never used. They see everything here, since a row that sees
    nothing has no softmax: kernels answer with NaN or with uniform attention.

    in_focus (Tensor): Boolean, as in `cls_mask`. *Shape:* (pairs, length).
    RETURNS (Tensor): Boolean. *Shape:* (pairs, length, length).
    """
    return in_focus[:, None, :] | ~in_focus[:, :, None]
