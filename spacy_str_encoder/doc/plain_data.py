"""The annotations of a doc as plain data."""

from typing import NotRequired, TypedDict

from spacy.tokens import Doc, Span

from .arguments import check_doc, warn_of_missing_group
from .attributes import get_attribute_scores, get_attributes
from .entities import get_entities
from .identifiers import Identifiers, get_identifiers
from .records import Record, find_settings, get_records
from .relation import Relation, get_relations, get_score, index_ends, place_of, relation_key


class EntityAnnotation(Identifiers):
    """An entity, with the identifiers that it has.

    start (int): The offset of its first character.
    end (int): The offset after its last character.
    label (str): Its type.
    score (float | None): Its probability, if it has one.
    attributes (dict[str, str]): The values of its attributes by name. This key and the next one
        are only there if the attributes of the entity are annotated.
    attribute_scores (dict[str, float]): The probabilities of its attributes by name.
    """

    start: int
    end: int
    label: str
    score: float | None
    attributes: NotRequired[dict[str, str]]
    attribute_scores: NotRequired[dict[str, float]]


class RelationAnnotation(TypedDict):
    """A relation.

    head (int): The index of its head among the entities.
    tail (int): The index of its tail.
    label (str): Its label.
    score (float): The probability that the relation and both of its entities are correct.
    score_given_entities (float | None): Its probability if its entities are correct; None for gold
        annotation.
    """

    head: int
    tail: int
    label: str
    score: float
    score_given_entities: float | None


class Annotations(TypedDict):
    """The annotations of a text. The command `convert` reads them as JSON lines.

    text (str): The text.
    entities (list[EntityAnnotation]): The entities, in text order.
    relations (list[RelationAnnotation]): The relations, in text order.
    records (list[Record] | None): The records; None if the doc has no settings for records.
    """

    text: str
    entities: list[EntityAnnotation]
    relations: list[RelationAnnotation]
    records: list[Record] | None


def to_annotations(doc: Doc, *, spans_key: str | None = None) -> Annotations:
    """Turn the annotations of a doc into plain data that JSON can hold.

    doc (Doc): The doc.
    spans_key (str | None): The span group that holds the entities; `doc.ents` if None.
    RETURNS (Annotations): The annotations.
    RAISES (ValueError): If the argument is not a doc.
    """
    check_doc(doc)
    warn_of_missing_group(doc, spans_key)
    relations = get_relations(doc)
    connected = [span for relation in relations for span in (relation.head, relation.tail)]
    # Relations may connect spans that are not entities.
    spans = {place_of(span): span for span in [*get_entities(doc, spans_key), *connected]}
    places, indices = index_ends(spans, map(relation_key, relations), add_ends=True)
    return {
        "text": doc.text,
        "entities": [_describe_entity(spans[place]) for place in places],
        "relations": [
            _describe_relation(relation, *ends)
            for relation, ends in zip(relations, indices, strict=True)
            if ends is not None
        ],
        "records": get_records(doc) if find_settings(doc) is not None else None,
    }


def _describe_entity(span: Span) -> EntityAnnotation:
    start, end, label = place_of(span)
    entity = EntityAnnotation(start=start, end=end, label=label, score=get_score(span))
    attributes, scores = get_attributes(span), get_attribute_scores(span)
    if attributes is not None and scores is not None:
        entity["attributes"], entity["attribute_scores"] = attributes, scores
    entity.update(get_identifiers(span))
    return entity


def _describe_relation(relation: Relation, head: int, tail: int) -> RelationAnnotation:
    return RelationAnnotation(
        head=head,
        tail=tail,
        label=relation.label,
        score=relation.score,
        score_given_entities=relation.score_given_entities,
    )
