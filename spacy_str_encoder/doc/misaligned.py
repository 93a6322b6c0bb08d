"""Gold entities that do not align with the tokens of their doc, and the relations of such entities.

No span can hold them. They are stored like relations, as offsets and strings in the user data of
the doc, so that scores can count them. Components do not see them.
"""

from collections.abc import Collection, Iterable

from spacy.tokens import Doc

from .relation import Place, RelationKey, sort_ends
from .user_data import find_values, get_user_data, make_key

ENTITIES = "str_misaligned"
RELATIONS = "str_misaligned_relations"


def add_misaligned(
    doc: Doc, entities: Iterable[Place], relations: Iterable[RelationKey] = ()
) -> None:
    """Add entities that do not align with the tokens of a doc, and their relations.

    doc (Doc): The doc.
    entities (Iterable[tuple[int, int, str]]): Start and end character of each entity, and label.
    relations (Iterable[tuple]): Head, tail and label of each relation with such an entity. Its
        other entity may align.
    """
    text, user_data = doc.text, get_user_data(doc)
    for start, end, label in entities:
        user_data.setdefault(make_key(ENTITIES, start, end), []).append([text[start:end], label])
    for (start, end, head_label), (tail_start, tail_end, tail_label), label in relations:
        tail = [tail_start - start, text[tail_start:tail_end], tail_label]
        rows = user_data.setdefault(make_key(RELATIONS, start, end), [])
        rows.append([text[start:end], head_label, *tail, label])


def get_misaligned_entities(doc: Doc) -> list[Place]:
    """Return the entities that do not align with the tokens of a doc. If the doc was cut from a
    longer one, entities that reach beyond it are omitted.

    doc (Doc): The doc.
    RETURNS (list[tuple[int, int, str]]): Start and end character of each entity, and label.
    """
    text = doc.text
    places = (
        _find(text, start, surface, label)
        for start, rows in find_values(doc, ENTITIES)
        for surface, label in rows
    )
    return sorted(place for place in places if place is not None)


def get_misaligned_relations(doc: Doc, symmetric: Collection[str] = ()) -> list[RelationKey]:
    """Return the relations of entities that do not align with the tokens of a doc. If the doc was
    cut from a longer one, relations that reach beyond it are omitted.

    doc (Doc): The doc.
    symmetric (Collection[str]): Labels whose direction does not matter.
    RETURNS (list[tuple]): Head, tail and label of each relation; head and tail in text order if the
        label is symmetric.
    """
    text = doc.text
    relations = []
    for start, rows in find_values(doc, RELATIONS):
        for head_text, head_label, offset, tail_text, tail_label, label in rows:
            head = _find(text, start, head_text, head_label)
            tail = _find(text, start + offset, tail_text, tail_label)
            if head is not None and tail is not None:
                relations.append((*sort_ends((head, tail), label, symmetric), label))
    return sorted(relations)


def _find(text: str, start: int, surface: str, label: str) -> Place | None:
    if start < 0 or not text.startswith(surface, start):
        return None
    return start, start + len(surface), label
