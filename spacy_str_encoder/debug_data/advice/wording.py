"""What a rule is, and figures and lists in its sentences."""

from collections.abc import Callable, Iterable, Mapping

from ..collect import Statistics
from ..split import SplitStatistics

# A longer list would not be read.
MOST_NAMES = 8

# Says what is to be done, where it is true.
Rule = Callable[[Statistics], Iterable[str]]
Count = Callable[[SplitStatistics], int]


def percent(part: float, whole: float) -> str:
    """Write a share down.

    part (float): The part.
    whole (float): What it is a part of.
    RETURNS (str): The share; what is not all or nothing does not look like it.
    """
    rate = 100 * part / whole if whole else 0.0
    if 0 < rate < 0.1:
        return "under 0.1 %"
    return "over 99.9 %" if 99.9 < rate < 100 else f"{rate:.1f} %"


def share(part: int, whole: int, what: str) -> str:
    """Write a part of a whole down.

    part (int): The part.
    whole (int): The whole.
    what (str): What they are.
    RETURNS (str): Both numbers, what they are, and the part in per cent.
    """
    return f"{part:,} of {whole:,} {what} ({percent(part, whole)})"


def list_counts(counts: Mapping[str, int]) -> str:
    """List names with their counts, the most frequent first.

    counts (Mapping[str, int]): The counts.
    RETURNS (str): The list; of a long one the beginning, and how many more there are.
    """
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    listed = ", ".join(f"{name} ({count:,})" for name, count in ordered[:MOST_NAMES])
    more = len(ordered) - MOST_NAMES
    return f"{listed} and {more:,} more" if more > 0 else listed


def list_splits(statistics: Statistics, part: Count, whole: Count) -> str:
    """List how many cases there are in each split that has any.

    statistics (Statistics): The statistics.
    part (Callable[[SplitStatistics], int]): How many there are in a split.
    whole (Callable[[SplitStatistics], int]): Of how many.
    RETURNS (str): The list; empty if no split has any.
    """
    return ", ".join(
        share(part(split), whole(split), f"in {name}")
        for name, split in statistics.splits.items()
        if part(split)
    )
