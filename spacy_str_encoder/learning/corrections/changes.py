"""Changes that people made: entities, relations and attributes of the same text, compared."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from ...doc.relation import Place, RelationKey
from ...formats.annotated_text import AnnotatedText

KeyT = TypeVar("KeyT", bound=tuple[Any, ...])
# The kind of a change, and the entity or relation that was changed.
Change = tuple[str, str]


def find_changes(predicted: AnnotatedText, corrected: AnnotatedText) -> Iterator[Change]:
    """Find what was changed. What is unannotated in the corrected text was not changed.

    An entity that was removed and one that was added are one change if they have the same place, or
    overlap and have the same label. Relations of such an entity stay the same, and so do those of
    an entity that was removed where one that overlaps it was added.

    predicted (AnnotatedText): The text as a model annotated it, without duplicate entities.
    corrected (AnnotatedText): The same text as people corrected it.
    YIELDS (tuple[str, str]): The kind of a change, such as "added entity Finding", and an example.
    """
    if not corrected.has_entities:
        return
    entities = _match(_places(predicted), _places(corrected), _same_place, _same_label)
    yield from _changed_entities(corrected.text, entities)
    moved = dict(entities.pairs)
    yield from _changed_attributes(predicted, corrected, moved)
    if corrected.has_relations:
        replaced = _match({*entities.removed}, {*entities.added}, _overlap)
        old = _relations(predicted, moved | dict(replaced.pairs))
        new = _relations(corrected, {})
        relations = _match(old, new, _is_turned, _same_ends)
        yield from _changed_relations(corrected.text, relations)


@dataclass(frozen=True)
class _Matched(Generic[KeyT]):
    """The same entities, or relations, before and after; those removed, and those added."""

    pairs: list[tuple[KeyT, KeyT]]
    removed: list[KeyT]
    added: list[KeyT]


def _match(old: set[KeyT], new: set[KeyT], *fits: Callable[[KeyT, KeyT], bool]) -> _Matched[KeyT]:
    """Match what is equal, then what fits in some way."""
    pairs = [(each, each) for each in sorted(old & new)]
    removed: list[KeyT] = sorted(old - new)
    added: list[KeyT] = sorted(new - old)
    for fit in fits:
        for one in [*removed]:
            other = next((each for each in added if fit(one, each)), None)
            if other is not None:
                removed.remove(one)
                added.remove(other)
                pairs.append((one, other))
    return _Matched(pairs, removed, added)


def _places(annotated: AnnotatedText) -> set[Place]:
    return {entity.place for entity in annotated.entities}


def _same_place(old: Place, new: Place) -> bool:
    return old[:2] == new[:2]


def _same_label(old: Place, new: Place) -> bool:
    return old[2] == new[2] and _overlap(old, new)


def _overlap(old: Place, new: Place) -> bool:
    return old[0] < new[1] and new[0] < old[1]


def _changed_entities(text: str, entities: _Matched[Place]) -> Iterator[Change]:
    for place in entities.removed:
        yield f"removed entity {place[2]}", _show(text, place)
    for place in entities.added:
        yield f"added entity {place[2]}", _show(text, place)
    for old, new in entities.pairs:
        if old[2] != new[2]:
            yield f"entity {old[2]} -> {new[2]}", _show(text, new)
        elif old != new:
            yield f"boundaries of {new[2]} changed", f"{_show(text, old)} -> {_show(text, new)}"


def _changed_attributes(
    predicted: AnnotatedText, corrected: AnnotatedText, moved: Mapping[Place, Place]
) -> Iterator[Change]:
    annotated = {entity.place: entity.attributes for entity in corrected.entities}
    for entity in predicted.entities:
        new = annotated[moved[entity.place]] if entity.place in moved else None
        if new is not None:
            example = _show(predicted.text, entity.place)
            yield from ((kind, example) for kind in _compare(entity.attributes or {}, new))


def _compare(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[str]:
    for name in sorted({*old, *new}):
        if name not in old:
            yield f"added {name} {new[name]}"
        elif name not in new:
            yield f"removed {name} {old[name]}"
        elif old[name] != new[name]:
            yield f"{name} {old[name]} -> {new[name]}"


def _relations(annotated: AnnotatedText, moved: Mapping[Place, Place]) -> set[RelationKey]:
    places = [moved.get(entity.place, entity.place) for entity in annotated.entities]
    return {(places[each.head], places[each.tail], each.label) for each in annotated.relations}


def _is_turned(old: RelationKey, new: RelationKey) -> bool:
    return (old[1], old[0], old[2]) == new


def _same_ends(old: RelationKey, new: RelationKey) -> bool:
    return old[:2] == new[:2]


def _changed_relations(text: str, relations: _Matched[RelationKey]) -> Iterator[Change]:
    for key in relations.removed:
        yield f"removed relation {key[2]}", _show_relation(text, key)
    for key in relations.added:
        yield f"added relation {key[2]}", _show_relation(text, key)
    for old, new in relations.pairs:
        if old[2] != new[2]:
            yield f"relation {old[2]} -> {new[2]}", _show_relation(text, new)
        elif old != new:
            yield f"direction of {new[2]} turned", _show_relation(text, new)


def _show(text: str, place: Place) -> str:
    return repr(text[place[0] : place[1]])


def _show_relation(text: str, relation: RelationKey) -> str:
    head, tail, label = relation
    return f"{_show(text, head)} {label} {_show(text, tail)}"
