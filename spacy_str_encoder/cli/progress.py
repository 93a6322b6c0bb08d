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
    """Make a bar on stderr that is only seen if that is a terminal.

    *numbers (ProgressColumn): What stands behind the bar.
    RETURNS (Progress): The bar.
    """
    console = Console(stderr=True)
    columns = [TextColumn("{task.description}"), BarColumn(), *numbers]
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def track(items: Iterable[ItemT], description: str, total: int | None = None) -> Iterator[ItemT]:
    """Show on stderr, if that is a terminal, how far a loop has come.

    items (Iterable): What is gone through.
    description (str): What is done.
    total (int | None): How many there are, if it is known.
    YIELDS (ItemT): The items.
    """
    with make_bar(MofNCompleteColumn(), TimeElapsedColumn()) as bar:
        yield from bar.track(items, total=total, description=description)
