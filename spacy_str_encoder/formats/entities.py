"""Entities and relations of texts: finding them, leaving them out, saying which is meant."""

from collections.abc import Collection
from dataclasses import replace

from .annotated_text import AnnotatedEntity, AnnotatedRelation, AnnotatedText
from .report import ConversionReport

MISALIGNED = "entities that do not align with tokens"
UNANNOTATED = "texts whose relations nobody annotated"
WITHOUT_ENTITIES = "texts whose entities nobody annotated"
UNFOUND = "relations whose head or tail can't be told among the entities"


def find_entity(
    annotated: AnnotatedText, place: tuple[int, int], label: str | None, report: ConversionReport
) -> int | None:
    """Find an entity by where it is, and by its label if there are several.

    text (AnnotatedText): The text.
    place (tuple[int, int]): The character offsets of the entity.
    label (str | None): Its label; None if nothing is said of it.
    report (ConversionReport): Counts entities that have another label.
    RETURNS (int | None): Its index, the first one if it is there twice; None if it can't be told.
    """
    found = [
        i for i, entity in enumerate(annotated.entities) if (entity.start, entity.end) == place
    ]
    if len({annotated.entities[i] for i in found}) > 1:
        found = [i for i in found if annotated.entities[i].label == label]
    if not found:
        return None
    if label not in (None, annotated.entities[found[0]].label):
        case = f"{describe_entity(annotated, found[0])}, not {label!r}"
        report.choose(
            "labels of entities to which relations give another one", annotated.place, case
        )
    return found[0]


def keep_entities(
    annotated: AnnotatedText, kept: Collection[int], reason: str, report: ConversionReport
) -> AnnotatedText:
    """Leave out all entities but some, and the relations that connect others.

    text (AnnotatedText): The text.
    kept (Collection[int]): The indices of the entities to keep.
    reason (str): Why the others are lost, as a plural.
    report (ConversionReport): Counts them, and the relations.
    RETURNS (AnnotatedText): A text with what is kept, in the same order.
    """
    entities: dict[int, AnnotatedEntity] = {}
    for i, entity in enumerate(annotated.entities):
        if i in kept:
            entities[i] = entity
        else:
            report.lose(reason, annotated.place, describe_entity(annotated, i))
    place = {i: new for new, i in enumerate(entities)}
    relations = []
    for relation in annotated.relations:
        if {relation.head, relation.tail} <= entities.keys():
            ends = place[relation.head], place[relation.tail]
            relations.append(AnnotatedRelation(*ends, relation.label))
        else:
            case = describe_relation(annotated, relation)
            report.lose("relations of such entities", annotated.place, case)
    return replace(annotated, entities=list(entities.values()), relations=relations)


def keep_relations(
    annotated: AnnotatedText, kept: Collection[int], reason: str, report: ConversionReport
) -> AnnotatedText:
    """Leave out all relations but some.

    text (AnnotatedText): The text.
    kept (Collection[int]): The indices of the relations to keep.
    reason (str): Why the others are lost, as a plural.
    report (ConversionReport): Counts them.
    RETURNS (AnnotatedText): A text with what is kept, in the same order.
    """
    for i, relation in enumerate(annotated.relations):
        if i not in kept:
            report.lose(reason, annotated.place, describe_relation(annotated, relation))
    relations = [relation for i, relation in enumerate(annotated.relations) if i in kept]
    return replace(annotated, relations=relations)


def without_repeats(annotated: AnnotatedText, report: ConversionReport) -> AnnotatedText:
    """Leave out entities that are the same as one before, which gets their relations.

    text (AnnotatedText): The text.
    report (ConversionReport): Counts them.
    RETURNS (AnnotatedText): A text without them.
    """
    first: dict[AnnotatedEntity, int] = {}
    for i, entity in enumerate(annotated.entities):
        if entity in first:
            case = describe_entity(annotated, i)
            report.lose("entities that repeat another one", annotated.place, case)
        first.setdefault(entity, len(first))
    places = [first[entity] for entity in annotated.entities]
    relations = [
        AnnotatedRelation(places[r.head], places[r.tail], r.label) for r in annotated.relations
    ]
    return replace(annotated, entities=list(first), relations=relations)


def describe_entity(annotated: AnnotatedText, index: int) -> str:
    """Say which entity is meant.

    text (AnnotatedText): The text.
    index (int): The index of the entity.
    RETURNS (str): Its text, label and offsets.
    """
    entity = annotated.entities[index]
    return f"{_surface(annotated, index)} ({entity.label}, {entity.start}-{entity.end})"


def describe_relation(annotated: AnnotatedText, relation: AnnotatedRelation) -> str:
    """Say which relation is meant.

    text (AnnotatedText): The text.
    relation (AnnotatedRelation): One of its relations.
    RETURNS (str): The texts of its entities, and its label.
    """
    head, tail = _surface(annotated, relation.head), _surface(annotated, relation.tail)
    return f"{head} {relation.label} {tail}"


def _surface(annotated: AnnotatedText, index: int) -> str:
    entity = annotated.entities[index]
    return repr(annotated.text[entity.start : entity.end])
