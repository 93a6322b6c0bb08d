"""What a conversion could not carry over, and what it had to choose."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

EXAMPLES = 3


class LossError(ValueError):
    """Something would be lost, and that was ruled out."""


@dataclass
class ConversionReport:
    """What happened to texts on their way.

    strict (bool): Whether a loss is an error.
    texts (int): How many were written.
    lost (dict[str, list[str]]): What could not be carried over: for each reason, the place and a
        description of every case.
    chosen (dict[str, list[str]]): What was one of several possibilities, likewise.
    """

    strict: bool = False
    texts: int = 0
    lost: dict[str, list[str]] = field(default_factory=dict)
    chosen: dict[str, list[str]] = field(default_factory=dict)

    def lose(self, reason: str, place: str, case: str) -> None:
        """Count something that is lost.

        reason (str): Why, as a plural: "entities that do not align with tokens".
        place (str): Where it was read.
        case (str): What it is.
        RAISES (LossError): If losses are ruled out.
        """
        if self.strict:
            raise LossError(f"{place}: {case} would be lost ({reason})")
        self.lost.setdefault(reason, []).append(f"{place}: {case}")

    def choose(self, reason: str, place: str, case: str) -> None:
        """Count something that was one of several possibilities.

        reason (str): What was chosen, as a plural.
        place (str): Where it was read.
        case (str): What it is.
        """
        self.chosen.setdefault(reason, []).append(f"{place}: {case}")

    @property
    def losses(self) -> Counter[str]:
        """RETURNS (Counter[str]): How many cases there are of each loss."""
        return Counter({reason: len(cases) for reason, cases in self.lost.items()})

    def to_dict(self) -> dict[str, Any]:
        """RETURNS (dict[str, Any]): All of it, fit for JSON."""
        return {"texts": self.texts, "lost": self.lost, "chosen": self.chosen}


def summarize(report: ConversionReport) -> list[str]:
    """Say in a few lines what was lost and chosen, with the first cases of each reason.

    report (ConversionReport): The report.
    RETURNS (list[str]): The lines.
    """
    lines = []
    for verb, reasons in (("left out", report.lost), ("chosen", report.chosen)):
        for reason, cases in reasons.items():
            lines.append(f"{verb}: {len(cases)} {reason}")
            lines += [f"  {case}" for case in cases[:EXAMPLES]]
            if len(cases) > EXAMPLES:
                lines.append(f"  and {len(cases) - EXAMPLES} more")
    return lines
