"""A bidirectional LSTM that does not read padding, in torch only."""

import torch
from torch import Tensor
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


class BiLSTM(torch.nn.Module):
    """Reads texts from both ends.

    Sources: Huang et al. 2015, "Bidirectional LSTM-CRF Models for Sequence Tagging" (arXiv
    1508.01991); Gridach 2017, "Character-level neural network for biomedical named entity
    recognition" (Journal of Biomedical Informatics 70).
    """

    def __init__(self, width: int, *, depth: int) -> None:
        """width (int): The width of the rows, an even number: half of it is for each direction.
        depth (int): The number of layers.
        """
        super().__init__()
        if width % 2:
            raise ValueError(f"The width of a Bi-LSTM must be an even number, not {width}.")
        self.lstm = torch.nn.LSTM(width, width // 2, depth, batch_first=True, bidirectional=True)

    def forward(self, rows: Tensor, mask: Tensor) -> Tensor:
        """Read texts.

        rows (Tensor): The tokens of each text. *Shape:* (batch, length, width)
        mask (Tensor): True where there is a token. *Shape:* (batch, length)
        RETURNS (Tensor): The new rows, anything in the padding. *Shape:* (batch, length, width)
        """
        if rows.size(1) == 0:
            return rows
        # A text without tokens lends its first padding, since torch wants a token in each.
        lengths = mask.sum(dim=1).clamp(min=1).cpu()
        packed = pack_padded_sequence(rows, lengths, batch_first=True, enforce_sorted=False)
        read, _ = self.lstm(packed)
        return pad_packed_sequence(read, batch_first=True, total_length=rows.size(1))[0]
