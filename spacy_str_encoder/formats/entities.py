"""Find, filter and describe the entities and relations of texts."""

import unicodedata
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from itertools import pairwise

from ..doc.flat import first_without_overlaps
from .annotated_text import AnnotatedEntity, AnnotatedRelation, AnnotatedText
from .report import ConversionReport

MISALIGNED = "entities that do not align with tokens"
OVERLAPPING = "entities that overlap another entity"
NOT_IN_GROUP = "entities of doc.ents that are not in the span group"
UNCONNECTED = "relations of entities that were left out"
# Docs keep these in their user data, where scores count them.
KEPT_APART = (MISALIGNED, UNCONNECTED)
UNANNOTATED = "texts with unannotated relations"
WITHOUT_ENTITIES = "texts with unannotated entities"
UNANNOTATED_ATTRIBUTES = "entities with unannotated attributes"
NO_RELATIONS = "relations, which this format can't hold"
NO_ATTRIBUTES = "attributes, which this format can't hold"
OTHER_GROUPS = "docs with other span groups"
TRIMMED = "entities trimmed of white space at their ends"
INVISIBLE = "entities without a visible character"
# Control characters, and format characters such as a zero-width space.
INVISIBLE_CATEGORIES = ("Cc", "Cf")
UNFOUND = "relations whose head or tail matches no entity, or several"


def find_entity(
    annotated: AnnotatedText, place: tuple[int, int], label: str | None, report: ConversionReport
) -> int | None:
    """Find an entity by its offsets, and by its label if several have the same offsets.

    annotated (AnnotatedText): The text.
    place (tuple[int, int]): The character offsets of the entity.
    label (str | None): The label of the entity; None if unknown.
    report (ConversionReport): The report, to count entities with a different label.
    RETURNS (int | None): The index of the entity, or of the first of identical ones. None if none
        matches, or if several match.
    """
    found = [
        i for i, entity in enumerate(annotated.entities) if (entity.start, entity.end) == place
    ]
    if len({annotated.entities[i].place for i in found}) > 1:
        found = [i for i in found if annotated.entities[i].label == label]
    if not found:
        return None
    if label not in (None, annotated.entities[found[0]].label):
        case = f"{describe_entity(annotated, found[0])}, not {label!r}"
        report.choose("entities whose label differs from that in a relation", annotated.place, case)
    return found[0]


def keep_entities(
    annotated: AnnotatedText, kept: Collection[int], reason: str, report: ConversionReport
) -> AnnotatedText:
    """Keep some entities of a text, and the relations between them.

    annotated (AnnotatedText): The text.
    kept (Collection[int]): The indices of the entities to keep.
    reason (str): A plural noun phrase for the entities that are lost.
    report (ConversionReport): The report, to count lost entities and relations.
    RETURNS (AnnotatedText): A text with the remaining annotations, in the same order.
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
            relations.append(replace(relation, head=ends[0], tail=ends[1]))
        else:
            case = describe_relation(annotated, relation)
            report.lose(UNCONNECTED, annotated.place, case)
    return replace(annotated, entities=list(entities.values()), relations=relations)


def keep_relations(
    annotated: AnnotatedText, kept: Collection[int], reason: str, report: ConversionReport
) -> AnnotatedText:
    """Keep some relations of a text.

    annotated (AnnotatedText): The text.
    kept (Collection[int]): The indices of the relations to keep.
    reason (str): A plural noun phrase for the relations that are lost.
    report (ConversionReport): The report, to count lost relations.
    RETURNS (AnnotatedText): A text with the remaining relations, in the same order.
    """
    for i, relation in enumerate(annotated.relations):
        if i not in kept:
            report.lose(reason, annotated.place, describe_relation(annotated, relation))
    relations = [relation for i, relation in enumerate(annotated.relations) if i in kept]
    return replace(annotated, relations=relations)


def without_relations(annotated: AnnotatedText, report: ConversionReport) -> AnnotatedText:
    """Remove the relations of a text.

    annotated (AnnotatedText): The text.
    report (ConversionReport): The report, to count the relations.
    RETURNS (AnnotatedText): The text without relations.
    """
    return keep_relations(annotated, (), NO_RELATIONS, report)


def without_repeats(annotated: AnnotatedText, report: ConversionReport) -> AnnotatedText:
    """Remove duplicate entities, and attach their relations to the first of each.

    annotated (AnnotatedText): The text.
    report (ConversionReport): The report, to count the duplicates.
    RETURNS (AnnotatedText): A text without duplicates.
    """
    first: dict[tuple[int, int, str], int] = {}
    kept: list[AnnotatedEntity] = []
    for i, entity in enumerate(annotated.entities):
        if entity.place in first:
            case = describe_entity(annotated, i)
            report.lose_other("duplicate entities", annotated.place, case)
            i = first[entity.place]
            kept[i] = _merge_attributes(kept[i], entity, annotated.place, report)
        else:
            first[entity.place] = len(kept)
            kept.append(entity)
    places = [first[entity.place] for entity in annotated.entities]
    relations = [
        replace(each, head=places[each.head], tail=places[each.tail])
        for each in annotated.relations
    ]
    return replace(annotated, entities=kept, relations=relations)


def _merge_attributes(
    entity: AnnotatedEntity, other: AnnotatedEntity, place: str, report: ConversionReport
) -> AnnotatedEntity:
    if other.attributes is None:
        return entity
    attributes = dict(entity.attributes or {})
    for name, value in other.attributes.items():
        add_attribute(attributes, name, value, place, report)
    return replace(entity, attributes=attributes)


def add_attribute(
    attributes: dict[str, str], name: str, value: str, place: str, report: ConversionReport
) -> None:
    """Add an attribute to those of an entity, which can have one value for each name.

    attributes (dict[str, str]): The attributes.
    name (str): The name.
    value (str): The value.
    place (str): The location of the text.
    report (ConversionReport): The report, to count a further value.
    """
    known = attributes.setdefault(name, value)
    if known != value:
        case = f"'{name}={value}' beside '{name}={known}'"
        report.lose("further values of an attribute", place, case)


def keep_attributes(
    annotated: AnnotatedText,
    is_kept: Callable[[str, str], bool],
    reason: str,
    report: ConversionReport,
) -> AnnotatedText:
    """Keep some attributes of entities.

    annotated (AnnotatedText): The text.
    is_kept (Callable[[str, str], bool]): Function that gets a name and a value, and tells whether
        to keep the attribute.
    reason (str): A plural noun phrase for the attributes that are lost.
    report (ConversionReport): The report, to count lost attributes.
    RETURNS (AnnotatedText): The text with the remaining attributes.
    """
    entities = []
    for i, entity in enumerate(annotated.entities):
        kept = dict(entity.attributes or {})
        for name, value in [*kept.items()]:
            if not is_kept(name, value):
                case = f"'{name}={value}' of {describe_entity(annotated, i)}"
                report.lose(reason, annotated.place, case)
                del kept[name]
        entities.append(entity if entity.attributes is None else replace(entity, attributes=kept))
    return replace(annotated, entities=entities)


def without_attributes(annotated: AnnotatedText, report: ConversionReport) -> AnnotatedText:
    """Remove the attributes of entities.

    annotated (AnnotatedText): The text.
    report (ConversionReport): The report, to count the attributes.
    RETURNS (AnnotatedText): The text without attributes.
    """
    annotated = keep_attributes(annotated, lambda name, value: False, NO_ATTRIBUTES, report)
    return replace(
        annotated,
        entities=[
            replace(each, attributes=None, attribute_scores=None) for each in annotated.entities
        ],
    )


def trim_entities(annotated: AnnotatedText, report: ConversionReport) -> AnnotatedText:
    """Remove the white space at the ends of entities. Entities without any visible character are
    left out.

    annotated (AnnotatedText): The text.
    report (ConversionReport): The report, to count the entities.
    RETURNS (AnnotatedText): The text with trimmed entities.
    """
    trimmed = [_trim(annotated.text, entity) for entity in annotated.entities]
    if trimmed == annotated.entities:
        return annotated
    for i, entity in enumerate(trimmed):
        if entity is not None and entity != annotated.entities[i]:
            report.choose(TRIMMED, annotated.place, describe_entity(annotated, i))
    kept = {i for i, entity in enumerate(trimmed) if entity is not None}
    known = zip(annotated.entities, trimmed, strict=True)
    annotated = replace(annotated, entities=[new or old for old, new in known])
    return keep_entities(annotated, kept, INVISIBLE, report)


def _trim(text: str, entity: AnnotatedEntity) -> AnnotatedEntity | None:
    surface = text[entity.start : entity.end]
    if is_invisible(surface):
        return None
    start = entity.end - len(surface.lstrip())
    return replace(entity, start=start, end=entity.start + len(surface.rstrip()))


def is_invisible(text: str) -> bool:
    """Check if a text has no visible character.

    text (str): The text.
    RETURNS (bool): Whether it consists of white space, control characters and format characters,
        such as a zero-width space, alone.
    """
    return all(map(_is_invisible_character, text))


def _is_invisible_character(character: str) -> bool:
    return character.isspace() or unicodedata.category(character) in INVISIBLE_CATEGORIES


def has_attributes(annotated: AnnotatedText) -> bool:
    """Check whether any entity of a text has attributes.

    annotated (AnnotatedText): The text.
    RETURNS (bool): Whether any entity has attributes.
    """
    return any(entity.attributes for entity in annotated.entities)


def report_missing_attributes(annotated: AnnotatedText, report: ConversionReport) -> None:
    """Report the entities whose unannotated attributes are written as none.

    annotated (AnnotatedText): The text.
    report (ConversionReport): The report.
    """
    for i, entity in enumerate(annotated.entities):
        if entity.attributes is None:
            case = describe_entity(annotated, i)
            report.choose(f"{UNANNOTATED_ATTRIBUTES}, written as none", annotated.place, case)


def with_annotated_attributes(annotated: AnnotatedText) -> AnnotatedText:
    """Mark the attributes of all entities as annotated: those without attributes have none.

    annotated (AnnotatedText): The text.
    RETURNS (AnnotatedText): The text, with attributes at all entities.
    """
    entities = [replace(each, attributes=each.attributes or {}) for each in annotated.entities]
    return replace(annotated, entities=entities)


def has_overlaps(annotated: AnnotatedText) -> bool:
    """Check whether entities of a text overlap. Duplicates do not count.

    annotated (AnnotatedText): The text.
    RETURNS (bool): Whether any entity overlaps another.
    """
    places = sorted({entity.place for entity in annotated.entities})
    return any(start < end for (_, end, _), (start, _, _) in pairwise(places))


def choose_flat(annotated: AnnotatedText) -> set[int]:
    """Choose entities without overlaps: those that do not overlap one that starts earlier or is
    longer, and duplicates of them.

    annotated (AnnotatedText): The text.
    RETURNS (set[int]): The indices of these entities.
    """
    entities = annotated.entities
    chosen = first_without_overlaps([(entity.start, entity.end) for entity in entities])
    flat = {entities[i].place for i in chosen}
    return {i for i, entity in enumerate(entities) if entity.place in flat}


def without_overlaps(annotated: AnnotatedText, report: ConversionReport) -> AnnotatedText:
    """Remove overlapping entities, see `choose_flat`, and their relations.

    annotated (AnnotatedText): The text.
    report (ConversionReport): The report, to count lost entities and relations.
    RETURNS (AnnotatedText): A text whose entities do not overlap.
    """
    return keep_entities(annotated, choose_flat(annotated), OVERLAPPING, report)


def report_other_groups(
    groups: Iterable[str], spans_key: str | None, place: str, report: ConversionReport
) -> None:
    """Report the span groups of a doc that are not read.

    groups (Iterable[str]): All span groups of the doc.
    spans_key (str | None): The one that is read; `doc.ents` if None.
    place (str): The location of the doc.
    report (ConversionReport): The report.
    """
    if others := ", ".join(f"'{key}'" for key in groups if key != spans_key):
        source = "doc.ents" if spans_key is None else f"'{spans_key}'"
        report.choose(f"{OTHER_GROUPS} (only {source} is read)", place, others)


def describe_entity(annotated: AnnotatedText, index: int) -> str:
    """Describe an entity, for messages.

    annotated (AnnotatedText): The text.
    index (int): The index of the entity.
    RETURNS (str): Its text, label and offsets.
    """
    entity = annotated.entities[index]
    return f"{_surface(annotated, index)} ({entity.label}, {entity.start}-{entity.end})"


def describe_relation(annotated: AnnotatedText, relation: AnnotatedRelation) -> str:
    """Describe a relation, for messages.

    annotated (AnnotatedText): The text.
    relation (AnnotatedRelation): One of its relations.
    RETURNS (str): The texts of its head and tail, and its label.
    """
    head, tail = _surface(annotated, relation.head), _surface(annotated, relation.tail)
    return f"{head} {relation.label} {tail}"


def _surface(annotated: AnnotatedText, index: int) -> str:
    entity = annotated.entities[index]
    return repr(annotated.text[entity.start : entity.end])
