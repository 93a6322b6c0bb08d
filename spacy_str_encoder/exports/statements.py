"""Statements about the entities of a doc: whether the patient has them, and their values."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain

from spacy.language import Language
from spacy.tokens import Doc, Span

from ..doc.attributes import get_attributes
from ..doc.entities import get_entities
from ..doc.meanings import Meanings, fold, read_meanings
from ..doc.records import Link, find_links
from ..doc.relation import Place, get_relations, get_score, place_of
from ..loading import (
    RECORDS,
    default_values,
    entity_group,
    find_components,
    read_labels,
    sets_attributes,
)
from .export import SCORES

# An entity with such a meaning is not one that the patient has or had.
DENIALS = frozenset({"absent", "conditional", "other_subject", "planned"})
UNKNOWN = "values of {name} without a meaning"


@dataclass(frozen=True)
class Reading:
    """Settings by which the statements of a pipeline are read.

    spans_key (str | None): The span group that holds the entities; `doc.ents` if None.
    central (Collection[str]): The types of central entities.
    inverse (Collection[str]): The labels of relations whose head is the value.
    meanings (Meanings): What attributes and relations mean.
    attributes_tell (bool): Whether the pipeline predicts attributes that have a meaning.
    relations_tell (bool): Whether it predicts relations that have one.
    cues (Collection[str]): The types, folded, of entities that only give others a meaning.
    reasons (Mapping[str, str]): For attributes with a meaning, how values without one are counted.
    """

    spans_key: str | None
    central: Collection[str]
    inverse: Collection[str]
    meanings: Meanings
    attributes_tell: bool
    relations_tell: bool
    cues: Collection[str]
    reasons: Mapping[str, str]


@dataclass(frozen=True)
class Statement:
    """Statement of a doc about an entity.

    entity (Span): The entity.
    attributes (Mapping[str, str]): Its attributes.
    links (list[Link]): The relations that give it values, in text order of the values.
    meanings (frozenset[str]): What its attributes and relations mean, see `Meanings`.
    unknown (list[str]): The attributes that have a meaning, but not with the value that they have
        here.
    exists (bool | None): Whether the patient has it, or had it; None if the pipeline does not tell,
        and for cues such as negations.
    """

    entity: Span
    attributes: Mapping[str, str]
    links: list[Link]
    meanings: frozenset[str]
    unknown: list[str]
    exists: bool | None


def find_reading(nlp: Language) -> Reading:
    """Find how the statements of a pipeline are read: as its `str_records` says, or by default.

    nlp (Language): The pipeline.
    RETURNS (Reading): How they are read.
    """
    maker = next((component for _, component in find_components(nlp, RECORDS)), None)
    settings = getattr(maker, "settings", {})
    given = getattr(maker, "meanings", None) or read_meanings(None, [])
    meanings = _add_defaults(given, default_values(nlp))
    _, labels, values, _ = read_labels(nlp)
    # The attributes of a component that does not list them may have any meaning.
    attributes_tell = any(map(meanings.know, values)) if values else sets_attributes(nlp)
    return Reading(
        entity_group(nlp),
        settings.get("central", []),
        settings.get("inverse", []),
        meanings,
        attributes_tell,
        any(map(meanings.know, labels)),
        meanings.list_values(labels) - {*map(fold, settings.get("central", []))},
        {name: _describe_unknown(name, listed, meanings) for name, listed in values.items()},
    )


def check_meanings(nlp: Language) -> None:
    """Warn of names in the meanings of a pipeline that no component predicts.

    nlp (Language): The pipeline.
    """
    for _, component in find_components(nlp, RECORDS):
        if warn := getattr(component, "warn_of_meanings", None):
            warn(nlp)


def _add_defaults(meanings: Meanings, defaults: Mapping[str, str]) -> Meanings:
    """Add values that stand for no mark to those of entities that are present."""
    present = {name: [*values] for name, values in meanings.present.items()}
    for name, value in defaults.items():
        if meanings.lack(name, value):
            present.setdefault(name, []).append(value)
    return replace(meanings, present=present)


def _describe_unknown(name: str, values: Iterable[str], meanings: Meanings) -> str:
    # Values of a component that does not list them may be confidential, so that none is named.
    listed = ", ".join(value for value in values if meanings.lack(name, value))
    return UNKNOWN.format(name=name) + (listed and f", such as {listed}")


def read_statements(doc: Doc, reading: Reading) -> Iterator[Statement]:
    """Read what a doc says about its entities.

    doc (Doc): The doc.
    reading (Reading): How it is read.
    YIELDS (Statement): The statement about each entity, in text order, also about those that only
        relations have.
    """
    links = find_links(doc, reading.central, reading.inverse)
    entities = {place_of(each): each for each in get_entities(doc, reading.spans_key)}
    said: dict[Place, list[tuple[str, str]]] = {}
    for relation in get_relations(doc):
        for entity, other in ((relation.head, relation.tail), (relation.tail, relation.head)):
            entities.setdefault(place_of(entity), entity)
            said.setdefault(place_of(entity), []).append((relation.label, other.label_))
    for place in sorted(entities):
        entity = entities[place]
        yield _state(entity, links.get(place, []), said.get(place, []), reading)


def count_scores(doc: Doc, statements: Iterable[Statement]) -> Counter[str]:
    """Count the probabilities in a doc, for forms that have no place for them.

    doc (Doc): The doc.
    statements (Iterable[Statement]): What it says about its entities.
    RETURNS (Counter[str]): Their number by reason of their loss.
    """
    stated = [*statements]
    counts = {
        "entities": sum(get_score(each.entity) is not None for each in stated),
        "relations": len(get_relations(doc)),
        "attributes": sum(len(each.attributes) for each in stated),
    }
    return Counter({SCORES.format(kind=kind): count for kind, count in counts.items()})


def count_unknown(statements: Iterable[Statement], reading: Reading) -> Counter[str]:
    """Count values without a meaning, of attributes that have one.

    statements (Iterable[Statement]): What a doc says about its entities.
    reading (Reading): How it is read.
    RETURNS (Counter[str]): Their number by reason.
    """
    names = chain.from_iterable(each.unknown for each in statements)
    return Counter(reading.reasons.get(name, UNKNOWN.format(name=name)) for name in names)


def _state(
    entity: Span, links: list[Link], said: list[tuple[str, str]], reading: Reading
) -> Statement:
    attributes, meanings = get_attributes(entity), reading.meanings
    values = attributes or {}
    found = meanings.find([*values.items(), *said])
    unknown = [name for name, value in values.items() if meanings.lack(name, value)]
    # No attribute is an answer too, if the pipeline has looked for one. No relation is one as well,
    # except that a vessel without a denial is no evidence of its stenosis.
    has_looked = reading.attributes_tell and attributes is not None
    is_assumed = reading.relations_tell and entity.label_ not in meanings.observed
    is_told = not unknown and (bool(found) or has_looked or is_assumed)
    is_cue = fold(entity.label_) in reading.cues
    exists = None if is_cue else False if found & DENIALS else True if is_told else None
    return Statement(entity, values, links, found, unknown, exists)
