"""Records: key-value pairs for each central entity of a doc.

Source: Xue et al. 2019, arXiv 1908.07721, where triples become the key-value pairs of a central
word.
"""

import warnings
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import chain
from string import Formatter
from typing import Any, NamedTuple

from spacy.tokens import Doc, Span

from .arguments import check_doc, check_labels, warn_of_missing_group
from .attributes import get_attribute_scores, get_attributes
from .entities import get_entities
from .identifiers import Identifiers, get_identifiers
from .relation import Place, Relation, get_relations, get_score, place_of
from .user_data import get_user_data, is_key, make_key

SETTINGS = "str_record_settings"
DEFAULT_KEY = "{label}"
KEY_FIELDS = ("head", "head_label", "label", "tail_label")


class Record(Identifiers):
    """An entity and its values, as plain data. A value is an entity too, or an attribute. Entities
    also have the identifiers that they have in the doc.

    text (str): The text of the entity, or the value of the attribute.
    label (str): The type of the entity, or the name of the attribute.
    start (int | None): The offset of the first character of the entity in the doc; None for an
        attribute.
    end (int | None): The offset after its last character; None for an attribute.
    score (float | None): The probability of a central entity, None if it has none; for a value,
        the probability of the relation or the attribute.
    values (dict[str, list[Record]]): The values by key: related entities in text order, then
        attributes.
    """

    text: str
    label: str
    start: int | None
    end: int | None
    score: float | None
    values: dict[str, list["Record"]]


def set_settings(doc: Doc, settings: dict[str, Any]) -> None:
    """Set how the records of a doc are made.

    doc (Doc): The doc.
    settings (dict[str, Any]): The arguments of `to_records`.
    """
    get_user_data(doc)[make_key(SETTINGS, 0, len(doc.text))] = settings


def get_records(doc: Doc) -> list[Record]:
    """Make the records of a doc from its current relations.

    doc (Doc): The doc.
    RETURNS (list[Record]): The records, see `to_records`.
    RAISES (ValueError): If the doc has no settings for records.
    """
    settings = find_settings(doc)
    if settings is None:
        raise ValueError(NO_SETTINGS)
    return to_records(doc, **settings)


def find_settings(doc: Doc) -> dict[str, Any] | None:
    """Look up how the records of a doc are made.

    doc (Doc): The doc.
    RETURNS (dict[str, Any] | None): The arguments of `to_records`; None if they were never set.
    """
    user_data = get_user_data(doc)
    return next((user_data[key] for key in user_data if is_key(key, SETTINGS)), None)


NO_SETTINGS = (
    "This doc has no settings for records. Add a 'str_records' to the end of the pipeline and list "
    "the types of central entities in `central`, or call "
    "`spacy_str_encoder.to_records(doc, central=[...])`."
)


class Link(NamedTuple):
    """A relation that gives its owner a value.

    owner (Span): The entity that has the value.
    value (Span): The entity that is the value.
    relation (Relation): The relation between them, in either direction.
    """

    owner: Span
    value: Span
    relation: Relation


# The links of each owner, their values in text order.
Links = dict[Place, list[Link]]


def to_records(
    doc: Doc,
    central: Collection[str],
    *,
    inverse: Collection[str] = (),
    key: str = DEFAULT_KEY,
    exclude: Mapping[str, Collection[str]] | None = None,
    spans_key: str | None = None,
) -> list[Record]:
    """Turn the relations and attributes of a doc into key-value pairs for its central entities.

    The tail of a relation is a value of its head; with an inverse label, the head is a value of the
    tail. If exactly one of the two entities is central, the other one is always the value. Values
    have values of their own where relations chain, except for central entities, which have their
    own records. Attributes are values of their entity wherever it occurs. Their key is their name.

    doc (Doc): A doc with entities and relations.
    central (Collection[str]): The types of central entities.
    inverse (Collection[str]): The labels of relations whose head is the value.
    key (str): The template of keys: `{head}` and `{head_label}` are the text and the type of the
        entity that has the value, `{label}` is the label of the relation, and `{tail_label}` is the
        type of the value.
    exclude (Mapping[str, Collection[str]] | None): Values of attributes by name, such as
        `{"Assertion": ["negated"]}`. Central entities with such a value get no record.
    spans_key (str | None): The span group that holds the entities; `doc.ents` if None.
    RETURNS (list[Record]): A record for each other central entity, in text order.
    RAISES (ValueError): If there are no central types, `inverse` is a string, the template has
        unknown fields, or `exclude` has no lists of values.
    """
    exclude = {} if exclude is None else exclude
    check_doc(doc)
    check_settings(central, key, exclude)
    check_labels("inverse", inverse)
    warn_of_missing_group(doc, spans_key)
    entities = get_entities(doc, spans_key)
    _warn_of_unknown(doc, central, entities)
    links = find_links(doc, central, inverse)
    roots = [entity for entity in entities if entity.label_ in central]
    depths = [_find_depths(root, links, central) for root in roots]
    _warn_of_unused(links, set(chain.from_iterable(depths)))
    return [
        _make_record(root, get_score(root), _build_values(root, depth, links, key))
        for root, depth in zip(roots, depths, strict=True)
        if not _is_excluded(root, exclude)
    ]


def check_settings(
    central: Collection[str], key: str, exclude: Mapping[str, Collection[str]]
) -> None:
    """Check the settings of records.

    central (Collection[str]): The types of central entities.
    key (str): The template of keys.
    exclude (Mapping[str, Collection[str]]): Values of attributes by name.
    RAISES (ValueError): If there are no central types, the template has unknown fields, or
        `exclude` has no lists of values.
    """
    if isinstance(central, str) or not central:
        raise ValueError(f"central: must be a list of entity types, got {central!r}.")
    try:
        fields = {field for _, field, _, _ in Formatter().parse(key) if field is not None}
    except ValueError as error:
        raise ValueError(f"key: {key!r} is not a valid template: {error}.") from error
    if unknown := fields.difference(KEY_FIELDS):
        known = ", ".join(f"{{{field}}}" for field in KEY_FIELDS)
        raise ValueError(f"key: unknown field {{{min(unknown)}}} in {key!r}. Use only {known}.")
    if not isinstance(exclude, Mapping) or any(map(_is_no_list, exclude.values())):
        raise ValueError(
            "exclude: must be a dict with a list of values for each attribute, such as "
            f"{{'Assertion': ['negated']}}, got {exclude!r}."
        )


def _is_no_list(values: object) -> bool:
    return isinstance(values, str) or not isinstance(values, Collection)


def _is_excluded(entity: Span, exclude: Mapping[str, Collection[str]]) -> bool:
    attributes = get_attributes(entity) or {}
    return any(attributes.get(name) in values for name, values in exclude.items())


def key_values(records: Iterable[Record]) -> Iterator[tuple[str, str]]:
    """List all keys and values of records. The values of a value follow it.

    records (Iterable[Record]): The records.
    YIELDS (tuple[str, str]): A key, and the text of its value.
    """
    for record in records:
        for path, _, value in walk_values(record):
            yield path[-1], value["text"]


def walk_values(owner: Record, *path: str) -> Iterator[tuple[tuple[str, ...], Record, Record]]:
    """Iterate over the values of an entity. The values of a value follow it.

    owner (Record): The entity.
    *path (str): The keys that lead to it.
    YIELDS (tuple[tuple[str, ...], Record, Record]): The keys that lead to a value, its owner, and
        the value.
    """
    for key, values in owner["values"].items():
        for value in values:
            yield (*path, key), owner, value
            yield from walk_values(value, *path, key)


def find_links(doc: Doc, central: Collection[str], inverse: Collection[str]) -> Links:
    """Find which entity of each relation has the other one as a value.

    doc (Doc): The doc.
    central (Collection[str]): The types of central entities.
    inverse (Collection[str]): The labels of relations whose head is the value.
    RETURNS (dict[tuple[int, int, str], list[Link]]): The links of each owner by its start and end
        character and label, their values in text order.
    """
    links: Links = {}
    oriented = (_orient(relation, central, inverse) for relation in get_relations(doc))
    for link in sorted(oriented, key=lambda link: place_of(link.value)):
        links.setdefault(place_of(link.owner), []).append(link)
    return links


def _orient(relation: Relation, central: Collection[str], inverse: Collection[str]) -> Link:
    head, tail = relation.head, relation.tail
    is_inverse = relation.label in inverse
    if (head.label_ in central) != (tail.label_ in central):
        is_inverse = tail.label_ in central
    return Link(tail, head, relation) if is_inverse else Link(head, tail, relation)


def _find_depths(root: Span, links: Links, central: Collection[str]) -> dict[Place, int]:
    """Count the relations on the shortest way from a central entity to each of its values that is
    not central, nearest first."""
    depths = {place_of(root): 0}
    reached = [*depths]
    # The list grows during the loop.
    for place in reached:
        for _, value, _ in links.get(place, []):
            if value.label_ not in central and place_of(value) not in depths:
                depths[place_of(value)] = depths[place] + 1
                reached.append(place_of(value))
    return depths


def _warn_of_unknown(doc: Doc, central: Collection[str], entities: Collection[Span]) -> None:
    """Warn of central types that no entity ever had. A doc may well lack those that others have."""
    types = {entity.label_ for entity in entities}
    unknown = sorted(name for name in central if name not in doc.vocab.strings)
    if types and unknown and types.isdisjoint(central):
        warnings.warn(
            UNKNOWN.format(names=", ".join(unknown), types=", ".join(sorted(types))), stacklevel=3
        )


UNKNOWN = (
    "central: no entity has the type {names}, so there are no records. Check the spelling. The "
    "types in this doc: {types}."
)


def _warn_of_unused(links: Links, reached: Collection[Place]) -> None:
    """Warn of relations that are in no record although their values are."""
    for owner, value, relation in chain.from_iterable(links.values()):
        if place_of(owner) not in reached and place_of(value) in reached:
            warnings.warn(
                UNUSED.format(label=relation.label, owner=owner.label_, value=value.label_),
                stacklevel=3,
            )


UNUSED = (
    "The relation '{label}' between a {owner} and a {value} is in no record, although the {value} "
    "is in one. If the {owner} is a value of the {value}, add '{label}' to `inverse`."
)


def _build_values(
    root: Span, depths: dict[Place, int], links: Links, key: str
) -> dict[str, list[Record]]:
    built: dict[Place, dict[str, list[Record]]] = {}
    # Farthest first, so that the values of a value exist before the value itself is made.
    for place in reversed(depths):
        built[place] = {}
        for link in links.get(place, []):
            value = place_of(link.value)
            # Relations may form cycles: only a value that lies farther out has values of its own.
            own = built[value] if depths.get(value) == depths[place] + 1 else {}
            record = _make_record(link.value, link.relation.score, own)
            built[place].setdefault(_format_key(key, link), []).append(record)
    return built[place_of(root)]


def _format_key(key: str, link: Link) -> str:
    return key.format(
        head=link.owner.text,
        head_label=link.owner.label_,
        label=link.relation.label,
        tail_label=link.value.label_,
    )


def _make_record(span: Span, score: float | None, values: dict[str, list[Record]]) -> Record:
    record = Record(
        text=span.text,
        label=span.label_,
        start=span.start_char,
        end=span.end_char,
        score=score,
        values=_add_attributes(span, values),
    )
    record.update(get_identifiers(span))
    return record


def _add_attributes(span: Span, values: dict[str, list[Record]]) -> dict[str, list[Record]]:
    added = dict(values)
    scores = get_attribute_scores(span) or {}
    for name, value in (get_attributes(span) or {}).items():
        record = Record(text=value, label=name, start=None, end=None, score=scores[name], values={})
        # Relations may have the same key.
        added[name] = [*added.get(name, []), record]
    return added
