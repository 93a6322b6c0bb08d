"""Report of what a conversion lost, and what it had to choose."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

EXAMPLES = 3
NO_REMEDIES: Mapping[str, str] = {}
EMPTY = "files that are read although they have no texts"
ItemT = TypeVar("ItemT")


class LossError(ValueError):
    """Loss of data in a conversion that must be lossless."""


class InvalidTextsError(ValueError):
    """Several invalid texts.

    rejected (Sequence[str]): The error of each.
    """

    def __init__(self, rejected: Sequence[str]) -> None:
        """Create the error."""
        advice = "correct them, or leave them out with --skip-bad (of `convert` and `corrections`)"
        super().__init__(f"{len(rejected)} texts are invalid; {advice}")
        self.rejected = rejected


def check_rejected(rejected: Sequence[str]) -> None:
    """Check that no text is invalid.

    rejected (Sequence[str]): The errors of invalid texts.
    RAISES (InvalidTextsError): If there are several.
    RAISES (ValueError): If there is one, with its error.
    """
    if len(rejected) == 1:
        raise ValueError(rejected[0])
    if rejected:
        raise InvalidTextsError(rejected)


@dataclass
class ConversionReport:
    """Counts of what a conversion lost and chose.

    strict (bool): Whether to raise an error if an entity, a relation or an attribute is lost.
    strict_all (bool): Whether to raise an error if anything is lost.
    skip_bad (bool): Whether to leave out invalid texts, and list them, instead of raising an error.
    texts (int): The number of texts written.
    entities (int): The number of entities in them, lost ones among them.
    lost (dict[str, list[str]]): The cases that could not be converted, by reason. Each case has a
        location and a description.
    chosen (dict[str, list[str]]): The cases in which one of several possibilities was chosen, in
        the same form.
    rejected (list[str]): The errors of the texts that were left out because they are invalid.
    """

    strict: bool = False
    strict_all: bool = False
    skip_bad: bool = False
    texts: int = 0
    entities: int = 0
    lost: dict[str, list[str]] = field(default_factory=dict)
    chosen: dict[str, list[str]] = field(default_factory=dict)
    rejected: list[str] = field(default_factory=list)

    def lose(self, reason: str, place: str, case: str) -> None:
        """Count the loss of an entity, a relation or an attribute.

        reason (str): A plural noun phrase, such as "entities that do not align with tokens".
        place (str): The location in the input.
        case (str): A description of this case.
        RAISES (LossError): If the report is strict.
        """
        self._lose(reason, place, case, is_error=self.strict or self.strict_all)

    def lose_other(self, reason: str, place: str, case: str) -> None:
        """Count the loss of anything else, such as a note or an unknown field.

        reason (str): A plural noun phrase, such as "notes".
        place (str): The location in the input.
        case (str): A description of this case.
        RAISES (LossError): If the report is strict about everything.
        """
        self._lose(reason, place, case, is_error=self.strict_all)

    def lose_text(self, reason: str, place: str, case: str) -> None:
        """Count the loss of a whole text, which is then not among the texts written.

        reason (str): A plural noun phrase, such as "texts that are too long".
        place (str): The location in the input.
        case (str): A description of this case.
        RAISES (LossError): If the report is strict.
        """
        self.lose(reason, place, case)
        self.texts -= 1

    def _lose(self, reason: str, place: str, case: str, *, is_error: bool) -> None:
        if is_error:
            raise LossError(f"{place}: {case} would be lost ({reason})")
        self.lost.setdefault(reason, []).append(f"{place}: {case}" if case else place)

    @contextmanager
    def rejecting(self) -> Iterator[None]:
        """Leave out a text if it is invalid, and go on with the next one, if the report says so.

        RAISES (ValueError): If the text is invalid, and invalid texts are not to be left out.
        """
        try:
            yield
        except LossError:
            raise
        except ValueError as error:
            if not self.skip_bad:
                raise
            self.rejected.append(str(error))

    def noting_empty(self, items: Iterable[ItemT], place: str) -> Iterator[ItemT]:
        """Mention a file in which there is nothing, not even something that is left out.

        items (Iterable): The texts or docs of the file.
        place (str): The file.
        YIELDS (ItemT): The same texts or docs.
        """
        is_empty, before = True, self._left_out
        for item in items:
            is_empty = False
            yield item
        if is_empty and self._left_out == before:
            self.choose(EMPTY, place, "")

    def choose(self, reason: str, place: str, case: str) -> None:
        """Count a choice between several possibilities.

        reason (str): A plural noun phrase for what was chosen.
        place (str): The location in the input.
        case (str): A description of this case.
        """
        self.chosen.setdefault(reason, []).append(f"{place}: {case}" if case else place)

    @property
    def _left_out(self) -> int:
        return self.losses.total() + len(self.rejected)

    @property
    def losses(self) -> Counter[str]:
        """RETURNS (Counter[str]): The number of cases for each reason of a loss."""
        return Counter({reason: len(cases) for reason, cases in self.lost.items()})

    def to_dict(self) -> dict[str, Any]:
        """RETURNS (dict[str, Any]): The whole report, serializable as JSON."""
        return {
            "texts": self.texts,
            "lost": self.lost,
            "chosen": self.chosen,
            "rejected": self.rejected,
        }


def summarize(report: ConversionReport, remedies: Mapping[str, str] = NO_REMEDIES) -> list[str]:
    """Summarize a report, with the first cases of each reason.

    report (ConversionReport): The report.
    remedies (Mapping[str, str]): What to do about a reason, without its remark in parentheses.
    RETURNS (list[str]): The lines to print.
    """
    found = [("left out", *item) for item in report.lost.items()]
    found += [("chosen", *item) for item in report.chosen.items()]
    if report.rejected:
        found.insert(0, ("left out", "invalid texts", report.rejected))
    lines = []
    for verb, reason, cases in found:
        lines += [f"{verb} ({len(cases):,}): {reason}", *list_examples(cases)]
        if remedy := remedies.get(reason.partition(" (")[0]):
            lines.append(f"  remedy: {remedy}")
    return lines


def list_examples(cases: Sequence[str], limit: int = EXAMPLES) -> list[str]:
    """List the first cases.

    cases (Sequence[str]): All cases.
    limit (int): The number of cases to list.
    RETURNS (list[str]): The lines to print.
    """
    more = [f"  and {len(cases) - limit} more"] if len(cases) > limit else []
    return [*(f"  {case}" for case in cases[:limit]), *more]
