"""Parquet files, which require an optional library."""

import json
from collections.abc import Iterable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from spacy.util import minibatch

# Arrow's name of a type by the name of a field, or MAP_OF and that of the values of an object.
# Fields stand for a list of objects that have them.
Fields = Mapping[str, "str | Fields"]
MAP_OF = "map of "
ROWS_AT_ONCE = 1000
# Floats from here on skip whole numbers.
EXACT = 2**53


def require_pyarrow(what: str = "Parquet files") -> None:
    """Check that the library for Parquet files is installed.

    what (str): What requires it.
    RAISES (ImportError): If it is not installed.
    """
    if find_spec("pyarrow") is None:
        raise ImportError(
            f"{what} require pyarrow; install it with pip install 'spacy_str_encoder[parquet]'"
        )


def to_string(value: Any) -> str | None:
    """Convert a value for a string column. Values other than strings become JSON, and whole numbers
    have no fraction: pandas turns a column of them into floats if it has gaps.

    value (Any): The value.
    RETURNS (str | None): The string; None for None.
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) < EXACT:
        value = int(value)
    return json.dumps(value, ensure_ascii=False)


def write_rows(
    path: Path, columns: Mapping[str, str | Fields], rows: Iterable[dict[str, Any]]
) -> None:
    """Write a table, some rows at a time.

    path (Path): The file.
    columns (Mapping[str, str | Fields]): The type of each column, see `Fields`; fields stand for
        a list of objects that have them.
    rows (Iterable[dict[str, Any]]): The rows, with a value or None for each column. Maps are lists
        of pairs.
    RAISES (ImportError): If the library for Parquet files is not installed.
    """
    require_pyarrow()
    from pyarrow.parquet import ParquetWriter

    with ParquetWriter(path, make_table(columns, []).schema, compression="zstd") as writer:
        for batch in minibatch(rows, ROWS_AT_ONCE):
            writer.write_table(make_table(columns, batch))


def make_table(columns: Mapping[str, str | Fields], rows: list[dict[str, Any]]) -> Any:
    """Make an Arrow table.

    columns (Mapping[str, str | Fields]): The type of each column, as in `write_rows`.
    rows (list[dict[str, Any]]): The rows. A value that is not there is null.
    RETURNS (pyarrow.Table): The table.
    """
    import pyarrow

    schema = pyarrow.schema((name, _find_type(kind)) for name, kind in columns.items())
    return pyarrow.Table.from_pylist(rows, schema)


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Read the rows of a table, some at a time.

    path (Path): The file.
    YIELDS (dict[str, Any]): The values by column. Maps are lists of pairs.
    RAISES (ImportError): If the library for Parquet files is not installed.
    RAISES (ValueError): If the file is not a complete Parquet file.
    """
    require_pyarrow()
    from pyarrow import ArrowException
    from pyarrow.parquet import ParquetFile

    try:
        with ParquetFile(path) as file:
            for batch in file.iter_batches(ROWS_AT_ONCE):
                yield from batch.to_pylist()
    except (ArrowException, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: the file is not a complete Parquet file ({error})") from error


def _find_type(kind: str | Fields) -> Any:
    import pyarrow

    if not isinstance(kind, str):
        fields = [(name, _find_type(each)) for name, each in kind.items()]
        return pyarrow.list_(pyarrow.struct(fields))
    if kind.startswith(MAP_OF):
        return pyarrow.map_(pyarrow.string(), _find_type(kind.removeprefix(MAP_OF)))
    return pyarrow.type_for_alias(kind)
