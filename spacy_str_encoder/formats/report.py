"""Report of what a conversion lost, and what it had to choose."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

EXAMPLES = 3


class LossError(ValueError):
    """Loss of data in a conversion that must be lossless."""


@dataclass
class ConversionReport:
    """Counts of what a conversion lost and chose.

    strict (bool): Whether to raise an error if anything is lost.
    texts (int): The number of texts written.
    lost (dict[str, list[str]]): The cases that could not be converted, by reason. Each case has a
        location and a description.
    chosen (dict[str, list[str]]): The cases in which one of several possibilities was chosen, in
        the same form.
    """

    strict: bool = False
    texts: int = 0
    lost: dict[str, list[str]] = field(default_factory=dict)
    chosen: dict[str, list[str]] = field(default_factory=dict)

    def lose(self, reason: str, place: str, case: str) -> None:
        """Count a loss.

        reason (str): A plural noun phrase, such as "entities that do not align with tokens".
        place (str): The location in the input.
        case (str): A description of this case.
        RAISES (LossError): If the report is strict.
        """
        if self.strict:
            raise LossError(f"{place}: {case} would be lost ({reason})")
        self.lost.setdefault(reason, []).append(f"{place}: {case}" if case else place)

    def choose(self, reason: str, place: str, case: str) -> None:
        """Count a choice between several possibilities.

        reason (str): A plural noun phrase for what was chosen.
        place (str): The location in the input.
        case (str): A description of this case.
        """
        self.chosen.setdefault(reason, []).append(f"{place}: {case}" if case else place)

    @property
    def losses(self) -> Counter[str]:
        """RETURNS (Counter[str]): The number of cases for each reason of a loss."""
        return Counter({reason: len(cases) for reason, cases in self.lost.items()})

    def to_dict(self) -> dict[str, Any]:
        """RETURNS (dict[str, Any]): The whole report, serializable as JSON."""
        return {"texts": self.texts, "lost": self.lost, "chosen": self.chosen}


def summarize(report: ConversionReport) -> list[str]:
    """Summarize a report, with the first cases of each reason.

    report (ConversionReport): The report.
    RETURNS (list[str]): The lines to print.
    """
    lines = []
    for verb, reasons in (("left out", report.lost), ("chosen", report.chosen)):
        for reason, cases in reasons.items():
            lines.append(f"{verb}: {len(cases)} {reason}")
            lines += [f"  {case}" for case in cases[:EXAMPLES]]
            if len(cases) > EXAMPLES:
                lines.append(f"  and {len(cases) - EXAMPLES} more")
    return lines
