"""Files of records: JSON lines, or a flat table with one value per row."""

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from spacy.tokens import Doc

from ..doc.arguments import check_docs
from ..doc.origin import get_id
from ..doc.records import Record, get_records, walk_values
from .parquet import to_string, write_rows
from .whole import write_json_lines, written_whole

# The number and the identifier of the doc, the number of the record in the doc, the central entity,
# the keys that lead to the value, and the value. Offsets are in characters, ends are exclusive;
# attributes have none, nor codes. All data have the same columns.
COLUMNS = {
    "doc": "int64",
    "id": "string",
    "record": "int64",
    "entity": "string",
    "label": "string",
    "start": "int64",
    "end": "int64",
    "entity_score": "float64",
    "key": "string",
    "owner_start": "int64",
    "owner_end": "int64",
    "owner_label": "string",
    "value": "string",
    "value_label": "string",
    "value_start": "int64",
    "value_end": "int64",
    "score": "float64",
    "entity_code": "string",
    "value_code": "string",
}
# Joins the keys that lead from a central entity to a value.
KEY_SEPARATOR = "."
# Spreadsheets take a cell that begins with one of these for a formula, unless it is a number;
# in Chinese and Japanese, characters of full width count too.
FORMULA = re.compile(r"[=+\-@\t\r＝＋－＠]")
NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?%?", re.ASCII)


def write_records(path: str | Path, docs: Iterable[Doc], *, raw: bool = False) -> None:
    """Write the records of docs: JSON lines with one doc per line (`.jsonl`), or a table with one
    value per row (`.csv`, `.tsv`, `.parquet`).

    path (str | Path): The file. An existing file is replaced once the new one is complete.
    docs (Iterable[Doc]): The docs, with `doc._.records`. The identifier of a doc is
        `doc.user_data["meta"]["id"]`, if there is one.
    raw (bool): Whether to write cells of `.csv` and `.tsv` that spreadsheets would take for
        formulas as they are. By default, an apostrophe precedes them.
    RAISES (ValueError): If the file has another suffix, `docs` is a single doc, or a doc has no
        settings for records.
    """
    check_docs(docs)
    path = Path(path)
    writers: dict[str, Callable[[Path, Iterable[Doc]], None]] = {
        ".jsonl": _write_jsonl,
        ".csv": partial(_write_csv, dialect="excel", raw=raw),
        ".tsv": partial(_write_csv, dialect="excel-tab", raw=raw),
        ".parquet": _write_parquet,
    }
    if path.suffix not in writers:
        raise ValueError(f"{path}: the file name must end in {', '.join(writers)}.")
    with written_whole(path) as unfinished:
        writers[path.suffix](unfinished, docs)


def to_rows(docs: Iterable[Doc]) -> Iterator[dict[str, Any]]:
    """Turn the records of docs into rows of a table.

    docs (Iterable[Doc]): The docs, with `doc._.records`.
    YIELDS (dict[str, Any]): A row with all `COLUMNS`. An entity without values has one row, whose
        columns from `key` on are None.
    """
    check_docs(docs)
    empty = dict.fromkeys(COLUMNS)
    for doc_number, doc in enumerate(docs):
        for number, record in enumerate(get_records(doc)):
            central = {
                "doc": doc_number,
                "id": to_string(get_id(doc)),
                "record": number,
                "entity": record["text"],
                "label": record["label"],
                "start": record["start"],
                "end": record["end"],
                "entity_score": record["score"],
                "entity_code": record.get("kb_id"),
            }
            for value in [*_values(record)] or [{}]:
                yield {**empty, **central, **value}


def _values(record: Record) -> Iterator[dict[str, Any]]:
    for path, owner, value in walk_values(record):
        yield {
            "key": KEY_SEPARATOR.join(path),
            "owner_start": owner["start"],
            "owner_end": owner["end"],
            "owner_label": owner["label"],
            "value": value["text"],
            "value_label": value["label"],
            "value_start": value["start"],
            "value_end": value["end"],
            "score": value["score"],
            "value_code": value.get("kb_id"),
        }


def _write_jsonl(path: Path, docs: Iterable[Doc]) -> None:
    rows = ({"id": get_id(doc), "text": doc.text, "records": get_records(doc)} for doc in docs)
    write_json_lines(path, rows)


def _write_csv(path: Path, docs: Iterable[Doc], *, dialect: str, raw: bool) -> None:
    write_table(path, COLUMNS, to_rows(docs), dialect=dialect, raw=raw)


def write_table(
    path: Path,
    columns: Iterable[str],
    rows: Iterable[Mapping[str, Any]],
    *,
    dialect: str = "excel",
    raw: bool = False,
) -> None:
    """Write a table that spreadsheets can open.

    path (Path): The file.
    columns (Iterable[str]): The names of the columns.
    rows (Iterable[Mapping[str, Any]]): The rows.
    dialect (str): The dialect of Python's `csv`.
    raw (bool): Whether to write cells that spreadsheets would take for formulas as they are.
    """
    # Spreadsheets recognize UTF-8 by the byte order mark.
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, [*columns], dialect=dialect)
        writer.writeheader()
        writer.writerows(rows if raw else map(_quote_formulas, rows))


def _quote_formulas(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: f"'{cell}" if _is_formula(cell) else cell for name, cell in row.items()}


def _is_formula(cell: Any) -> bool:
    if not isinstance(cell, str) or not FORMULA.match(cell):
        return False
    return NUMBER.fullmatch(cell) is None


def _write_parquet(path: Path, docs: Iterable[Doc]) -> None:
    write_rows(path, COLUMNS, to_rows(docs))
