"""Annotated texts on their way between a file format and docs, or another format."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from .report import LossError


@dataclass(frozen=True)
class EntityRecord:
    """An entity by its character offsets, the end exclusive."""

    start: int
    end: int
    label: str


@dataclass(frozen=True)
class RelationRecord:
    """A relation by the indices of its entities."""

    head: int
    tail: int
    label: str


@dataclass(frozen=True)
class Record:
    """An annotated text.

    text (str): The text.
    entities (list[EntityRecord]): Its entities.
    relations (list[RelationRecord]): Its relations.
    tokens (list[tuple[int, int]] | None): The character offsets of its tokens, the ends exclusive,
        without white space; None if the format has none.
    meta (dict[str, Any]): What else its format says of it, fit for JSON.
    place (str): Where it was read, for messages.
    has_relations (bool): Whether relations were annotated, if only as none.
    has_entities (bool): Whether entities were.
    """

    text: str
    entities: list[EntityRecord]
    relations: list[RelationRecord]
    tokens: list[tuple[int, int]] | None = None
    meta: dict[str, Any] = field(default_factory=dict)
    place: str = field(default="", compare=False)
    has_relations: bool = True
    has_entities: bool = True


class RecordError(ValueError):
    """A record that says something impossible, or is not in the format of its file."""


def check_record(record: Record) -> None:
    """Check that the fields are of the right type, and offsets and indices possible.

    record (Record): The record.
    RAISES (RecordError): If they are not.
    """
    check_string("the text", record.text)
    for entity in record.entities:
        check_string("the type of an entity", entity.label, empty=False)
        check_integers("the offsets of an entity", entity.start, entity.end)
        if entity.start >= entity.end:
            raise RecordError(
                f"the entity {entity.start}-{entity.end} ({entity.label}) ends where it begins, or "
                "before"
            )
        if entity.start < 0 or entity.end > len(record.text):
            raise RecordError(
                f"the entity {entity.start}-{entity.end} ({entity.label}) lies outside of the "
                f"text, which has {len(record.text)} characters"
            )
    indices = set(range(len(record.entities)))
    for relation in record.relations:
        check_string("the label of a relation", relation.label, empty=False)
        check_integers("the indices of a relation", relation.head, relation.tail)
        if not {relation.head, relation.tail} <= indices:
            raise RecordError(
                f"the relation {relation.head}-{relation.tail} ({relation.label}) names an entity "
                f"that is not among the {len(record.entities)} of the text"
            )
    if record.tokens is not None:
        _check_tokens(record.text, record.tokens)
    if not isinstance(record.meta, dict):
        raise RecordError(f"the meta data are no object but {record.meta!r}")
    check_string("what else is said of it", json.dumps(record.meta, ensure_ascii=False))


def _check_tokens(text: str, tokens: list[tuple[int, int]]) -> None:
    check_integers("the offsets of a token", *(offset for token in tokens for offset in token))
    for (_, end), (start, _) in pairwise([(0, 0), *tokens, (len(text), len(text))]):
        if not 0 <= end <= start <= len(text) or text[end:start].strip():
            raise RecordError(f"the text from {end} to {start} is neither a token nor white space")
    for start, end in tokens:
        if not text[start:end].strip():
            raise RecordError(f"the token {start}-{end} is empty")


def check_string(name: str, value: object, *, empty: bool = True) -> None:
    """Check that a field is a string that can be encoded.

    name (str): What it is, for the message.
    value (object): The field.
    empty (bool): Whether it may be empty.
    RAISES (RecordError): If it is not.
    """
    if not isinstance(value, str):
        raise RecordError(f"{name} is no string but {value!r}")
    if not value and not empty:
        raise RecordError(f"{name} is empty")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise RecordError(f"{name} has a lone surrogate at character {error.start}") from None


def check_list(name: str, value: object) -> None:
    """Check that a field is a list.

    name (str): What it is, for the message.
    value (object): The field.
    RAISES (RecordError): If it is not.
    """
    if not isinstance(value, list):
        raise RecordError(f"{name} are no list but {value!r}")


def check_integers(name: str, *values: object) -> None:
    """Check that fields are whole numbers.

    name (str): What they are, for the message.
    *values (object): The fields.
    RAISES (RecordError): If one is not.
    """
    for value in values:
        if type(value) is not int:
            raise RecordError(f"{name} are no whole numbers: {value!r}")


def in_text_order(record: Record) -> Record:
    """Put the entities of a record in text order.

    record (Record): The record.
    RETURNS (Record): The same entities by start, end and label, and the same relations.
    """
    entities = record.entities
    order = sorted(range(len(entities)), key=lambda i: (*vars(entities[i]).values(), i))
    place = {old: new for new, old in enumerate(order)}
    relations = [RelationRecord(place[r.head], place[r.tail], r.label) for r in record.relations]
    return replace(record, entities=[entities[i] for i in order], relations=relations)


@contextmanager
def errors_at(place: str) -> Iterator[None]:
    """Turn what reading a record runs into, if it is in no such format, into one kind of error.

    place (str): Where the record is, for the message.
    RAISES (RecordError): In place of other errors, but for losses that are ruled out.
    """
    try:
        yield
    except LossError:
        raise
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise RecordError(f"{place}: {_describe(error)}") from None


def _describe(error: Exception) -> str:
    if isinstance(error, RecordError):
        return str(error)
    if isinstance(error, KeyError):
        return f"the field {error} is missing"
    return f"it is not in the format ({error})"
