"""Records: what a doc says of each of its central entities, as keys and values.

Source: Xue et al. 2019, arXiv 1908.07721: a central word turns triples into key-value pairs.
"""

import warnings
from collections.abc import Collection, Iterable, Iterator
from itertools import chain
from string import Formatter
from typing import Any, NamedTuple, TypedDict

from spacy.tokens import Doc, Span

from .entities import get_entities
from .relation import Place, Relation, get_relations, get_score, place_of
from .user_data import get_user_data, is_key, make_key

SETTINGS = "str_record_settings"
DEFAULT_KEY = "{label}"
KEY_FIELDS = ("head", "head_label", "label", "tail_label")


class Record(TypedDict):
    """An entity and its attributes, in plain data.

    text (str): The entity.
    label (str): Its type.
    start (int): Where it begins in the text of the doc, in characters.
    end (int): Where it ends, exclusive.
    score (float | None): How probable it is: an attribute has the score of its relation, a central
        entity its own, None if it has none.
    attributes (dict[str, list[Record]]): The values of each key, in text order.
    """

    text: str
    label: str
    start: int
    end: int
    score: float | None
    attributes: dict[str, list["Record"]]


def install_extensions() -> None:
    """Declare `doc._.records`."""
    if not Doc.has_extension("records"):
        Doc.set_extension("records", getter=get_records)


def set_settings(doc: Doc, settings: dict[str, Any]) -> None:
    """Say how the records of a doc are made.

    doc (Doc): The doc.
    settings (dict[str, Any]): The arguments of `to_records`.
    """
    get_user_data(doc)[make_key(SETTINGS, 0, len(doc.text))] = settings


def get_records(doc: Doc) -> list[Record]:
    """The records of a doc, made of the relations that it has now.

    doc (Doc): The doc.
    RETURNS (list[Record]): The records, see `to_records`.
    RAISES (ValueError): If nothing has said how they are made.
    """
    settings = find_settings(doc)
    if settings is None:
        raise ValueError(NO_SETTINGS)
    return to_records(doc, **settings)


def find_settings(doc: Doc) -> dict[str, Any] | None:
    """How the records of a doc are made.

    doc (Doc): The doc.
    RETURNS (dict[str, Any] | None): The arguments of `to_records`; None if nothing has said.
    """
    user_data = get_user_data(doc)
    return next((user_data[key] for key in user_data if is_key(key, SETTINGS)), None)


NO_SETTINGS = (
    "Nothing says which entities records are about. Add a 'str_records' to the end of the "
    "pipeline, with its types in `central`, or call "
    "`spacy_str_encoder.to_records(doc, central=[...])`."
)


class Attribute(NamedTuple):
    """A relation, seen from the one of its entities that has the other one as an attribute.

    owner (Span): That entity.
    value (Span): The other one.
    relation (Relation): The relation.
    """

    owner: Span
    value: Span
    relation: Relation


# The attributes of each entity, in text order.
Attributes = dict[Place, list[Attribute]]


def to_records(
    doc: Doc,
    central: Collection[str],
    *,
    inverse: Collection[str] = (),
    key: str = DEFAULT_KEY,
    spans_key: str | None = None,
) -> list[Record]:
    """Turn the relations of a doc into key-value pairs of its central entities.

    The tail of a relation is an attribute of its head, or the other way round if its label is
    inverse. If one of the two is central, it is the other one that is the attribute, in any case.
    Attributes have attributes where relations chain; an attribute that is central has not, since
    it has a record of its own.

    doc (Doc): A doc with entities and relations.
    central (Collection[str]): The types of entities that records are about.
    inverse (Collection[str]): The labels of relations that go out from the attribute.
    key (str): The template of keys: `{head}` and `{head_label}` are text and type of the entity
        that has the attribute, `{label}` is that of the relation, `{tail_label}` is the type of
        the attribute.
    spans_key (str | None): The span group that holds the entities; `doc.ents` if None.
    RETURNS (list[Record]): A record for each central entity, in text order.
    RAISES (ValueError): If there are no central types, or the template has other fields.
    """
    check_settings(central, key)
    attributes = _find_attributes(doc, central, inverse)
    roots = [entity for entity in get_entities(doc, spans_key) if entity.label_ in central]
    depths = [_depths(root, attributes, central) for root in roots]
    _warn_of_unused(attributes, set(chain.from_iterable(depths)))
    records = []
    for root, depth in zip(roots, depths, strict=True):
        own = _build_attributes(root, depth, attributes, key)
        records.append(_make_record(root, get_score(root), own))
    return records


def check_settings(central: Collection[str], key: str) -> None:
    """Refuse settings that make no records.

    central (Collection[str]): The types of entities that records are about.
    key (str): The template of keys.
    RAISES (ValueError): If there are no types, or the template has fields that do not exist.
    """
    if isinstance(central, str) or not central:
        raise ValueError(f"central: a list of one or more entity types is needed, not {central!r}.")
    try:
        fields = {field for _, field, _, _ in Formatter().parse(key) if field is not None}
    except ValueError as error:
        raise ValueError(f"key: {key!r} is no template: {error}.") from error
    if unknown := fields.difference(KEY_FIELDS):
        known = ", ".join(f"{{{field}}}" for field in KEY_FIELDS)
        raise ValueError(f"key: {key!r} has {{{min(unknown)}}}, but a key is made of {known}.")


def key_values(records: Iterable[Record]) -> Iterator[tuple[str, str]]:
    """List the keys and values of records, those of an attribute after it.

    records (Iterable[Record]): The records.
    YIELDS (tuple[str, str]): A key, and the text of its value.
    """
    for record in records:
        for path, _, value in walk_attributes(record):
            yield path[-1], value["text"]


def walk_attributes(owner: Record, *path: str) -> Iterator[tuple[tuple[str, ...], Record, Record]]:
    """Go through the attributes of an entity, and after each through its own.

    owner (Record): The entity.
    *path (str): The keys that lead to it.
    YIELDS (tuple[tuple[str, ...], Record, Record]): The keys that lead to an attribute, what has
        it, and the attribute.
    """
    for key, values in owner["attributes"].items():
        for value in values:
            yield (*path, key), owner, value
            yield from walk_attributes(value, *path, key)


def _find_attributes(doc: Doc, central: Collection[str], inverse: Collection[str]) -> Attributes:
    found: Attributes = {}
    oriented = (_orient(relation, central, inverse) for relation in get_relations(doc))
    for attribute in sorted(oriented, key=lambda attribute: place_of(attribute.value)):
        found.setdefault(place_of(attribute.owner), []).append(attribute)
    return found


def _orient(relation: Relation, central: Collection[str], inverse: Collection[str]) -> Attribute:
    head, tail = relation.head, relation.tail
    is_inverse = relation.label in inverse
    if (head.label_ in central) != (tail.label_ in central):
        is_inverse = tail.label_ in central
    return Attribute(tail, head, relation) if is_inverse else Attribute(head, tail, relation)


def _depths(root: Span, attributes: Attributes, central: Collection[str]) -> dict[Place, int]:
    """How many relations lead from a central entity to each attribute that is not central, the
    nearer ones first."""
    depths = {place_of(root): 0}
    reached = [*depths]
    # Grows while it is walked through.
    for place in reached:
        for _, value, _ in attributes.get(place, []):
            if value.label_ not in central and place_of(value) not in depths:
                depths[place_of(value)] = depths[place] + 1
                reached.append(place_of(value))
    return depths


def _warn_of_unused(attributes: Attributes, reached: Collection[Place]) -> None:
    """Tell which relations are in no record, though what would be the value is in one."""
    for owner, value, relation in chain.from_iterable(attributes.values()):
        if place_of(owner) not in reached and place_of(value) in reached:
            warnings.warn(
                UNUSED.format(label=relation.label, owner=owner.label_, value=value.label_),
                stacklevel=3,
            )


UNUSED = (
    "A {value} is part of a record, but that it is the {label} of a {owner} is not. If it is the "
    "{owner} that is an attribute of the {value}, add '{label}' to `inverse`."
)


def _build_attributes(
    root: Span, depths: dict[Place, int], attributes: Attributes, key: str
) -> dict[str, list[Record]]:
    built: dict[Place, dict[str, list[Record]]] = {}
    # From the outside to the center: what an attribute has is there before the attribute is.
    for place in reversed(depths):
        built[place] = {}
        for attribute in attributes.get(place, []):
            value = place_of(attribute.value)
            # Where relations go round, what is not farther away has no attributes again.
            own = built[value] if depths.get(value) == depths[place] + 1 else {}
            record = _make_record(attribute.value, attribute.relation.score, own)
            built[place].setdefault(_format_key(key, attribute), []).append(record)
    return built[place_of(root)]


def _format_key(key: str, attribute: Attribute) -> str:
    return key.format(
        head=attribute.owner.text,
        head_label=attribute.owner.label_,
        label=attribute.relation.label,
        tail_label=attribute.value.label_,
    )


def _make_record(span: Span, score: float | None, attributes: dict[str, list[Record]]) -> Record:
    return Record(
        text=span.text,
        label=span.label_,
        start=span.start_char,
        end=span.end_char,
        score=score,
        attributes=attributes,
    )
