"""Views: the entities, their attributes and the relations of a doc as plain data, compared with
gold ones or not.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeVar

from spacy.tokens import Doc

from ..doc.arguments import check_doc, check_labels, warn_of_missing_group
from ..doc.attributes import get_attribute_scores, get_attributes, read_attributes
from ..doc.codes import Code
from ..doc.entities import SPANS_KEY, find_gold_key, get_entities, has_entities
from ..doc.identifiers import get_identifiers
from ..doc.misaligned import get_misaligned_entities, get_misaligned_relations
from ..doc.relation import (
    Place,
    RelationKey,
    get_relations,
    get_score,
    has_relations,
    index_ends,
    place_of,
    relation_key,
)

# Without gold annotations to compare with, everything is `found`.
Kind = Literal["found", "correct", "wrong", "missed"]
# Name and value.
Attribute = tuple[str, str]
_Key = TypeVar("_Key", Place, RelationKey, Attribute)
# Score and kind.
Compared = tuple[float | None, Kind]


@dataclass(frozen=True)
class AttributeView:
    """An attribute of an entity.

    name (str): Its name.
    value (str): Its value.
    score (float | None): Its probability; None for a gold attribute that was missed.
    kind (str): The kind, as for entities.
    """

    name: str
    value: str
    score: float | None
    kind: Kind


@dataclass(frozen=True)
class EntityView:
    """An entity.

    start (int): The offset of its first character.
    end (int): The offset after its last character.
    label (str): Its type.
    score (float | None): Its probability, if it has one.
    kind (str): `correct`, `wrong` or `missed`; `found` if it was not compared.
    attributes (tuple[AttributeView, ...]): Its attributes without default values.
    codes (tuple[str, ...]): Its codes, best first, each with its preferred term and its system.
    """

    start: int
    end: int
    label: str
    score: float | None
    kind: Kind
    attributes: tuple[AttributeView, ...] = ()
    codes: tuple[str, ...] = ()


@dataclass(frozen=True)
class RelationView:
    """A relation.

    head (int): The index of its head among the entities.
    tail (int): The index of its tail.
    label (str): Its label.
    score (float | None): Its probability; None for a gold relation that was missed.
    kind (str): The kind, as for entities.
    """

    head: int
    tail: int
    label: str
    score: float | None
    kind: Kind


@dataclass(frozen=True)
class DocView:
    """A doc.

    text (str): The text.
    entities (list[EntityView]): The entities in text order.
    relations (list[RelationView]): The relations in text order.
    number (int | None): The number of the doc among all compared docs, from 1. If None, the page
        shows the position of the doc on the page.
    """

    text: str
    entities: list[EntityView]
    relations: list[RelationView]
    number: int | None = None

    @property
    def kinds(self) -> list[Kind]:
        """RETURNS (list[str]): The kinds of all entities, attributes and relations."""
        attributes = [each for entity in self.entities for each in entity.attributes]
        parts: list[EntityView | AttributeView | RelationView] = [*self.entities, *attributes]
        return [part.kind for part in [*parts, *self.relations]]

    @property
    def errors(self) -> int:
        """RETURNS (int): The number of wrong or missed entities, attributes and relations."""
        return sum(kind in ("wrong", "missed") for kind in self.kinds)

    @property
    def gold(self) -> int:
        """RETURNS (int): The number of gold entities, attributes and relations."""
        return sum(kind in ("correct", "missed") for kind in self.kinds)

    @property
    def error_rate(self) -> float:
        """RETURNS (float): The errors per gold annotation; without any, the number of errors."""
        return self.errors / max(1, self.gold)


def view_doc(
    doc: Doc, *, spans_key: str | None = None, defaults: Mapping[str, str] | None = None
) -> DocView:
    """View the entities, their attributes and the relations of a doc.

    doc (Doc): The doc.
    spans_key (str | None): The span group that holds the entities; `doc.ents` if None.
    defaults (Mapping[str, str] | None): The default values of attributes by name, which are not
        shown.
    RETURNS (DocView): The view.
    RAISES (ValueError): If the argument is not a doc.
    """
    check_doc(doc)
    warn_of_missing_group(doc, spans_key)
    attributes = _predicted_attributes(doc, spans_key, defaults or {})
    return _make_view(
        doc,
        _compare(_entities(doc, spans_key), None),
        {place: _compare(found, None) for place, found in attributes.items()},
        _compare(_relations(doc, ()), None),
        _describe_codes(doc, spans_key),
    )


def compare_docs(
    found: Doc,
    gold: Doc,
    *,
    symmetric: Collection[str] = (),
    spans_key: str | None = None,
    defaults: Mapping[str, str] | None = None,
) -> DocView:
    """Compare a doc with a gold doc. Correct means the same boundaries, types, labels and
    directions, and for attributes the same values. If the entities, the attributes of an entity or
    the relations of the gold doc are unannotated, they are not compared. If the gold doc has the
    span group, or "sc" without a `spans_key`, it holds the gold entities, otherwise `doc.ents`
    does.

    found (Doc): The doc with predicted entities and relations. If no entity has annotated
        attributes, they are not compared either.
    gold (Doc): The gold doc of the same text.
    symmetric (Collection[str]): The relation labels that have no direction.
    spans_key (str | None): The span group that holds the predicted entities; `doc.ents` if None.
    defaults (Mapping[str, str] | None): The default values of attributes by name, which are neither
        shown nor compared.
    RETURNS (DocView): The view.
    RAISES (ValueError): If the texts differ, or `symmetric` is a string.
    """
    check_labels("symmetric", symmetric)
    if found.text != gold.text:
        raise ValueError("Docs must have the same text to be compared, got different ones.")
    gold_key = find_gold_key(gold, spans_key or SPANS_KEY)
    is_annotated = has_entities(gold, gold_key)
    gold_entities = {*_entities(gold, gold_key), *get_misaligned_entities(gold)}
    attributes = _predicted_attributes(found, spans_key, defaults or {})
    entities = _compare(_entities(found, spans_key), gold_entities if is_annotated else None)
    return _make_view(
        found,
        entities,
        _compare_attributes(attributes, gold, entities, defaults or {}),
        _compare(
            _relations(found, symmetric),
            _gold_relations(gold, symmetric) if has_relations(gold) else None,
        ),
        _describe_codes(found, spans_key),
    )


def _entities(doc: Doc, spans_key: str | None) -> dict[Place, float | None]:
    return {place_of(span): get_score(span) for span in get_entities(doc, spans_key)}


def _relations(doc: Doc, symmetric: Collection[str]) -> dict[RelationKey, float | None]:
    return {relation_key(each, symmetric): each.score for each in get_relations(doc)}


def _gold_relations(doc: Doc, symmetric: Collection[str]) -> set[RelationKey]:
    return {*_relations(doc, symmetric), *get_misaligned_relations(doc, symmetric)}


def _describe_codes(doc: Doc, spans_key: str | None) -> dict[Place, tuple[str, ...]]:
    """RETURNS (dict[tuple[int, int, str], tuple[str, ...]]): The codes of entities; that of a
    knowledge base if it is none of them.
    """
    described = {}
    for span in get_entities(doc, spans_key):
        found = get_identifiers(span)
        codes = {each["code"]: _describe_code(each) for each in found.get("codes", [])}
        kb_id = found.get("kb_id", "")
        others = [kb_id] if kb_id and kb_id not in codes else []
        described[place_of(span)] = (*others, *codes.values())
    return described


def _describe_code(code: Code) -> str:
    return f"{code['code']} {code['display']} ({code['system']}) {code['score']:.2f}"


def _predicted_attributes(
    doc: Doc, spans_key: str | None, defaults: Mapping[str, str]
) -> dict[Place, dict[Attribute, float]]:
    """RETURNS (dict[tuple[int, int, str], dict[tuple[str, str], float]]): The probabilities of the
    attributes of each entity that has annotated ones.
    """
    found = {}
    for span in get_entities(doc, spans_key):
        values, scores = get_attributes(span), get_attribute_scores(span)
        if values is not None and scores is not None:
            shown = values.items() - defaults.items()
            found[place_of(span)] = {(name, value): scores[name] for name, value in shown}
    return found


def _compare_attributes(
    predicted: Mapping[Place, Mapping[Attribute, float]],
    gold: Doc,
    entities: Iterable[Place],
    defaults: Mapping[str, str],
) -> dict[Place, dict[Attribute, Compared]]:
    # Without such a component, nothing is missed.
    if not predicted:
        return {}
    compared = {}
    for place in entities:
        annotated = read_attributes(gold, place)
        wanted = None if annotated is None else annotated.items() - defaults.items()
        compared[place] = _compare(predicted.get(place, {}), wanted)
    return compared


def _compare(
    found: Mapping[_Key, float | None], gold: Collection[_Key] | None
) -> dict[_Key, Compared]:
    # Unannotated: nothing is correct or wrong.
    if gold is None:
        return {key: (score, "found") for key, score in found.items()}
    compared: dict[_Key, Compared] = dict.fromkeys(gold, (None, "missed"))
    for key, score in found.items():
        compared[key] = score, "correct" if key in gold else "wrong"
    return compared


def _make_view(
    doc: Doc,
    entities: Mapping[Place, Compared],
    attributes: Mapping[Place, Mapping[Attribute, Compared]],
    relations: Mapping[RelationKey, Compared],
    codes: Mapping[Place, tuple[str, ...]],
) -> DocView:
    # Relations may connect spans that are not entities.
    keys = sorted(relations)
    places, indices = index_ends(entities, keys, add_ends=True)
    predicted = {end for key in keys if relations[key][1] != "missed" for end in key[:2]}

    def view_entity(place: Place) -> EntityView:
        kind: Kind = "found" if place in predicted else "missed"
        own = [AttributeView(*key, *each) for key, each in attributes.get(place, {}).items()]
        # A gold value follows the wrong one.
        own.sort(key=lambda each: (each.name, each.kind == "missed", each.value))
        compared = entities.get(place, (None, kind))
        return EntityView(*place, *compared, tuple(own), codes.get(place, ()))

    return DocView(
        doc.text,
        [view_entity(place) for place in places],
        [
            RelationView(*ends, key[2], *relations[key])
            for key, ends in zip(keys, indices, strict=True)
            if ends is not None
        ],
    )
