"""The files of a part: rows of NOTE_NLP, and the numbers of notes that have none of their own.

Numbers count from 1 in each part, and those of notes from -1. Once all parts before it are
complete, a part is numbered on from their last ones.
"""

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ...files.whole import written_whole
from .columns import MAX_INTEGER

ROWS, NOTES = "note_nlp.csv", "note_ids.csv"
ID, NOTE_ID = "note_nlp_id", "note_id"
NOTE_COLUMNS = (NOTE_ID, "id", "source", "number")
# The columns of numbers, by file.
NUMBERED: dict[str, Sequence[str]] = {ROWS: (ID, NOTE_ID), NOTES: (NOTE_ID,)}
# The last numbers, without their sign, by column.
Last = Mapping[str, int]
# Writes a row.
Write = Callable[[Mapping[str, Any]], None]


@contextmanager
def open_table(path: Path, columns: Sequence[str]) -> Iterator[Write]:
    """Open a table for writing.

    path (Path): The file.
    columns (Sequence[str]): The columns.
    YIELDS (Callable[[Mapping[str, Any]], None]): Function that writes a row.
    """
    # The line ends of RFC 4180: with others, csv would leave a carriage return in a cell unquoted.
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        yield writer.writerow


def number_part(folder: Path, last: Last) -> dict[str, int]:
    """Number the rows and notes of a part on from those of the parts before it.

    folder (Path): The folder of the part.
    last (Mapping[str, int]): The last numbers of the parts before it.
    RETURNS (dict[str, int]): The last numbers of this part.
    RAISES (ValueError): If a number has no place in a column.
    """
    reached = {ID: last.get(ID, 0), NOTE_ID: last.get(NOTE_ID, 0)}
    for name, columns in NUMBERED.items():
        with written_whole(folder / name) as unfinished:
            found = _number_file(folder / name, unfinished, columns, last)
        reached = {each: max(number, found.get(each, 0)) for each, number in reached.items()}
    if max(reached.values()) > MAX_INTEGER:
        raise ValueError(FULL)
    return reached


FULL = (
    f"NOTE_NLP must have at most {MAX_INTEGER:,} rows, as its numbers are integers of 32 bits. "
    "Write the rest of the texts to another folder, for another table."
)


def _number_file(source: Path, target: Path, columns: Sequence[str], last: Last) -> dict[str, int]:
    found: dict[str, int] = {}
    with source.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        with open_table(target, rows.fieldnames or ()) as write:
            for row in rows:
                for name in columns:
                    row[name] = number = _shift(name, int(row[name]), last)
                    found[name] = max(found.get(name, 0), number if name == ID else -number)
                write(row)
    return found


def _shift(name: str, number: int, last: Last) -> int:
    if name == ID:
        return number + last.get(name, 0)
    # Identifiers that are numbers stay as they are.
    return number - last.get(name, 0) if number < 0 else number
