from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)

ItemT = TypeVar("ItemT")


def make_bar(*numbers: ProgressColumn) -> Progress:
    """Create a progress bar on stderr that is shown on terminals only.

    *numbers (ProgressColumn): The columns to the right of the bar.
    RETURNS (Progress): The progress bar.
    """
    console = Console(stderr=True)
    columns = [TextColumn("{task.description}"), BarColumn(), *numbers]
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def track(items: Iterable[ItemT], description: str, total: int | None = None) -> Iterator[ItemT]:
    """Show the progress of a loop on stderr, on terminals only.

    items (Iterable): The items to loop over.
    description (str): The text to the left of the bar.
    total (int | None): The number of items, if known.
    YIELDS (ItemT): The items.
    """
    with make_bar(MofNCompleteColumn(), TimeElapsedColumn()) as bar:
        yield from bar.track(items, total=total, description=description)
