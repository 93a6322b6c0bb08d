"""Rows of entities, relations and records of a doc, and their columns."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from spacy.tokens import Doc

from ..doc.codes import NAMES as CODE_NAMES
from ..doc.origin import ID
from ..doc.plain_data import Annotations, EntityAnnotation, to_annotations
from ..files.parquet import Fields
from ..files.records import COLUMNS as RECORD_COLUMNS
from ..files.records import to_rows
from ..loading import ENTITIES, RECORDS, RELATIONS

Row = dict[str, Any]
Columns = dict[str, str | Fields]
# Columns of values of attributes, and of their probabilities, begin with these, and a dot.
ATTRIBUTE_COLUMNS = {"attributes": "string", "attribute_scores": "float64"}
PLACE = {"start": "int64", "end": "int64"}
ENTITY_COLUMNS: Columns = {
    "doc": "int64",
    "entity": "string",
    "label": "string",
    **PLACE,
    "score": "float64",
    "entity_id": "string",
    "kb_id": "string",
    "codes": {**dict.fromkeys(CODE_NAMES, "string"), "score": "float64"},
}
RELATION_COLUMNS: Columns = {
    "doc": "int64",
    "head": "string",
    "head_label": "string",
    **{f"head_{name}": kind for name, kind in PLACE.items()},
    "label": "string",
    "tail": "string",
    "tail_label": "string",
    **{f"tail_{name}": kind for name, kind in PLACE.items()},
    "score": "float64",
    "score_given_entities": "float64",
}


class Kind(NamedTuple):
    """Kind of rows.

    columns (dict[str, str | Fields]): The type of each column.
    assigned (str): What a component must set.
    list_rows (Callable[[Doc, str | None], Iterator[dict]]): Lists the rows of a doc. The second
        argument is the span group that holds the entities; None for `doc.ents`.
    """

    columns: Columns
    assigned: str
    list_rows: Callable[[Doc, str | None], Iterator[Row]]


def list_entities(doc: Doc, spans_key: str | None) -> Iterator[Row]:
    """YIELDS (dict[str, Any]): The entities of a doc, in text order."""
    annotations = to_annotations(doc, spans_key=spans_key)
    for entity in annotations["entities"]:
        given: Row = {**entity}
        attributes = {
            f"{column}.{name}": value
            for column in ATTRIBUTE_COLUMNS
            for name, value in given.get(column, {}).items()
        }
        plain = {name: given.get(name) for name in ENTITY_COLUMNS}
        names = {"entity": _text_of(annotations, entity), "entity_id": given.get("id")}
        yield {**plain, **names, **attributes}


def list_relations(doc: Doc, spans_key: str | None) -> Iterator[Row]:
    """YIELDS (dict[str, Any]): The relations of a doc, in text order."""
    annotations = to_annotations(doc, spans_key=spans_key)
    for relation in annotations["relations"]:
        head, tail = (annotations["entities"][relation[end]] for end in ("head", "tail"))
        yield {
            **relation,
            **_end_columns("head", annotations, head),
            **_end_columns("tail", annotations, tail),
        }


def _end_columns(name: str, annotations: Annotations, entity: EntityAnnotation) -> Row:
    return {
        name: _text_of(annotations, entity),
        f"{name}_label": entity["label"],
        f"{name}_start": entity["start"],
        f"{name}_end": entity["end"],
    }


def _text_of(annotations: Annotations, entity: EntityAnnotation) -> str:
    return annotations["text"][entity["start"] : entity["end"]]


def list_records(doc: Doc, spans_key: str | None) -> Iterator[Row]:
    """YIELDS (dict[str, Any]): The values of the records of a doc, one a row."""
    for row in to_rows([doc]):
        yield {name: value for name, value in row.items() if name != ID}


KINDS = {
    "entities": Kind(ENTITY_COLUMNS, ENTITIES, list_entities),
    "relations": Kind(RELATION_COLUMNS, RELATIONS, list_relations),
    "records": Kind(
        {name: kind for name, kind in RECORD_COLUMNS.items() if name != ID},
        RECORDS,
        list_records,
    ),
}


def columns_of(kind: Kind, rows: list[Row]) -> Columns:
    """Find the columns of rows: those of their kind, and those of attributes.

    kind (Kind): The kind.
    rows (list[dict[str, Any]]): The rows.
    RETURNS (dict[str, str | Fields]): The type of each column.
    """
    given = dict.fromkeys(name for row in rows for name in row if name not in kind.columns)
    return kind.columns | {name: ATTRIBUTE_COLUMNS[name.partition(".")[0]] for name in given}


def attribute_columns(names: Iterable[str]) -> Columns:
    """List the columns of attributes.

    names (Iterable[str]): The names of the attributes.
    RETURNS (dict[str, str | Fields]): The type of each column.
    """
    return {
        f"{column}.{name}": kind for name in names for column, kind in ATTRIBUTE_COLUMNS.items()
    }
