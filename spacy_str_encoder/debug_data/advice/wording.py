"""Figures and lists in the sentences of rules."""

from collections.abc import Callable, Iterable, Mapping

from ..collect import Statistics
from ..split import SplitStatistics

# Nobody would read a longer list.
MOST_NAMES = 8

# Yields advice if it applies to the statistics.
Rule = Callable[[Statistics], Iterable[str]]
Count = Callable[[SplitStatistics], int]


def percent(part: float, whole: float) -> str:
    """Format a share as a percentage.

    part (float): The part.
    whole (float): The whole.
    RETURNS (str): The percentage. Only exact values are shown as 0 % or 100 %.
    """
    rate = 100 * part / whole if whole else 0.0
    if 0 < rate < 0.1:
        return "under 0.1 %"
    return "over 99.9 %" if 99.9 < rate < 100 else f"{rate:.1f} %"


def share(part: int, whole: int, what: str) -> str:
    """Format a part of a whole.

    part (int): The part.
    whole (int): The whole.
    what (str): Noun for both, such as "relations of train".
    RETURNS (str): Both numbers, the noun, and the part in percent.
    """
    return f"{part:,} of {whole:,} {what} ({percent(part, whole)})"


def list_counts(counts: Mapping[str, int]) -> str:
    """List names with their counts, the most frequent first.

    counts (Mapping[str, int]): The counts.
    RETURNS (str): The list; a long list is cut, with the number of further names.
    """
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    listed = ", ".join(f"{name} ({count:,})" for name, count in ordered[:MOST_NAMES])
    more = len(ordered) - MOST_NAMES
    return f"{listed} and {more:,} more" if more > 0 else listed


def list_splits(splits: Mapping[str, SplitStatistics], part: Count, whole: Count) -> str:
    """List the number of cases in each split that has any.

    splits (Mapping[str, SplitStatistics]): Statistics of each split by name.
    part (Callable[[SplitStatistics], int]): Function that returns the number of cases in a split.
    whole (Callable[[SplitStatistics], int]): Function that returns the number of which these are a
        part.
    RETURNS (str): The list; empty if no split has any cases.
    """
    return ", ".join(
        share(part(split), whole(split), f"in {name}")
        for name, split in splits.items()
        if part(split)
    )
