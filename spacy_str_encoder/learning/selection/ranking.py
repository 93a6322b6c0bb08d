"""Ranking of texts by the errors that a pipeline is expected to make in them."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy
from numpy.typing import NDArray

from .estimates import Estimate

# As many tokens with the mean error rate are added to each text.
PSEUDO_TOKENS = 5
# Number of the source, and of the text in it.
Place = tuple[int, int]


@dataclass(frozen=True)
class Ranking:
    """The expected errors of texts. Of each text, only numbers are kept.

    sources (array[int]): The number of the source of each text.
    numbers (array[int]): The number of each text in its source.
    errors (array[float]): The expected number of errors in each text.
    tokens (array[int]): The number of tokens of each text.
    """

    sources: "array[int]" = field(default_factory=lambda: array("q"))
    numbers: "array[int]" = field(default_factory=lambda: array("q"))
    errors: "array[float]" = field(default_factory=lambda: array("d"))
    tokens: "array[int]" = field(default_factory=lambda: array("q"))

    def __len__(self) -> int:
        return len(self.errors)

    def add(self, place: Place, estimate: Estimate) -> None:
        """Add a text.

        place (tuple[int, int]): The number of its source, and of the text in it.
        estimate (Estimate): Its errors and tokens.
        """
        self.sources.append(place[0])
        self.numbers.append(place[1])
        self.errors.append(estimate.errors)
        self.tokens.append(estimate.tokens)

    def place(self, index: int) -> Place:
        """RETURNS (tuple[int, int]): The number of a text's source, and of the text in it."""
        return self.sources[index], self.numbers[index]

    def rate(self, indices: Sequence[int] | None = None) -> float:
        """Compute the expected number of errors per token.

        indices (Sequence[int] | None): The texts; all if None.
        RETURNS (float): The number; 0 without any token.
        """
        chosen = range(len(self)) if indices is None else indices
        errors, tokens = sum(self.errors[i] for i in chosen), sum(self.tokens[i] for i in chosen)
        return errors / tokens if tokens else 0.0

    def score(self) -> NDArray[Any]:
        """Score texts by their expected number of errors per token, so that a long text does not
        win by its length. The rate of a few tokens says little: one doubtful word of two would win
        over every report. So the rate is shrunk towards the mean, as if each text had
        `PSEUDO_TOKENS` more tokens, with as many errors as the mean.

        RETURNS (NDArray): The scores; 0 for texts without tokens. *Shape:* (texts,).
        """
        errors, tokens = numpy.array(self.errors), numpy.array(self.tokens)
        scores = (errors + PSEUDO_TOKENS * self.rate()) / (tokens + PSEUDO_TOKENS)
        return numpy.where(tokens > 0, scores, 0.0)

    def best(self, count: int) -> list[int]:
        """Find the texts with the highest scores.

        count (int): The number of texts.
        RETURNS (list[int]): Their indices, the highest first. Texts without tokens are left out.
        """
        best = numpy.argsort(-self.score(), kind="stable")[:count].tolist()
        return [i for i in best if self.tokens[i]]
