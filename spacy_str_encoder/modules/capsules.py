"""Capsules and the routing between them, in torch only."""

import torch
from torch import Tensor

from .pair_words import SEGMENTS, Pairs, PairWords, in_chunks, pool_segments, take_words


class PairCapsules(torch.nn.Module):
    """Pairs by capsules of their entities and of the words before, between and after them, which
    are routed to capsules of the pair.

    Sources: Wang et al. 2018, "Automatic Severity Classification of Coronary Artery Disease via
    Recurrent Capsule Network" (arXiv 1807.06718); Sabour et al. 2017, "Dynamic Routing Between
    Capsules" (arXiv 1710.09829). Other than there, the Bi-LSTM that the words come from runs once
    over a text, not over each segment for each pair; and a classifier reads the capsules of the
    pair, in place of one capsule for each relation whose length is trained by a margin loss.
    """

    def __init__(
        self,
        width: int,
        *,
        capsules: int,
        capsule_width: int,
        pair_capsules: int,
        pair_capsule_width: int,
        routings: int,
    ) -> None:
        """width (int): The width of the words' vectors.
        capsules (int): The number of capsules of each of the five segments.
        capsule_width (int): Their width.
        pair_capsules (int): The number of capsules of a pair.
        pair_capsule_width (int): Their width.
        routings (int): How often the routing is refined, 1 or more.
        """
        super().__init__()
        self.to_capsules = torch.nn.Linear(width, capsules * capsule_width)
        # shape: (capsules of all segments, their width, capsules of the pair, their width)
        shape = (SEGMENTS * capsules, capsule_width, pair_capsules, pair_capsule_width)
        self.to_votes = torch.nn.Parameter(torch.randn(shape) / capsule_width**0.5)
        self.routings = routings
        self.output_width = pair_capsules * pair_capsule_width

    def forward(self, words: Tensor, pairs: Pairs) -> Tensor:
        """Make vectors of pairs, see `pair_pooling.PairMaxima`."""
        return in_chunks(self._pool, words, pairs, width=self.output_width)

    def _pool(self, rows: Tensor, words: PairWords) -> Tensor:
        segments = self.to_capsules(pool_segments(take_words(rows, words), words))
        capsules = squash(segments.view(len(segments), *self.to_votes.shape[:2]))
        votes = torch.einsum("pid,idje->pije", capsules, self.to_votes)
        return route(votes, routings=self.routings).flatten(1)


def squash(capsules: Tensor) -> Tensor:
    """Make vectors shorter than 1, and keep their directions.

    Source: Sabour et al. 2017, arXiv 1710.09829, Eq. 1.

    capsules (Tensor): Vectors. *Shape:* (..., width)
    RETURNS (Tensor): The vectors. *Shape:* (..., width)
    """
    squares = capsules.square().sum(dim=-1, keepdim=True)
    # A vector of zeros has no gradient of its length.
    return capsules * (squares + 1e-9).sqrt() / (1 + squares)


def route(votes: Tensor, *, routings: int) -> Tensor:
    """Let capsules send more to where other capsules agree with them.

    Source: Sabour et al. 2017, arXiv 1710.09829, procedure 1.

    votes (Tensor): What each capsule says of each capsule of the next layer. *Shape:* (batch,
        capsules, next capsules, width)
    routings (int): How often the shares that capsules send are computed, 1 or more.
    RETURNS (Tensor): The capsules of the next layer. *Shape:* (batch, next capsules, width)
    """
    agreement = torch.zeros_like(votes[..., 0])
    for _ in range(routings):
        shares = agreement.softmax(dim=2)
        capsules = squash(torch.einsum("pij,pije->pje", shares, votes))
        agreement = agreement + torch.einsum("pije,pje->pij", votes, capsules)
    return capsules
