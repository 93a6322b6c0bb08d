"""Convolutions that see further from layer to layer, in torch only."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import relu


class ResidualDilatedConvolutions(torch.nn.Module):
    """Convolutions over the tokens of texts, each added to what it has read. A dilated one looks
    at every second, fourth, ... token, so that a few of them see a whole sentence.

    Source: Qiu et al. 2018, "Fast and Accurate Recognition of Chinese Clinical Named Entities with
    Residual Dilated Convolutions" (arXiv 1808.08669). The layer normalization is not theirs: it
    lets a deep stack of them learn at the rate of the other systems.
    """

    def __init__(self, width: int, *, window_size: int, dilations: Sequence[int]) -> None:
        """width (int): The width of the rows.
        window_size (int): How many tokens on either side a convolution looks at.
        dilations (Sequence[int]): The step from one of these tokens to the next, layer by layer.
        """
        super().__init__()
        self.norms = torch.nn.ModuleList(torch.nn.LayerNorm(width) for _ in dilations)
        self.convolutions = torch.nn.ModuleList(
            torch.nn.Conv1d(
                width, width, 2 * window_size + 1, padding=window_size * step, dilation=step
            )
            for step in dilations
        )

    def forward(self, rows: Tensor, mask: Tensor) -> Tensor:
        """Let tokens look at their surroundings.

        rows (Tensor): The tokens of each text. *Shape:* (batch, length, width)
        mask (Tensor): True where there is a token. *Shape:* (batch, length)
        RETURNS (Tensor): The new rows, anything in the padding. *Shape:* (batch, length, width)
        """
        if rows.size(1) == 0:
            return rows
        for norm, convolution in zip(self.norms, self.convolutions, strict=True):
            seen = norm(rows).masked_fill(~mask.unsqueeze(2), 0.0)
            rows = rows + relu(convolution(seen.transpose(1, 2)).transpose(1, 2))
        return rows
