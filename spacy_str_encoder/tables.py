"""Tables for a terminal of 80 columns; in a narrower one, cells are folded, not cut."""

from collections.abc import Iterable

from rich import box
from rich.table import Table


def make_table(title: str, names: Iterable[str], figures: Iterable[str]) -> Table:
    """Create a table without rows.

    title (str): The title.
    names (Iterable[str]): The headers of the first columns, whose cells may be long.
    figures (Iterable[str]): The headers of the other columns, whose cells are numbers.
    RETURNS (Table): The table.
    """
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for header in names:
        table.add_column(header, overflow="fold")
    for header in figures:
        table.add_column(header, justify="right", overflow="fold")
    return table
