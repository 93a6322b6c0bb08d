"""Aims of a threshold."""

from dataclasses import dataclass

from ..evaluation.scored import Scored
from .threshold import threshold_for_f1, threshold_for_precision


@dataclass(frozen=True)
class Choice:
    """Aim of the threshold of relations: none, the best F1, or a precision.

    best_f1 (bool): Whether to choose the threshold with the highest F1.
    precision (float | None): The precision that relations must have; None for none.
    """

    best_f1: bool = False
    precision: float | None = None

    def __post_init__(self) -> None:
        """Check the choice.

        RAISES (ValueError): If both are given, or the precision is not a number from 0 to 1.
        """
        if self.best_f1 and self.precision is not None:
            raise ValueError("--best-f1 can't be used with --precision: each chooses a threshold")
        if self.precision is not None and not 0 <= self.precision <= 1:
            raise ValueError(f"--precision must be a number from 0 to 1, got {self.precision}")

    def __bool__(self) -> bool:
        """RETURNS (bool): Whether there is a threshold to choose."""
        return self.best_f1 or self.precision is not None

    def find(self, scored: Scored, *, gold: int) -> float | None:
        """Find the threshold.

        scored (Scored): The scores of all predictions.
        gold (int): The number of gold relations.
        RETURNS (float | None): The threshold; None to keep all.
        RAISES (ValueError): If no threshold has the precision.
        """
        if self.precision is not None:
            return threshold_for_precision(scored, self.precision)
        return threshold_for_f1(scored, gold)
