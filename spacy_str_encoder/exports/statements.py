"""Statements about the entities of a doc: whether the patient has them, and their values."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from spacy.language import Language
from spacy.tokens import Doc, Span

from ..doc.attributes import get_attributes
from ..doc.entities import get_entities
from ..doc.meanings import Meanings, read_meanings
from ..doc.records import Link, find_links
from ..doc.relation import Place, get_relations, get_score, place_of
from ..loading import RECORDS, entity_group, find_components, read_labels, sets_attributes
from .export import SCORES

# An entity with such a meaning is not one that the patient has or had.
DENIALS = frozenset({"absent", "conditional", "other_subject", "planned"})


@dataclass(frozen=True)
class Reading:
    """Settings by which the statements of a pipeline are read.

    spans_key (str | None): The span group that holds the entities; `doc.ents` if None.
    central (Collection[str]): The types of central entities.
    inverse (Collection[str]): The labels of relations whose head is the value.
    meanings (Meanings): What attributes and relations mean.
    attributes_tell (bool): Whether the pipeline predicts attributes that have a meaning.
    relations_tell (bool): Whether it predicts relations that have one.
    """

    spans_key: str | None
    central: Collection[str]
    inverse: Collection[str]
    meanings: Meanings
    attributes_tell: bool
    relations_tell: bool


@dataclass(frozen=True)
class Statement:
    """Statement of a doc about an entity.

    entity (Span): The entity.
    attributes (Mapping[str, str]): Its attributes.
    links (list[Link]): The relations that give it values, in text order of the values.
    meanings (frozenset[str]): What its attributes and relations mean, see `Meanings`.
    exists (bool | None): Whether the patient has it, or had it; None if the pipeline does not tell.
    """

    entity: Span
    attributes: Mapping[str, str]
    links: list[Link]
    meanings: frozenset[str]
    exists: bool | None


def find_reading(nlp: Language) -> Reading:
    """Find how the statements of a pipeline are read: as its `str_records` says, or by default.

    nlp (Language): The pipeline.
    RETURNS (Reading): How they are read.
    """
    maker = next((component for _, component in find_components(nlp, RECORDS)), None)
    settings = getattr(maker, "settings", {})
    meanings = getattr(maker, "meanings", None) or read_meanings(None, [])
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
    )


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


def _state(
    entity: Span, links: list[Link], said: list[tuple[str, str]], reading: Reading
) -> Statement:
    attributes, meanings = get_attributes(entity), reading.meanings
    found = meanings.find([*(attributes or {}).items(), *said])
    says_so = bool(found) or any(map(meanings.know, attributes or ()))
    # No attribute is an answer too, if the pipeline has looked for one.
    has_looked = reading.attributes_tell and attributes is not None
    is_told = says_so or has_looked or reading.relations_tell
    exists = False if found & DENIALS else True if is_told else None
    return Statement(entity, attributes or {}, links, found, exists)
