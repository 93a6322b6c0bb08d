"""Tables of terminologies: one row a term, with its code and system."""

import csv
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from .lines import DamagedError, open_bytes
from .parquet import read_rows, to_string

COLUMNS = ("code", "system", "term")
DIALECTS = {".csv": "excel", ".tsv": "excel-tab"}


class Term(NamedTuple):
    """Row of a table.

    code (str): The code.
    system (str): The terminology that it belongs to.
    term (str): One of its terms.
    """

    code: str
    system: str
    term: str


def read_terms(path: Path) -> Iterator[Term]:
    """Read a table, which may be compressed (`.gz`) unless it is a Parquet file.

    path (Path): The file: `.csv`, `.tsv` or `.parquet`.
    YIELDS (Term): The terms, in order.
    RAISES (ImportError): If the library for Parquet files is needed, and not installed.
    RAISES (OSError): If the file can't be read.
    RAISES (ValueError): If it is no such table, or a row has an empty cell, too many cells or a
        line break.
    """
    for number, row in enumerate(_read_rows(path), start=1):
        cells = [*map(_clean, row)]
        if not all(cells):
            raise ValueError(
                f"{path}: row {number} has no `{COLUMNS[cells.index('')]}`. Give each row a code, "
                "a system and a term."
            )
        if any(len(cell.splitlines()) > 1 for cell in cells):
            raise ValueError(f"{path}: row {number} has a line break. Check the quotes around it.")
        yield Term(*cells)


def _clean(cell: Any) -> str:
    # Codes of Parquet files may be numbers.
    return (cell if isinstance(cell, str) else to_string(cell) or "").strip()


def _read_rows(path: Path) -> Iterator[Iterable[Any]]:
    """YIELDS (Iterable[Any]): The cells of the columns of each row."""
    suffix = Path(path.stem if path.suffix.lower() == ".gz" else path).suffix.lower()
    if path.suffix.lower() == ".parquet":
        return _read_parquet(path)
    if suffix not in DIALECTS:
        raise ValueError(
            f"{path}: a terminology must be a .csv, .tsv or .parquet file with the columns "
            f"{', '.join(COLUMNS)}."
        )
    return _read_csv(path, DIALECTS[suffix])


def _read_parquet(path: Path) -> Iterator[Iterable[Any]]:
    for row in read_rows(path):
        _require_columns(path, row)
        yield [row[name] for name in COLUMNS]


def _read_csv(path: Path, dialect: str) -> Iterator[Iterable[Any]]:
    try:
        with open_bytes(path) as (content, _):
            rows = csv.reader((line.decode() for line in content), dialect, strict=True)
            header = next(rows, [])
            _require_columns(path, header)
            places = [header.index(name) for name in COLUMNS]
            for number, row in enumerate(filter(None, rows), start=1):
                if len(row) > len(header):
                    raise ValueError(
                        f"{path}: row {number} has {len(row)} cells, but the header has "
                        f"{len(header)}. Put terms that contain the separator in quotes."
                    )
                yield [row[i] if i < len(row) else None for i in places]
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path}: a terminology must be UTF-8. Convert the file with "
            "iconv -f ENCODING -t UTF-8."
        ) from error
    except (csv.Error, DamagedError) as error:
        raise ValueError(f"{path}: the table can't be read: {error}.") from error


def _require_columns(path: Path, names: Collection[str]) -> None:
    if missing := [name for name in COLUMNS if name not in names]:
        found = ", ".join(map(repr, names)) or "none"
        raise ValueError(
            f"{path}: a terminology must have the columns {', '.join(COLUMNS)}; missing: "
            f"{', '.join(missing)}. The columns of this file: {found}."
        )
