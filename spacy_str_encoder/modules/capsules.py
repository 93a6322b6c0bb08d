"""Capsules and dynamic routing, in torch only."""

import torch
from torch import Tensor

from .pair_words import SEGMENTS, Pairs, PairWords, in_chunks, pool_segments, take_words


class PairCapsules(torch.nn.Module):
    """Vectors of entity pairs from capsules: capsules of the two entities and of the words before,
    between and after them are routed to capsules of the pair.

    Sources: Wang et al. 2018, "Automatic Severity Classification of Coronary Artery Disease via
    Recurrent Capsule Network" (arXiv 1807.06718); Sabour et al. 2017, "Dynamic Routing Between
    Capsules" (arXiv 1710.09829). There are two differences: the Bi-LSTM of the words runs once over
    a text, not over each segment for each pair; and a classifier uses the capsules of the pair,
    instead of one capsule per relation whose length is trained with a margin loss.
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
        """Initialize the layers.

        width (int): The width of the word vectors.
        capsules (int): The number of capsules for each of the five segments.
        capsule_width (int): The width of these capsules.
        pair_capsules (int): The number of capsules for each pair.
        pair_capsule_width (int): The width of these capsules.
        routings (int): The number of routing iterations, 1 or more.
        """
        super().__init__()
        self.to_capsules = torch.nn.Linear(width, capsules * capsule_width)
        # shape: (capsules of all segments, capsule width, capsules of the pair, capsule width)
        shape = (SEGMENTS * capsules, capsule_width, pair_capsules, pair_capsule_width)
        self.to_votes = torch.nn.Parameter(torch.randn(shape) / capsule_width**0.5)
        self.routings = routings
        self.output_width = pair_capsules * pair_capsule_width

    def forward(self, words: Tensor, pairs: Pairs) -> Tensor:
        """Compute vectors of pairs, see `pair_vectors.PairMaxima`."""
        return in_chunks(self._pool, words, pairs, width=self.output_width)

    def _pool(self, rows: Tensor, words: PairWords) -> Tensor:
        segments = self.to_capsules(pool_segments(take_words(rows, words), words))
        capsules = squash(segments.view(len(segments), *self.to_votes.shape[:2]))
        votes = torch.einsum("pid,idje->pije", capsules, self.to_votes)
        return route(votes, routings=self.routings).flatten(1)


def squash(capsules: Tensor) -> Tensor:
    """Shrink vectors to a length below 1, and keep their directions.

    Source: Sabour et al. 2017, arXiv 1710.09829, Eq. 1.

    capsules (Tensor): Vectors. *Shape:* (..., width)
    RETURNS (Tensor): The vectors. *Shape:* (..., width)
    """
    squares = capsules.square().sum(dim=-1, keepdim=True)
    # The length of a zero vector has no gradient.
    return capsules * (squares + 1e-9).sqrt() / (1 + squares)


def route(votes: Tensor, *, routings: int) -> Tensor:
    """Route capsules to those capsules of the next layer on which their votes agree.

    Source: Sabour et al. 2017, arXiv 1710.09829, procedure 1.

    votes (Tensor): The vote of each capsule on each capsule of the next layer. *Shape:* (batch,
        capsules, next capsules, width)
    routings (int): The number of routing iterations, 1 or more.
    RETURNS (Tensor): The capsules of the next layer. *Shape:* (batch, next capsules, width)
    """
    agreement = torch.zeros_like(votes[..., 0])
    for _ in range(routings):
        shares = agreement.softmax(dim=2)
        capsules = squash(torch.einsum("pij,pije->pje", shares, votes))
        agreement = agreement + torch.einsum("pije,pje->pij", votes, capsules)
    return capsules
