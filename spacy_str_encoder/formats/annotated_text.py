"""Annotated texts, the form that all formats are read into and written from."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any
from unicodedata import category

from ..doc.identifiers import Identifiers
from ..doc.plurals import count_noun
from .report import LossError
from .source_doc import SourceDoc

# Control characters, tabs and line breaks among them, and the separators of lines and paragraphs.
CONTROLS = {"Cc", "Zl", "Zp"}


@dataclass(frozen=True)
class AnnotatedEntity:
    """Entity with character offsets (exclusive end).

    start (int): The offset of its first character.
    end (int): The offset after its last character.
    label (str): Its type.
    attributes (dict[str, str] | None): The values of its attributes by name; None if they are
        unannotated.
    score (float | None): Its probability, if a pipeline predicted it.
    attribute_scores (dict[str, float] | None): The probabilities of its attributes by name, if a
        pipeline predicted them.
    identifiers (Identifiers): The identifiers that it has.
    """

    start: int
    end: int
    label: str
    attributes: dict[str, str] | None = field(default=None, hash=False)
    score: float | None = field(default=None, compare=False)
    attribute_scores: dict[str, float] | None = field(default=None, compare=False)
    identifiers: Identifiers = field(default_factory=Identifiers, compare=False)

    @property
    def place(self) -> tuple[int, int, str]:
        """RETURNS (tuple[int, int, str]): Start and end character, and label."""
        return self.start, self.end, self.label


@dataclass(frozen=True)
class AnnotatedRelation:
    """Relation between two entities.

    head (int): The index of its head.
    tail (int): The index of its tail.
    label (str): Its label.
    score (float | None): Its probability, if a pipeline predicted it.
    score_given_entities (float | None): Its probability if its entities are correct.
    """

    head: int
    tail: int
    label: str
    score: float | None = field(default=None, compare=False)
    score_given_entities: float | None = field(default=None, compare=False)


@dataclass(frozen=True)
class AnnotatedText:
    """Text with its entities and relations.

    text (str): The text.
    entities (list[AnnotatedEntity]): Its entities.
    relations (list[AnnotatedRelation]): Its relations.
    tokens (list[tuple[int, int]] | None): The character offsets of its tokens (exclusive ends),
        without whitespace. None if the format has no tokens.
    meta (dict[str, Any]): All other data of the text, serializable as JSON.
    place (str): The file and line it was read from, for messages.
    has_relations (bool): Whether its relations are annotated, even if there are none.
    has_entities (bool): Whether its entities are annotated, even if there are none.
    source (SourceDoc | None): The doc that it was read from, for formats that hold all of a doc.
    is_predicted (bool): Whether a pipeline annotated it, and nobody has corrected it.
    pipeline (str | None): The name, version and hash of this pipeline, if they are known.
    """

    text: str
    entities: list[AnnotatedEntity]
    relations: list[AnnotatedRelation]
    tokens: list[tuple[int, int]] | None = None
    meta: dict[str, Any] = field(default_factory=dict)
    place: str = field(default="", compare=False)
    has_relations: bool = True
    has_entities: bool = True
    source: SourceDoc | None = field(default=None, compare=False, repr=False)
    is_predicted: bool = field(default=False, compare=False)
    pipeline: str | None = field(default=None, compare=False)


class AnnotationError(ValueError):
    """Invalid annotations, or a text that is not in the format of its file."""


def check_annotations(annotated: AnnotatedText) -> None:
    """Check the types of all fields, and that offsets and indices are valid.

    annotated (AnnotatedText): The text.
    RAISES (AnnotationError): If a field is invalid.
    """
    check_string("the text", annotated.text)
    for entity in annotated.entities:
        check_name("the type of an entity", entity.label)
        check_integers("the offsets of an entity", entity.start, entity.end)
        name = f"the entity {entity.start}-{entity.end} ({entity.label})"
        check_span(name, entity.start, entity.end, annotated.text)
        _check_attributes(entity)
    indices = set(range(len(annotated.entities)))
    for relation in annotated.relations:
        check_name("the label of a relation", relation.label)
        check_integers("the indices of a relation", relation.head, relation.tail)
        if not {relation.head, relation.tail} <= indices:
            raise AnnotationError(
                f"the relation {relation.head}-{relation.tail} ({relation.label}) refers to an "
                "entity that does not exist; the text has "
                f"{count_noun(len(annotated.entities), 'entity')}"
            )
    if annotated.tokens is not None:
        _check_tokens(annotated.text, annotated.tokens)
    if not isinstance(annotated.meta, dict):
        raise AnnotationError(f"the metadata must be an object, got {annotated.meta!r}")
    check_string("the metadata", json.dumps(annotated.meta, ensure_ascii=False))


def _check_attributes(entity: AnnotatedEntity) -> None:
    owner = f"the entity {entity.start}-{entity.end} ({entity.label})"
    if not isinstance(entity.attributes, dict | None):
        raise AnnotationError(
            f"the attributes of {owner} must be an object, got {entity.attributes!r}"
        )
    for name, value in (entity.attributes or {}).items():
        check_name(f"the name of an attribute of {owner}", name)
        check_string(f"the attribute '{name}' of {owner}", value, empty=False)


def _check_tokens(text: str, tokens: list[tuple[int, int]]) -> None:
    check_integers("the offsets of a token", *(offset for token in tokens for offset in token))
    for (_, end), (start, _) in pairwise([(0, 0), *tokens, (len(text), len(text))]):
        if not 0 <= end <= start <= len(text) or text[end:start].strip():
            raise AnnotationError(
                f"the text from {end} to {start} is neither a token nor whitespace"
            )
    for start, end in tokens:
        if not text[start:end].strip():
            raise AnnotationError(f"the token {start}-{end} is empty")


def check_string(name: str, value: object, *, empty: bool = True) -> None:
    """Check that a value is a string that can be encoded as UTF-8.

    name (str): The name of the value, for the message.
    value (object): The value.
    empty (bool): Whether it may be empty.
    RAISES (AnnotationError): If it is not such a string.
    """
    if not isinstance(value, str):
        raise AnnotationError(f"{name} must be a string, got {value!r}")
    if not value and not empty:
        raise AnnotationError(f"{name} must not be empty")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise AnnotationError(f"{name} has a lone surrogate at character {error.start}") from None


def check_name(name: str, value: object) -> None:
    """Check that a value can be a label, or the name of an attribute. Formats of lines can't hold
    control characters, such as line breaks.

    name (str): The name of the value, for the message.
    value (object): The value.
    RAISES (AnnotationError): If it is not a string, is empty or has control characters.
    """
    check_string(name, value, empty=False)
    if any(category(character) in CONTROLS for character in str(value)):
        raise AnnotationError(f"{name} must not have control characters, got {value!r}")


def check_span(name: str, start: int, end: int, text: str) -> None:
    """Check that a span has characters and lies within its text.

    name (str): The name of the span, for the message.
    start (int): The offset of its first character.
    end (int): The offset after its last character.
    text (str): The text.
    RAISES (AnnotationError): If it is empty or reversed, or not in the text.
    """
    if start >= end:
        raise AnnotationError(f"{name} must end after its start")
    if start < 0 or end > len(text):
        characters = count_noun(len(text), "character")
        raise AnnotationError(f"{name} must lie within the text, which has {characters}")


def check_list(name: str, value: object) -> None:
    """Check that a value is a list.

    name (str): The name of the value, for the message.
    value (object): The value.
    RAISES (AnnotationError): If it is not a list.
    """
    if not isinstance(value, list):
        raise AnnotationError(f"{name} must be a list, got {value!r}")


def check_integers(name: str, *values: object) -> None:
    """Check that values are integers.

    name (str): The name of the values, for the message.
    *values (object): The values.
    RAISES (AnnotationError): If a value is not an integer.
    """
    for value in values:
        if type(value) is not int:
            raise AnnotationError(f"{name} must be integers, got {value!r}")


def check_surface(text: str, start: int, end: int, surface: str) -> None:
    """Check that an entity has the text that the file repeats for it.

    text (str): The text.
    start (int): The start of the entity in characters.
    end (int): Its end (exclusive).
    surface (str): Its text in the file.
    RAISES (AnnotationError): If there is no text at its offsets, or a different one.
    """
    name = f"the entity {start}-{end}"
    check_span(name, start, end, text)
    if text[start:end] != surface:
        raise AnnotationError(f"{name} must have the text {surface!r}, got {text[start:end]!r}")


def in_text_order(annotated: AnnotatedText) -> AnnotatedText:
    """Sort the entities of a text by position.

    annotated (AnnotatedText): The text.
    RETURNS (AnnotatedText): The text with its entities sorted by start, end and label, and its
        relations.
    """
    entities = annotated.entities
    order = sorted(range(len(entities)), key=lambda i: (entities[i].place, i))
    place = {old: new for new, old in enumerate(order)}
    relations = [
        replace(each, head=place[each.head], tail=place[each.tail]) for each in annotated.relations
    ]
    return replace(annotated, entities=[entities[i] for i in order], relations=relations)


@contextmanager
def errors_at(place: str) -> Iterator[None]:
    """Raise errors that come from a malformed text as annotation errors.

    place (str): The location of the text, for the message.
    RAISES (AnnotationError): In place of any other error except LossError.
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
    return "not in this format: a field has a value of the wrong type"
