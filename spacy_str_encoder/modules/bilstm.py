"""Bidirectional LSTM that does not read padding, in torch only."""

import torch
from torch import Tensor
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


class BiLSTM(torch.nn.Module):
    """Bidirectional LSTM over the tokens of texts.

    Sources: Huang et al. 2015, "Bidirectional LSTM-CRF Models for Sequence Tagging" (arXiv
    1508.01991); Gridach 2017, "Character-level neural network for biomedical named entity
    recognition" (Journal of Biomedical Informatics 70).
    """

    def __init__(self, width: int, *, depth: int) -> None:
        """Initialize the layers.

        width (int): The width of the rows. It must be even: each direction has half of it.
        depth (int): The number of layers.
        """
        super().__init__()
        if width % 2:
            raise ValueError(f"The width of a Bi-LSTM must be an even number, got {width}.")
        self.lstm = torch.nn.LSTM(width, width // 2, depth, batch_first=True, bidirectional=True)

    def forward(self, rows: Tensor, mask: Tensor) -> Tensor:
        """Encode tokens in their context.

        rows (Tensor): The tokens of each text. *Shape:* (batch, length, width)
        mask (Tensor): True where there is a token. *Shape:* (batch, length)
        RETURNS (Tensor): The new rows, with any values in the padding. *Shape:* (batch, length,
            width)
        """
        if rows.size(1) == 0:
            return rows
        # torch requires a token in each text, so empty texts use their first padding.
        lengths = mask.sum(dim=1).clamp(min=1).cpu()
        packed = pack_padded_sequence(rows, lengths, batch_first=True, enforce_sorted=False)
        read, _ = self.lstm(packed)
        return pad_packed_sequence(read, batch_first=True, total_length=rows.size(1))[0]
