"""Relations between entities, and where a Doc keeps them.

A Doc keeps relations in its user data, as offsets, labels and floats under the key of the head's
span. spaCy moves such keys along when docs are cut, joined or serialized, and the tail is stored
relative to the head, so that it moves along too. It also moves the keys of what was cut off, which
then point at some other text; hence the strings of head and tail are kept as well.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from spacy.tokens import Doc, Span

from .user_data import Key, get_user_data, is_key, make_key

RELATIONS = "str_relations"
# Says that relations were set, even if there are none.
RELATIONS_SET = "str_relations_set"
SCORES = "str_scores"
# Start and end character of an entity, and its label.
Place = tuple[int, int, str]
# Head, tail and label.
RelationKey = tuple[Place, Place, str]


@dataclass(frozen=True)
class Relation:
    """A directed relation between two entities.

    head (Span): The entity that the relation goes out from.
    tail (Span): The entity that it points to.
    label (str): What kind of relation it is.
    score (float): Its probability; 1.0 for gold annotation.
    """

    head: Span
    tail: Span
    label: str
    score: float = 1.0


def install_extensions() -> None:
    """Declare `doc._.relations`, `span._.relations` and `span._.score`."""
    if not Doc.has_extension("relations"):
        Doc.set_extension("relations", getter=get_relations, setter=set_relations)
    if not Span.has_extension("relations"):
        Span.set_extension("relations", getter=get_span_relations)
    if not Span.has_extension("score"):
        Span.set_extension("score", getter=get_score, setter=set_score)


def has_relations(doc: Doc) -> bool:
    """Tell a doc whose relations were set, if only to none, from one that nobody annotated.

    doc (Doc): The doc.
    RETURNS (bool): Whether its relations were ever set.
    """
    return any(is_key(key, RELATIONS_SET) for key in doc.user_data)


def get_relations(doc: Doc) -> list[Relation]:
    """The relations of a doc, in text order. Those that reach out of the doc, since it was cut
    from a longer one, are left out.

    doc (Doc): The doc.
    RETURNS (list[Relation]): The relations; none if they were never set.
    """
    relations = []
    text = doc.text
    for start, values in _values(doc, RELATIONS):
        for head_text, head_label, offset, tail_text, tail_label, label, score in values:
            head = _span(doc, text, start, head_text, head_label)
            tail = _span(doc, text, start + offset, tail_text, tail_label)
            if head is not None and tail is not None:
                relations.append(Relation(head, tail, label, score))
    return sorted(relations, key=_text_order)


def set_relations(doc: Doc, relations: Iterable[Relation]) -> None:
    """Replace the relations of a doc.

    doc (Doc): The doc.
    relations (Iterable[Relation]): The relations between spans of this doc.
    RAISES (ValueError): If a span belongs to another doc, or something else is no relation.
    """
    relations = list(relations)
    for relation in relations:
        _check(doc, relation)
    user_data = get_user_data(doc)
    for key in [key for key in user_data if is_key(key, RELATIONS, RELATIONS_SET)]:
        del user_data[key]
    user_data[make_key(RELATIONS_SET, 0, len(doc.text))] = True
    for relation in relations:
        head, tail = relation.head, relation.tail
        key = make_key(RELATIONS, head.start_char, head.end_char)
        offset = tail.start_char - head.start_char
        entities = [head.text, head.label_, offset, tail.text, tail.label_]
        row = [*entities, relation.label, float(relation.score)]
        user_data.setdefault(key, []).append(row)


def get_span_relations(span: Span) -> list[Relation]:
    """The relations that an entity is the head or the tail of.

    span (Span): The entity.
    RETURNS (list[Relation]): The relations, in text order.
    """
    relations = get_relations(span.doc)
    return [r for r in relations if _is_same(span, r.head) or _is_same(span, r.tail)]


def place_of(span: Span) -> Place:
    """Where an entity is, and what.

    span (Span): The entity.
    RETURNS (tuple[int, int, str]): Its start and end character, and its label.
    """
    return span.start_char, span.end_char, span.label_


def relation_key(relation: Relation, symmetric: Collection[str] = ()) -> RelationKey:
    """What two relations have in common if they are the same, whatever the tokens of their docs.

    relation (Relation): The relation.
    symmetric (Collection[str]): Labels whose direction does not count.
    RETURNS (tuple): The keys of head and tail, in text order if the label is symmetric, and the
        label.
    """
    head, tail = place_of(relation.head), place_of(relation.tail)
    if relation.label in symmetric:
        head, tail = sorted((head, tail))
    return head, tail, relation.label


def index_ends(
    places: Iterable[Place], keys: Iterable[RelationKey], *, add_ends: bool
) -> tuple[list[Place], list[tuple[int, int] | None]]:
    """Put entities in text order, and give the ends of relations by their indices.

    places (Iterable[tuple[int, int, str]]): The keys of the entities.
    keys (Iterable[tuple]): The keys of the relations.
    add_ends (bool): Whether ends that are not among the entities are added to them. If not, their
        relations have no indices.
    RETURNS (tuple[list[Place], list[tuple[int, int] | None]]): The keys of the entities in text
        order, and the indices of head and tail of each relation.
    """
    keys, ordered = list(keys), sorted(places)
    if add_ends:
        ends = {place for head, tail, _ in keys for place in (head, tail)}
        ordered = sorted([*ordered, *ends.difference(ordered)])
    index = {place: i for i, place in enumerate(ordered)}
    pairs = ((index.get(head), index.get(tail)) for head, tail, _ in keys)
    return ordered, [None if h is None or t is None else (h, t) for h, t in pairs]


def get_score(span: Span) -> float | None:
    """The probability of an entity.

    span (Span): The entity.
    RETURNS (float | None): Its score under its label; None if it has none.
    """
    return get_user_data(span.doc).get(_score_key(span), {}).get(span.label_)


def set_score(span: Span, score: float) -> None:
    """Set the probability of an entity.

    span (Span): The entity.
    score (float): Its score under its label.
    """
    get_user_data(span.doc).setdefault(_score_key(span), {})[span.label_] = float(score)


def _score_key(span: Span) -> Key:
    return make_key(SCORES, span.start_char, span.end_char)


def _values(doc: Doc, name: str) -> Iterator[tuple[int, Any]]:
    for key, value in get_user_data(doc).items():
        if is_key(key, name):
            yield key[2], value


def _span(doc: Doc, text: str, start: int, surface: str, label: str) -> Span | None:
    if start < 0 or not text.startswith(surface, start):
        return None
    # Tokens may have been merged since.
    return doc.char_span(start, start + len(surface), label=label, alignment_mode="expand")


def _is_same(span: Span, entity: Span) -> bool:
    # A span without a label, such as doc[2:4], stands for any entity in its place.
    same_place = (span.start, span.end) == (entity.start, entity.end)
    return same_place and span.label_ in ("", entity.label_)


def _check(doc: Doc, relation: Any) -> None:
    if not isinstance(relation, Relation):
        raise ValueError(f"doc._.relations takes Relation objects, not {type(relation).__name__}.")
    if not isinstance(relation.label, str) or not relation.label:
        raise ValueError(f"The label of a relation must be a string, not {relation.label!r}.")
    if not all(isinstance(span, Span) and len(span) for span in (relation.head, relation.tail)):
        raise ValueError(
            f"Head and tail of a relation ({relation.label}) must be spans with tokens."
        )
    if relation.head.doc is not doc or relation.tail.doc is not doc:
        raise ValueError(
            f"The spans of a relation ({relation.label}) belong to another doc. Make them from "
            "the doc that the relations are set on."
        )


def _text_order(relation: Relation) -> tuple[int, int, int, int, str]:
    head, tail = relation.head, relation.tail
    return head.start_char, head.end_char, tail.start_char, tail.end_char, relation.label
