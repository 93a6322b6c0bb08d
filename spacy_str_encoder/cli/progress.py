from collections.abc import Callable, Iterable, Iterator
from functools import partial
from time import monotonic
from typing import Any, TypeVar

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

ItemT = TypeVar("ItemT")
# Describes a task in a line.
Describe = Callable[[Task], str]
LINE_EVERY = 30.0
FEW = 10


class Bar(Progress):
    """A progress bar on stderr. Without a terminal, a line every 30 seconds instead."""

    def __init__(
        self, *numbers: ProgressColumn, describe: Describe, clock: Callable[[], float] = monotonic
    ) -> None:
        """Create a progress bar.

        *numbers (ProgressColumn): The columns to the right of the bar.
        describe (Callable[[Task], str]): Function that describes a task in a line.
        clock (Callable[[], float]): Function that returns the time in seconds.
        """
        console = Console(stderr=True)
        columns = [TextColumn("{task.description}"), BarColumn(), *numbers]
        hidden = not console.is_terminal
        super().__init__(*columns, console=console, transient=True, disable=hidden, get_time=clock)
        self.describe = describe
        self.last_line = clock()

    def advance(self, task_id: TaskID, advance: float = 1) -> None:
        """Advance a task, and print a line if one is due.

        task_id (TaskID): The task.
        advance (float): The number of steps.
        """
        super().advance(task_id, advance)
        self._print_line(task_id)

    def update(self, task_id: TaskID, **fields: Any) -> None:
        """Update a task, and print a line if one is due.

        task_id (TaskID): The task.
        **fields (Any): What has changed, see rich.
        """
        super().update(task_id, **fields)
        self._print_line(task_id)

    def _print_line(self, task_id: TaskID) -> None:
        now = self.get_time()
        if self.disable and now - self.last_line >= LINE_EVERY:
            self.last_line = now
            typer.echo(self.describe(self._tasks[task_id]), err=True)


def describe_count(task: Task, *, unit: str) -> str:
    """Describe how many of the items of a task are done, and how fast.

    task (Task): The task.
    unit (str): The name of the items, in the singular.
    RETURNS (str): The line.
    """
    from spacy_str_encoder.doc.plurals import count_noun

    done = "" if task.total is None else f"{task.completed:,.0f} of "
    counted = count_noun(int(task.completed if task.total is None else task.total), unit)
    rate = describe_rate(task.completed, task.elapsed or 0)
    return f"{task.description}: {done}{counted}{rate}"


def describe_rate(count: float, seconds: float) -> str:
    """Describe how fast items are done, as the end of a line.

    count (float): The number of items.
    seconds (float): The time that they took.
    RETURNS (str): Items per second, or seconds per item if these are slow; empty before the first.
    """
    if not count or not seconds:
        return ""
    if (each := round(seconds / count, 1)) > 1:
        return f", {each:,g} seconds each"
    rate = count / seconds
    return f", {rate:,.0f} a second" if rate >= FEW else f", {rate:.2g} a second"


def track(
    items: Iterable[ItemT],
    description: str,
    total: int | None = None,
    *,
    unit: str = "text",
    clock: Callable[[], float] = monotonic,
) -> Iterator[ItemT]:
    """Show the progress of a loop on stderr.

    items (Iterable): The items to loop over.
    description (str): The text to the left of the bar.
    total (int | None): The number of items, if known.
    unit (str): The name of the items, in the singular.
    clock (Callable[[], float]): Function that returns the time in seconds.
    YIELDS (ItemT): The items.
    """
    describe = partial(describe_count, unit=unit)
    with Bar(MofNCompleteColumn(), TimeElapsedColumn(), describe=describe, clock=clock) as bar:
        task = bar.add_task(description, total=total)
        for item in items:
            yield item
            bar.advance(task)
