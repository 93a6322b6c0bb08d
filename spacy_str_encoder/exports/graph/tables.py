"""Tables of nodes and relationships, with the headers that `neo4j-admin database import` takes.

Source: https://neo4j.com/docs/operations-manual/current/import/
"""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ...files.lines import MAX_LINE
from .elements import SEPARATOR, Properties

NODES, RELATIONSHIPS = "nodes.csv", "relationships.csv"
# The header of each property. All parts have the same ones.
NODE_HEADERS = {
    "id": "id:ID",
    "labels": ":LABEL",
    "document_id": "document_id",
    "source": "source",
    "number": "number:long",
    "label": "label",
    "text": "text",
    "start": "start:int",
    "end": "end:int",
    "score": "score:double",
    "entity_id": "entity_id",
    "code": "code",
    "system": "system",
    "display": "display",
    "attributes": "attributes:string[]",
    "attribute_scores": "attribute_scores:double[]",
}
RELATIONSHIP_HEADERS = {
    "start": ":START_ID",
    "end": ":END_ID",
    "type": ":TYPE",
    "score": "score:double",
    "score_given_entities": "score_given_entities:double",
}


@contextmanager
def open_table(
    path: Path, headers: Mapping[str, str]
) -> Iterator[Callable[[Iterable[Properties]], None]]:
    """Open a table for writing.

    path (Path): The file.
    headers (Mapping[str, str]): The header of each property.
    YIELDS (Callable[[Iterable[dict[str, Any]]], None]): Function that writes properties, one row
        each.
    """
    # The line ends of RFC 4180: with others, csv would leave a carriage return in a cell unquoted.
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(headers.values())

        def write(rows: Iterable[Properties]) -> None:
            writer.writerows([to_cell(row.get(name)) for name in headers] for row in rows)

        yield write


def read_table(path: Path, headers: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Read a table.

    path (Path): The file.
    headers (Mapping[str, str]): The header of each property.
    YIELDS (dict[str, str]): The cells of each row by property, empty where there is no value.
    RAISES (ValueError): If the file is missing, the headers are others, or a row has more or fewer
        cells.
    """
    if not path.is_file():
        raise ValueError(MISSING.format(path=path))
    # A text may be as long as a line of the input.
    csv.field_size_limit(MAX_LINE)
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file, strict=True)
        try:
            if next(rows, None) != [*headers.values()]:
                raise ValueError(f"the header must be {','.join(headers.values())}")
            for row in rows:
                yield dict(zip(headers, row, strict=True))
        except (csv.Error, ValueError) as error:
            raise ValueError(DAMAGED.format(path=path, line=rows.line_num, error=error)) from error


MISSING = (
    "{path}: annotate has written this table, but it is missing. Restore it, or repeat the "
    "annotate command with --overwrite."
)
DAMAGED = (
    "{path}, line {line}: the table is not as annotate has written it ({error}). Restore it, or "
    "repeat the annotate command with --overwrite."
)


def split_array(cell: str) -> list[str]:
    """Split a cell with an array.

    cell (str): The cell.
    RETURNS (list[str]): The elements.
    """
    return cell.split(SEPARATOR) if cell else []


def to_cell(value: Any) -> Any:
    """Make a cell of the value of a property.

    value (Any): The value.
    RETURNS (Any): The value; for an array, a string with its elements.
    """
    return SEPARATOR.join(map(str, value)) if isinstance(value, list) else value
