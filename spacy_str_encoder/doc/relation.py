"""Relations between entities, and their storage in a doc.

Relations are stored in the user data of a doc, as offsets, labels and floats under the key of the
head's span. spaCy shifts such keys when docs are cut, joined or serialized. The tail is stored
relative to the head, so that it shifts too. spaCy also shifts the keys of text that was cut off,
which then point to other text. So the strings of head and tail are stored as well.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from math import prod
from typing import Any, TypeVar

from spacy.tokens import Doc, Span

from .entities import has_entities
from .entity_lookup import EntityLookup, TokenPlace
from .relation_index import RELATIONS, Row, get_index, read_rows
from .user_data import drop_values, get_user_data, is_key, make_key

# Marks a doc with annotated relations, even if it has no relations.
RELATIONS_SET = "str_relations_set"
SCORES = "str_scores"
# Start and end character of an entity, and its label.
Place = tuple[int, int, str]
EndT = TypeVar("EndT")
# Head, tail and label.
RelationKey = tuple[Place, Place, str]


@dataclass(frozen=True)
class Relation:
    """Directed relation between two entities.

    head (Span): Entity that the relation starts from.
    tail (Span): Entity that the relation points to.
    label (str): Label of the relation.
    score (float): Probability that the relation and both of its entities are correct; 1.0 for gold
        annotation.
    score_given_entities (float | None): Probability of the relation if its entities are correct;
        None for gold annotation.
    """

    head: Span
    tail: Span
    label: str
    score: float = 1.0
    score_given_entities: float | None = None


def make_predicted(head: Span, tail: Span, label: str, score_given_entities: float) -> Relation:
    """Make a predicted relation. Its score is the product of its probability given its entities,
    and of the probabilities of the entities.

    head (Span): Its head. An entity without a score, such as a gold entity, is certain.
    tail (Span): Its tail.
    label (str): Its label.
    score_given_entities (float): Its probability if both entities are correct.
    RETURNS (Relation): The relation.
    """
    scores = (get_score(span) for span in (head, tail))
    score = score_given_entities * prod(1.0 if each is None else each for each in scores)
    return Relation(head, tail, label, score, score_given_entities)


def has_relations(doc: Doc) -> bool:
    """Check whether the relations of a doc are annotated. A doc with no relations is annotated if
    they were set to an empty list.

    doc (Doc): The doc.
    RETURNS (bool): Whether the relations have been set.
    """
    return any(is_key(key, RELATIONS_SET) for key in doc.user_data)


def get_relations(doc: Doc) -> list[Relation]:
    """Return the relations of a doc, in text order, and of a pair the most probable first. If the
    doc was cut from a longer one, relations that reach beyond it are omitted. So are the hidden
    ones, see `count_hidden`.

    doc (Doc): The doc.
    RETURNS (list[Relation]): The relations; empty if they are unannotated.
    """
    return _list_shown(doc, read_rows(doc), EntityLookup())


def count_hidden(doc: Doc) -> int:
    """Count the hidden relations of a doc: predicted ones whose head or tail is no entity any more,
    because a later component has removed or changed it.

    doc (Doc): The doc.
    RETURNS (int): The number of hidden relations.
    """
    return sum(is_hidden for _, is_hidden in _read(doc, read_rows(doc), EntityLookup()))


def set_relations(doc: Doc, relations: Iterable[Relation]) -> None:
    """Replace the relations of a doc.

    doc (Doc): The doc.
    relations (Iterable[Relation]): Relations between spans of this doc.
    RAISES (ValueError): If an item is not a valid `Relation`, or a span belongs to another doc.
    """
    _write(doc, relations)


def set_predicted(doc: Doc, relations: Iterable[Relation], spans_key: str | None) -> None:
    """Replace the relations of a doc by predicted ones. They are hidden once they do not connect
    entities any more.

    doc (Doc): The doc.
    relations (Iterable[Relation]): Relations between entities of this doc.
    spans_key (str | None): The span group that holds the entities; `doc.ents` if None.
    RAISES (ValueError): If an item is not a valid `Relation`, or a span belongs to another doc.
    """
    _write(doc, relations, spans_key)


def drop_relations(doc: Doc, is_dropped: Callable[[Relation], bool]) -> int:
    """Drop some of the relations of a doc. Hidden ones stay, see `count_hidden`.

    doc (Doc): The doc.
    is_dropped (Callable[[Relation], bool]): Whether to drop a relation.
    RETURNS (int): The number of dropped relations.
    """
    rows = [*read_rows(doc)]
    kept = [
        (relation, row.spans_key)
        for row, (relation, is_hidden) in zip(rows, _read(doc, rows, EntityLookup()), strict=True)
        if is_hidden or not is_dropped(relation)
    ]
    if len(kept) < len(rows):
        _store(doc, kept)
    return len(rows) - len(kept)


def get_span_relations(span: Span) -> list[Relation]:
    """Return the relations that have an entity as head or tail.

    span (Span): The entity.
    RETURNS (list[Relation]): The relations, in text order.
    """
    index = get_index(span.doc)
    # Span groups may have changed since the last call.
    index.lookup.complete.clear()
    relations = _list_shown(span.doc, index.rows.get((span.start, span.end), ()), index.lookup)
    return [r for r in relations if _is_same(span, r.head) or _is_same(span, r.tail)]


def place_of(span: Span) -> Place:
    """Return the place and label of an entity.

    span (Span): The entity.
    RETURNS (tuple[int, int, str]): Start and end character, and label.
    """
    return span.start_char, span.end_char, span.label_


def relation_key(relation: Relation, symmetric: Collection[str] = ()) -> RelationKey:
    """Return a key that is equal for equal relations, whatever the tokens of their docs.

    relation (Relation): The relation.
    symmetric (Collection[str]): Labels whose direction does not matter.
    RETURNS (tuple): The keys of head and tail, in text order if the label is symmetric, and the
        label.
    """
    ends = place_of(relation.head), place_of(relation.tail)
    return *sort_ends(ends, relation.label, symmetric), relation.label


def sort_ends(
    ends: tuple[EndT, EndT],
    label: str,
    symmetric: Collection[str],
    *,
    key: Callable[[EndT], Any] | None = None,
) -> tuple[EndT, EndT]:
    """Put the two ends of a relation in order if its label has no direction.

    ends (tuple[EndT, EndT]): Head and tail: spans, their keys, or their types.
    label (str): The label of the relation.
    symmetric (Collection[str]): Labels whose direction does not matter.
    key (Callable[[EndT], Any] | None): The order of ends; their own if None.
    RETURNS (tuple[EndT, EndT]): The ends, sorted if the label is symmetric.
    """
    if label not in symmetric:
        return ends
    order: Any = key
    first, second = sorted(ends, key=order)
    return first, second


def index_ends(
    places: Iterable[Place], keys: Iterable[RelationKey], *, add_ends: bool
) -> tuple[list[Place], list[tuple[int, int] | None]]:
    """Sort entities in text order, and index the heads and tails of relations.

    places (Iterable[tuple[int, int, str]]): Keys of the entities.
    keys (Iterable[tuple]): Keys of the relations.
    add_ends (bool): Whether to add heads and tails that are not among the entities. Otherwise, the
        indices of such relations are None.
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
    """Return the probability of an entity.

    span (Span): The entity.
    RETURNS (float | None): The score of the entity with its label; None if it has no score.
    """
    return read_score(span.doc, place_of(span))


def set_score(span: Span, score: float) -> None:
    """Set the probability of an entity.

    span (Span): The entity.
    score (float): The score of the entity with its label.
    """
    write_score(span.doc, place_of(span), score)


def read_score(doc: Doc, place: Place) -> float | None:
    """Return the probability of an entity, which need not align with the tokens of the doc.

    doc (Doc): The doc.
    place (tuple[int, int, str]): Start and end character of the entity, and label.
    RETURNS (float | None): The score, see `get_score`.
    """
    start, end, label = place
    return get_user_data(doc).get(make_key(SCORES, start, end), {}).get(label)


def write_score(doc: Doc, place: Place, score: float) -> None:
    """Set the probability of an entity, which need not align with the tokens of the doc.

    doc (Doc): The doc.
    place (tuple[int, int, str]): Start and end character of the entity, and label.
    score (float): The score.
    """
    start, end, label = place
    get_user_data(doc).setdefault(make_key(SCORES, start, end), {})[label] = float(score)


def _write(doc: Doc, relations: Iterable[Relation], *spans_key: str | None) -> None:
    if not isinstance(relations, Iterable):
        raise ValueError(NO_LIST.format(kind=type(relations).__name__))
    relations = list(relations)
    for relation in relations:
        _check(doc, relation)
    _store(doc, [(relation, spans_key) for relation in relations])


def _store(doc: Doc, relations: Iterable[tuple[Relation, Iterable[str | None]]]) -> None:
    user_data = get_user_data(doc)
    drop_values(doc, RELATIONS, RELATIONS_SET)
    user_data[make_key(RELATIONS_SET, 0, len(doc.text))] = True
    for relation, spans_key in relations:
        head, tail = relation.head, relation.tail
        key = make_key(RELATIONS, head.start_char, head.end_char)
        offset = tail.start_char - head.start_char
        ends = [head.text, head.label_, offset, tail.text, tail.label_]
        given = relation.score_given_entities
        scores = [float(each) for each in (relation.score, given) if each is not None]
        row = [*ends, relation.label, *scores, *spans_key]
        user_data.setdefault(key, []).append(row)


def _list_shown(doc: Doc, rows: Iterable[Row], lookup: EntityLookup) -> list[Relation]:
    shown = (relation for relation, is_hidden in _read(doc, rows, lookup) if not is_hidden)
    return sorted(shown, key=_text_order)


def _read(doc: Doc, rows: Iterable[Row], lookup: EntityLookup) -> Iterator[tuple[Relation, bool]]:
    """YIELDS (tuple[Relation, bool]): A relation, and whether it is hidden."""
    find = cache(partial(lookup.find, doc))
    # Of the same entity in several places, that of `doc.ents` or of the last group is taken.
    others = [None, *reversed([*doc.spans])]
    for row in rows:
        # A doc that was cut from another one lacks its span groups.
        current = [key for key in row.spans_key if has_entities(doc, key)]
        keys, places = [*current, *others], (row.head, row.tail)
        head, tail = (_first(find, keys, place) or Span(doc, *place) for place in places)
        is_hidden = any(find(key, place) is None for key in current for place in places)
        yield Relation(head, tail, row.label, *row.scores), is_hidden


def _first(
    find: Callable[[str | None, TokenPlace], Span | None],
    keys: Iterable[str | None],
    place: TokenPlace,
) -> Span | None:
    return next((span for key in keys if (span := find(key, place)) is not None), None)


def _is_same(span: Span, entity: Span) -> bool:
    # A span without a label, such as doc[2:4], matches any entity at this place.
    same_place = (span.start, span.end) == (entity.start, entity.end)
    return same_place and span.label_ in ("", entity.label_)


NO_LIST = (
    "doc._.relations must be a list of Relation objects, got {kind}. For a doc without relations, "
    "set []."
)


def _check(doc: Doc, relation: Any) -> None:
    if not isinstance(relation, Relation):
        raise ValueError(
            f"doc._.relations must be Relation objects, got {type(relation).__name__}."
        )
    if not isinstance(relation.label, str) or not relation.label:
        raise ValueError(
            f"The label of a relation must be a non-empty string, got {relation.label!r}."
        )
    if not all(isinstance(span, Span) and len(span) for span in (relation.head, relation.tail)):
        raise ValueError(
            f"Head and tail of a relation ({relation.label}) must be spans with tokens."
        )
    if relation.head.doc is not doc or relation.tail.doc is not doc:
        raise ValueError(
            f"The spans of a relation ({relation.label}) belong to another doc. Create them from "
            "the doc that you set the relations on."
        )


def _text_order(relation: Relation) -> tuple[int, int, int, int, float, str]:
    head, tail = relation.head, relation.tail
    ends = head.start_char, head.end_char, tail.start_char, tail.end_char
    return *ends, -relation.score, relation.label
