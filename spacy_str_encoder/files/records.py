"""Records in files: as JSON lines, or as a flat table, a key and a value a row."""

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from spacy.tokens import Doc
from spacy.util import minibatch

from ..doc.origin import get_id
from ..doc.records import Record, walk_attributes
from .parquet import require_pyarrow, to_string
from .whole import write_json_lines, written_whole

# The number of the doc, and its identifier; the number of the record in it; the central entity;
# what leads to the value; the value. Offsets are characters, ends exclusive. The columns are the
# same for any data.
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
    "value": "string",
    "value_label": "string",
    "value_start": "int64",
    "value_end": "int64",
    "score": "float64",
}
# Between the keys on the way from a central entity to a value.
KEY_SEPARATOR = "."
ROWS_AT_ONCE = 10_000


def write_records(path: str | Path, docs: Iterable[Doc]) -> None:
    """Write the records of docs: as JSON lines, a doc a line (`.jsonl`), or as a table, a value a
    row (`.csv`, `.parquet`).

    path (str | Path): The file. It is written over, once all is written.
    docs (Iterable[Doc]): The docs, with `doc._.records`, and an identifier if they have a
        `doc.user_data["meta"]["id"]`.
    RAISES (ValueError): If the file name ends otherwise, or nothing says how records are made.
    """
    path = Path(path)
    writers = {".jsonl": _write_jsonl, ".csv": _write_csv, ".parquet": _write_parquet}
    if path.suffix not in writers:
        raise ValueError(f"{path}: records are written to {', '.join(writers)}.")
    with written_whole(path) as unfinished:
        writers[path.suffix](unfinished, docs)


def to_rows(docs: Iterable[Doc]) -> Iterator[dict[str, Any]]:
    """Write the records of docs as rows of a table.

    docs (Iterable[Doc]): The docs, with `doc._.records`.
    YIELDS (dict[str, Any]): What is in the `COLUMNS`; None in those of the value where an entity
        has no attributes.
    """
    empty = dict.fromkeys(COLUMNS)
    for doc_number, doc in enumerate(docs):
        for number, record in enumerate(doc._.records):
            central = {
                "doc": doc_number,
                "id": to_string(get_id(doc)),
                "record": number,
                "entity": record["text"],
                "label": record["label"],
                "start": record["start"],
                "end": record["end"],
                "entity_score": record["score"],
            }
            for value in [*_values(record)] or [{}]:
                yield {**empty, **central, **value}


def _values(record: Record) -> Iterator[dict[str, Any]]:
    for path, owner, value in walk_attributes(record):
        yield {
            "key": KEY_SEPARATOR.join(path),
            "owner_start": owner["start"],
            "value": value["text"],
            "value_label": value["label"],
            "value_start": value["start"],
            "value_end": value["end"],
            "score": value["score"],
        }


def _write_jsonl(path: Path, docs: Iterable[Doc]) -> None:
    rows = ({"id": get_id(doc), "text": doc.text, "records": doc._.records} for doc in docs)
    write_json_lines(path, rows)


def _write_csv(path: Path, docs: Iterable[Doc]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(to_rows(docs))


def _write_parquet(path: Path, docs: Iterable[Doc]) -> None:
    require_pyarrow()
    import pyarrow
    from pyarrow.parquet import ParquetWriter

    schema = pyarrow.schema(list(COLUMNS.items()))
    with ParquetWriter(path, schema) as writer:
        for rows in minibatch(to_rows(docs), ROWS_AT_ONCE):
            writer.write_table(pyarrow.Table.from_pylist(rows, schema))
