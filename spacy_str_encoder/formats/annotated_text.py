"""Annotated texts on their way between a file format and docs, or another format."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from .report import LossError


@dataclass(frozen=True)
class AnnotatedEntity:
    """An entity by its character offsets, the end exclusive."""

    start: int
    end: int
    label: str


@dataclass(frozen=True)
class AnnotatedRelation:
    """A relation by the indices of its entities."""

    head: int
    tail: int
    label: str


@dataclass(frozen=True)
class AnnotatedText:
    """An annotated text.

    text (str): The text.
    entities (list[AnnotatedEntity]): Its entities.
    relations (list[AnnotatedRelation]): Its relations.
    tokens (list[tuple[int, int]] | None): The character offsets of its tokens, the ends exclusive,
        without white space; None if the format has none.
    meta (dict[str, Any]): What else its format says of it, fit for JSON.
    place (str): Where it was read, for messages.
    has_relations (bool): Whether relations were annotated, if only as none.
    has_entities (bool): Whether entities were.
    """

    text: str
    entities: list[AnnotatedEntity]
    relations: list[AnnotatedRelation]
    tokens: list[tuple[int, int]] | None = None
    meta: dict[str, Any] = field(default_factory=dict)
    place: str = field(default="", compare=False)
    has_relations: bool = True
    has_entities: bool = True


class AnnotationError(ValueError):
    """A text that says something impossible, or is not in the format of its file."""


def check_annotations(annotated: AnnotatedText) -> None:
    """Check that the fields are of the right type, and offsets and indices possible.

    text (AnnotatedText): The text.
    RAISES (AnnotationError): If they are not.
    """
    check_string("the text", annotated.text)
    for entity in annotated.entities:
        check_string("the type of an entity", entity.label, empty=False)
        check_integers("the offsets of an entity", entity.start, entity.end)
        if entity.start >= entity.end:
            raise AnnotationError(
                f"the entity {entity.start}-{entity.end} ({entity.label}) ends where it begins, or "
                "before"
            )
        if entity.start < 0 or entity.end > len(annotated.text):
            raise AnnotationError(
                f"the entity {entity.start}-{entity.end} ({entity.label}) lies outside of the "
                f"text, which has {len(annotated.text)} characters"
            )
    indices = set(range(len(annotated.entities)))
    for relation in annotated.relations:
        check_string("the label of a relation", relation.label, empty=False)
        check_integers("the indices of a relation", relation.head, relation.tail)
        if not {relation.head, relation.tail} <= indices:
            raise AnnotationError(
                f"the relation {relation.head}-{relation.tail} ({relation.label}) names an entity "
                f"that is not among the {len(annotated.entities)} of the text"
            )
    if annotated.tokens is not None:
        _check_tokens(annotated.text, annotated.tokens)
    if not isinstance(annotated.meta, dict):
        raise AnnotationError(f"the meta data are no object but {annotated.meta!r}")
    check_string("what else is said of it", json.dumps(annotated.meta, ensure_ascii=False))


def _check_tokens(text: str, tokens: list[tuple[int, int]]) -> None:
    check_integers("the offsets of a token", *(offset for token in tokens for offset in token))
    for (_, end), (start, _) in pairwise([(0, 0), *tokens, (len(text), len(text))]):
        if not 0 <= end <= start <= len(text) or text[end:start].strip():
            raise AnnotationError(
                f"the text from {end} to {start} is neither a token nor white space"
            )
    for start, end in tokens:
        if not text[start:end].strip():
            raise AnnotationError(f"the token {start}-{end} is empty")


def check_string(name: str, value: object, *, empty: bool = True) -> None:
    """Check that a field is a string that can be encoded.

    name (str): What it is, for the message.
    value (object): The field.
    empty (bool): Whether it may be empty.
    RAISES (AnnotationError): If it is not.
    """
    if not isinstance(value, str):
        raise AnnotationError(f"{name} is no string but {value!r}")
    if not value and not empty:
        raise AnnotationError(f"{name} is empty")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise AnnotationError(f"{name} has a lone surrogate at character {error.start}") from None


def check_list(name: str, value: object) -> None:
    """Check that a field is a list.

    name (str): What it is, for the message.
    value (object): The field.
    RAISES (AnnotationError): If it is not.
    """
    if not isinstance(value, list):
        raise AnnotationError(f"{name} are no list but {value!r}")


def check_integers(name: str, *values: object) -> None:
    """Check that fields are whole numbers.

    name (str): What they are, for the message.
    *values (object): The fields.
    RAISES (AnnotationError): If one is not.
    """
    for value in values:
        if type(value) is not int:
            raise AnnotationError(f"{name} are no whole numbers: {value!r}")


def in_text_order(annotated: AnnotatedText) -> AnnotatedText:
    """Put the entities of a text in text order.

    text (AnnotatedText): The text.
    RETURNS (AnnotatedText): The same entities by start, end and label, and the same relations.
    """
    entities = annotated.entities
    order = sorted(range(len(entities)), key=lambda i: (*vars(entities[i]).values(), i))
    place = {old: new for new, old in enumerate(order)}
    relations = [
        AnnotatedRelation(place[r.head], place[r.tail], r.label) for r in annotated.relations
    ]
    return replace(annotated, entities=[entities[i] for i in order], relations=relations)


@contextmanager
def errors_at(place: str) -> Iterator[None]:
    """Turn what reading a text runs into, if it is in no such format, into one kind of error.

    place (str): Where the text is, for the message.
    RAISES (AnnotationError): In place of other errors, but for losses that are ruled out.
    """
    try:
        yield
    except LossError:
        raise
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise AnnotationError(f"{place}: {_describe(error)}") from None


def _describe(error: Exception) -> str:
    if isinstance(error, AnnotationError):
        return str(error)
    if isinstance(error, KeyError):
        return f"the field {error} is missing"
    return f"it is not in the format ({error})"
