"""Output files of annotated texts: JSON lines, Parquet, docs, or tables of records."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from spacy.tokens import DocBin

from ..doc.codes import NAMES as CODE_NAMES
from ..doc.origin import META, AnnotatedDocs
from ..doc.plain_data import to_annotations
from ..files.docbin import SUFFIX as DOCS_SUFFIX
from ..files.parquet import MAP_OF, Fields, to_string, write_rows
from ..files.records import COLUMNS as RECORD_COLUMNS
from ..files.records import to_rows, write_table
from ..files.whole import write_json_lines

LABEL_AND_SCORE = {"label": "string", "score": "float64"}
COLUMNS: dict[str, str | Fields] = {
    "id": "string",
    "source": "string",
    "number": "int64",
    "text": "string",
    "entities": {
        "start": "int64",
        "end": "int64",
        **LABEL_AND_SCORE,
        "attributes": f"{MAP_OF}string",
        "attribute_scores": f"{MAP_OF}float64",
        "id": "string",
        "kb_id": "string",
        "codes": {**dict.fromkeys(CODE_NAMES, "string"), "score": "float64"},
    },
    "relations": {
        "head": "int64",
        "tail": "int64",
        **LABEL_AND_SCORE,
        "score_given_entities": "float64",
    },
    "records": "string",
}
# Of a table of records: the text is known by its source and number instead of that of a doc.
TABLE_COLUMNS = dict.fromkeys(["id", "source", "number", *RECORD_COLUMNS])
del TABLE_COLUMNS["doc"]
CSV, RAW_CSV = "csv", "raw csv"
# Writes docs to a file. The last argument is the span group that holds the entities; None for
# `doc.ents`.
Writer = Callable[[Path, AnnotatedDocs, str | None], None]


def write_jsonl(path: Path, docs: AnnotatedDocs, spans_key: str | None) -> None:
    """Write JSON lines, one text per line."""
    write_json_lines(path, _to_rows(docs, spans_key))


def write_parquet(path: Path, docs: AnnotatedDocs, spans_key: str | None) -> None:
    """Write a Parquet file, one text per row. Records, whose depth varies, and identifiers that are
    not strings are written as JSON."""
    write_rows(path, COLUMNS, map(_flatten, _to_rows(docs, spans_key)))


def write_docs(path: Path, docs: AnnotatedDocs, spans_key: str | None) -> None:
    """Write docs. Their meta data hold the identifier, the source and the number of the text."""
    docbin = DocBin(store_user_data=True)
    for origin, doc in docs:
        doc.user_data[META] = origin
        docbin.add(doc)
    docbin.to_disk(path)


def write_csv(path: Path, docs: AnnotatedDocs, spans_key: str | None, *, raw: bool = False) -> None:
    """Write a table of records, one value per row."""
    write_table(path, TABLE_COLUMNS, _to_record_rows(docs), raw=raw)


WRITERS: dict[str, tuple[str, Writer]] = {
    "jsonl": (".jsonl", write_jsonl),
    "parquet": (".parquet", write_parquet),
    "spacy": (DOCS_SUFFIX, write_docs),
    CSV: (".csv", write_csv),
    RAW_CSV: (".csv", partial(write_csv, raw=True)),
}


def _to_rows(docs: AnnotatedDocs, spans_key: str | None) -> Iterator[dict[str, Any]]:
    for origin, doc in docs:
        yield {**origin, **to_annotations(doc, spans_key=spans_key)}


def _to_record_rows(docs: AnnotatedDocs) -> Iterator[dict[str, Any]]:
    for origin, doc in docs:
        doc.user_data[META] = origin
        for row in to_rows([doc]):
            del row["doc"]
            yield {**origin, **row}


def _flatten(row: dict[str, Any]) -> dict[str, Any]:
    texts = {name: row[name] for name in ("id", "records")}
    entities = [*map(_list_pairs, row["entities"])]
    return {
        **row,
        "entities": entities,
        **{name: to_string(value) for name, value in texts.items()},
    }


def _list_pairs(entity: dict[str, Any]) -> dict[str, Any]:
    """Turn the attributes of an entity into pairs, as older versions of pyarrow require of maps."""
    names = ("attributes", "attribute_scores")
    return {**entity, **{name: [*entity[name].items()] for name in names if name in entity}}
