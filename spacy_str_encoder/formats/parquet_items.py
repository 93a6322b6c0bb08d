"""Parquet files of `annotate`, read as the items of its JSON lines."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..files.parquet import read_rows

SUFFIX = ".parquet"
MAPS = ("attributes", "attribute_scores")
REQUIRED = {"text", "entities"}


def read_parquet_items(path: Path) -> Iterator[tuple[str, Any]]:
    """Read the rows of a file.

    path (Path): The file.
    YIELDS (tuple[str, Any]): The location of the text, for messages, and the item.
    RAISES (ValueError): If `annotate` has not written the file.
    """
    for number, row in enumerate(read_rows(path), start=1):
        if not row.keys() >= REQUIRED:
            raise ValueError(
                f"{path}: the columns must be those of annotate --format parquet, got "
                f"{', '.join(row)}"
            )
        yield f"{path}, text {number}", _to_item(row)


def _to_item(row: dict[str, Any]) -> dict[str, Any]:
    records = row.get("records")
    item = {**row, "entities": [*map(_to_entity, row["entities"])]}
    # Their depth varies, which the columns of a table can't hold.
    return {**item, "records": json.loads(records)} if isinstance(records, str) else item


def _to_entity(entity: dict[str, Any]) -> dict[str, Any]:
    """Turn maps, which are lists of pairs, into objects, and leave out what is null."""
    given = {name: value for name, value in entity.items() if value is not None}
    maps = {name: dict(given[name]) for name in MAPS if name in given}
    return {**given, **maps}
