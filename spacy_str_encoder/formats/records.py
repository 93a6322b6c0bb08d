"""Annotated texts on their way between a file format and docs."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from spacy.language import Language
from spacy.tokens import Doc, Span

from ..relation import Relation, set_relations


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
    """

    text: str
    entities: list[EntityRecord]
    relations: list[RelationRecord]


@dataclass
class ConversionReport:
    """What docs could not hold, counted by the reason."""

    docs: int = 0
    lost: Counter[str] = field(default_factory=Counter)


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
        if not 0 <= entity.start < entity.end <= len(record.text):
            raise RecordError(
                f"the entity {entity.start}-{entity.end} ({entity.label}) lies outside of the "
                f"text, which has {len(record.text)} characters"
            )
    for relation in record.relations:
        check_string("the label of a relation", relation.label, empty=False)
        check_integers("the indices of a relation", relation.head, relation.tail)
        if not {relation.head, relation.tail} <= set(range(len(record.entities))):
            raise RecordError(
                f"the relation {relation.head}-{relation.tail} ({relation.label}) names an entity "
                f"that is not among the {len(record.entities)} of the text"
            )


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


def check_integers(name: str, *values: object) -> None:
    """Check that fields are whole numbers.

    name (str): What they are, for the message.
    *values (object): The fields.
    RAISES (RecordError): If one is not.
    """
    for value in values:
        if type(value) is not int:
            raise RecordError(f"{name} are no whole numbers: {value!r}")


def describe(error: Exception) -> str:
    """Say what is wrong with a record.

    error (Exception): What its reader ran into.
    RETURNS (str): A clause, without a full stop.
    """
    if isinstance(error, RecordError):
        return str(error)
    if isinstance(error, KeyError):
        return f"the field {error} is missing"
    return f"it is not in the format ({error})"


def to_docs(records: Iterable[Record], nlp: Language, report: ConversionReport) -> Iterator[Doc]:
    """Make docs with entities and relations.

    records (Iterable[Record]): The records.
    nlp (Language): Tokenizes the texts.
    report (ConversionReport): Counts what is lost: entities that do not align with tokens, or
        overlap one that begins earlier (or is longer), and relations that connect such.
    YIELDS (Doc): The docs.
    """
    for record in records:
        doc = nlp.make_doc(record.text)
        spans = _align_entities(record, doc, report)
        doc.set_ents([span for span in spans if span is not None])
        set_relations(doc, _connect(record, spans, report))
        report.docs += 1
        yield doc


def _align_entities(record: Record, doc: Doc, report: ConversionReport) -> list[Span | None]:
    spans: list[Span | None] = [None] * len(record.entities)
    taken: set[int] = set()
    order = sorted(range(len(spans)), key=lambda i: _precedence(record.entities[i]))
    for i in order:
        entity = record.entities[i]
        span = doc.char_span(entity.start, entity.end, label=entity.label)
        if span is None:
            report.lost["entities that do not align with tokens"] += 1
        elif not taken.isdisjoint(range(span.start, span.end)):
            report.lost["entities that overlap another one"] += 1
        else:
            taken.update(range(span.start, span.end))
            spans[i] = span
    return spans


def _precedence(entity: EntityRecord) -> tuple[int, int]:
    return entity.start, -entity.end


def _connect(
    record: Record, spans: list[Span | None], report: ConversionReport
) -> Iterator[Relation]:
    for relation in record.relations:
        head, tail = spans[relation.head], spans[relation.tail]
        if head is None or tail is None:
            report.lost["relations of such entities"] += 1
        else:
            yield Relation(head, tail, relation.label)
