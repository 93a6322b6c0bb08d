"""Advice on annotation that can't be learned or looks wrong."""

from collections.abc import Iterator, Mapping
from functools import partial
from operator import attrgetter

from ...formats.entities import KEPT_APART, MISALIGNED, OVERLAPPING
from ..collect import Statistics
from ..findings import CHECKS
from ..split import SplitStatistics
from .wording import Rule, list_splits

REMEDIES = {
    MISALIGNED: "Use a tokenizer that splits there, or fix the annotation.",
    OVERLAPPING: "Keep them in a span group: use --spans-key sc.",
}
# All of these follow where the tokens are those of another language.
OF_TOKENS = (
    *KEPT_APART,
    "misaligned_entities",
    "misaligned_relations",
    "entities_of_other_tokens",
)


def _advise_on_losses(statistics: Statistics) -> Iterator[str]:
    """Advise on annotation that docs can't hold."""
    reasons = dict.fromkeys(reason for split in statistics.splits.values() for reason in split.lost)
    for reason in reasons:
        cases = ", ".join(
            f"{split.lost[reason].count:,} in {name}"
            for name, split in _select(statistics, reason).items()
            if reason in split.lost
        )
        if cases:
            yield f"Left out: {reason} ({cases}). {REMEDIES.get(reason, '')}".rstrip()


def _advise_on_findings(statistics: Statistics) -> Iterator[str]:
    """Advise on annotation that can't be learned or looks wrong."""
    for check in CHECKS:
        count = partial(_count, check.name)
        splits = _select(statistics, check.name)
        if check.advice and (cases := list_splits(splits, count, attrgetter(check.of))):
            yield check.advice.format(cases=cases)


def _select(statistics: Statistics, case: str) -> Mapping[str, SplitStatistics]:
    return statistics.fitting if case in OF_TOKENS else statistics.splits


def _count(name: str, split: SplitStatistics) -> int:
    return split.findings[name].count


RULES: tuple[Rule, ...] = (
    _advise_on_losses,
    _advise_on_findings,
)
