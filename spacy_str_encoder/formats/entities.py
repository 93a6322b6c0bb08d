"""Entities and relations of records: finding them, leaving them out, saying which is meant."""

from collections.abc import Collection
from dataclasses import replace

from .records import EntityRecord, Record, RelationRecord
from .report import ConversionReport

MISALIGNED = "entities that do not align with tokens"
UNANNOTATED = "texts whose relations nobody annotated"
WITHOUT_ENTITIES = "texts whose entities nobody annotated"
UNFOUND = "relations whose head or tail can't be told among the entities"


def find_entity(
    record: Record, place: tuple[int, int], label: str | None, report: ConversionReport
) -> int | None:
    """Find an entity by where it is, and by its label if there are several.

    record (Record): The record.
    place (tuple[int, int]): The character offsets of the entity.
    label (str | None): Its label; None if nothing is said of it.
    report (ConversionReport): Counts entities that have another label.
    RETURNS (int | None): Its index, the first one if it is there twice; None if it can't be told.
    """
    found = [i for i, entity in enumerate(record.entities) if (entity.start, entity.end) == place]
    if len({record.entities[i] for i in found}) > 1:
        found = [i for i in found if record.entities[i].label == label]
    if not found:
        return None
    if label not in (None, record.entities[found[0]].label):
        case = f"{describe_entity(record, found[0])}, not {label!r}"
        report.choose("labels of entities to which relations give another one", record.place, case)
    return found[0]


def keep_entities(
    record: Record, kept: Collection[int], reason: str, report: ConversionReport
) -> Record:
    """Leave out all entities but some, and the relations that connect others.

    record (Record): The record.
    kept (Collection[int]): The indices of the entities to keep.
    reason (str): Why the others are lost, as a plural.
    report (ConversionReport): Counts them, and the relations.
    RETURNS (Record): A record with what is kept, in the same order.
    """
    entities: dict[int, EntityRecord] = {}
    for i, entity in enumerate(record.entities):
        if i in kept:
            entities[i] = entity
        else:
            report.lose(reason, record.place, describe_entity(record, i))
    place = {i: new for new, i in enumerate(entities)}
    relations = []
    for relation in record.relations:
        if {relation.head, relation.tail} <= entities.keys():
            ends = place[relation.head], place[relation.tail]
            relations.append(RelationRecord(*ends, relation.label))
        else:
            case = describe_relation(record, relation)
            report.lose("relations of such entities", record.place, case)
    return replace(record, entities=list(entities.values()), relations=relations)


def keep_relations(
    record: Record, kept: Collection[int], reason: str, report: ConversionReport
) -> Record:
    """Leave out all relations but some.

    record (Record): The record.
    kept (Collection[int]): The indices of the relations to keep.
    reason (str): Why the others are lost, as a plural.
    report (ConversionReport): Counts them.
    RETURNS (Record): A record with what is kept, in the same order.
    """
    for i, relation in enumerate(record.relations):
        if i not in kept:
            report.lose(reason, record.place, describe_relation(record, relation))
    relations = [relation for i, relation in enumerate(record.relations) if i in kept]
    return replace(record, relations=relations)


def without_repeats(record: Record, report: ConversionReport) -> Record:
    """Leave out entities that are the same as one before, which gets their relations.

    record (Record): The record.
    report (ConversionReport): Counts them.
    RETURNS (Record): A record without them.
    """
    first: dict[EntityRecord, int] = {}
    for i, entity in enumerate(record.entities):
        if entity in first:
            case = describe_entity(record, i)
            report.lose("entities that repeat another one", record.place, case)
        first.setdefault(entity, len(first))
    places = [first[entity] for entity in record.entities]
    relations = [RelationRecord(places[r.head], places[r.tail], r.label) for r in record.relations]
    return replace(record, entities=list(first), relations=relations)


def describe_entity(record: Record, index: int) -> str:
    """Say which entity is meant.

    record (Record): The record.
    index (int): The index of the entity.
    RETURNS (str): Its text, label and offsets.
    """
    entity = record.entities[index]
    return f"{_surface(record, index)} ({entity.label}, {entity.start}-{entity.end})"


def describe_relation(record: Record, relation: RelationRecord) -> str:
    """Say which relation is meant.

    record (Record): The record.
    relation (RelationRecord): One of its relations.
    RETURNS (str): The texts of its entities, and its label.
    """
    head, tail = _surface(record, relation.head), _surface(record, relation.tail)
    return f"{head} {relation.label} {tail}"


def _surface(record: Record, index: int) -> str:
    entity = record.entities[index]
    return repr(record.text[entity.start : entity.end])
