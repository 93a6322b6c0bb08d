"""Dilated convolutions with residual connections, in torch only."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import relu


class ResidualDilatedConvolutions(torch.nn.Module):
    """Convolutions over the tokens of texts, each with a residual connection. A dilated convolution
    covers every second, fourth, ... token, so that a few layers cover a whole sentence.

    Source: Qiu et al. 2018, "Fast and Accurate Recognition of Chinese Clinical Named Entities with
    Residual Dilated Convolutions" (arXiv 1808.08669). The layer normalization is an addition: with
    it, many layers can be trained at the learning rate of the other systems.
    """

    def __init__(self, width: int, *, window_size: int, dilations: Sequence[int]) -> None:
        """Initialize the layers.

        width (int): The width of the rows.
        window_size (int): The number of tokens that a convolution covers on either side.
        dilations (Sequence[int]): The distance between these tokens in each layer.
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
        """Encode tokens in their context.

        rows (Tensor): The tokens of each text. *Shape:* (batch, length, width)
        mask (Tensor): True where there is a token. *Shape:* (batch, length)
        RETURNS (Tensor): The new rows, with any values in the padding. *Shape:* (batch, length,
            width)
        """
        if rows.size(1) == 0:
            return rows
        for norm, convolution in zip(self.norms, self.convolutions, strict=True):
            inputs = norm(rows).masked_fill(~mask.unsqueeze(2), 0.0)
            rows = rows + relu(convolution(inputs.transpose(1, 2)).transpose(1, 2))
        return rows
