"""Vectors of entity pairs from maxima over words or over convolutions, in torch only."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import pad, relu

from .pair_words import (
    SEGMENTS,
    Pairs,
    PairWords,
    distance_to,
    in_chunks,
    pool_pairs,
    pool_segments,
    take_words,
)


class PairMaxima(torch.nn.Module):
    """Vectors of entity pairs from maxima over the two entities and over the words before, between
    and after them.
    """

    def __init__(self, width: int) -> None:
        """Initialize the layer.

        width (int): The width of the word vectors.
        """
        super().__init__()
        self.output_width = SEGMENTS * width

    def forward(self, words: Tensor, pairs: Pairs) -> Tensor:
        """Compute vectors of pairs.

        words (Tensor): The words of each text, with zeros in the padding. *Shape:* (texts, longest,
            width)
        pairs (Pairs): The pairs, at least one.
        RETURNS (Tensor): The vectors. *Shape:* (pairs, output width)
        """
        return in_chunks(self._pool, words, pairs, width=self.output_width)

    def _pool(self, rows: Tensor, words: PairWords) -> Tensor:
        return pool_segments(take_words(rows, words), words).flatten(1)


class PairConvolutions(torch.nn.Module):
    """Vectors of entity pairs from maxima of convolutions over the words and their distances from
    the two entities.

    Sources: Nguyen and Grishman 2015, "Relation Extraction: Perspective from Convolutional Neural
    Networks" (NAACL workshop on vector space modeling); Sahu et al. 2016, "Relation extraction from
    clinical texts using domain invariant convolutional neural network" (arXiv 1606.09370); the
    segments as in `pool_segments`. The position of the middle of a filter determines all of its
    positions, so one position embedding per entity is added to the output of the filter, not one to
    each of its words. Words are therefore convolved only once for all pairs of a text.
    """

    def __init__(
        self,
        width: int,
        *,
        filters: int,
        filter_widths: Sequence[int],
        max_distance: int,
        piecewise: bool,
    ) -> None:
        """Initialize the layers.

        width (int): The width of the word vectors.
        filters (int): The number of filters of each width.
        filter_widths (Sequence[int]): The numbers of words that filters cover.
        max_distance (int): The maximum distance from an entity; greater distances are clipped.
        piecewise (bool): Whether to pool the five segments separately.
        """
        super().__init__()
        total = filters * len(filter_widths)
        self.convolutions = torch.nn.ModuleList(
            torch.nn.Conv1d(width, filters, size) for size in filter_widths
        )
        # Small, otherwise positions would outweigh the words.
        weights = torch.randn(2, 2 * max_distance + 1, total) / 10
        self.places = torch.nn.ModuleList(
            torch.nn.Embedding.from_pretrained(weight, freeze=False) for weight in weights
        )
        self.filter_widths = list(filter_widths)
        self.max_distance = max_distance
        self.pool = pool_segments if piecewise else pool_pairs
        self.output_width = (SEGMENTS if piecewise else 1) * total

    def forward(self, words: Tensor, pairs: Pairs) -> Tensor:
        """Compute vectors of pairs, see `PairMaxima`."""
        return in_chunks(self._pool, self._convolve(words), pairs, width=self.output_width)

    def _convolve(self, words: Tensor) -> Tensor:
        # shape: (texts, width, longest)
        columns = words.transpose(1, 2)
        parts = []
        for size, convolution in zip(self.filter_widths, self.convolutions, strict=True):
            parts.append(convolution(pad(columns, ((size - 1) // 2, size // 2))))
        return torch.cat(parts, dim=1).transpose(1, 2)

    def _pool(self, sums: Tensor, words: PairWords) -> Tensor:
        rows = take_words(sums, words)
        for entity, embedding in enumerate(self.places):
            distance = distance_to(entity, words).clamp(-self.max_distance, self.max_distance)
            rows = rows + embedding(distance + self.max_distance)
        return self.pool(relu(rows), words).flatten(1)
