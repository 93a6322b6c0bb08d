"""What has been found in a doc, as plain data."""

from typing import TypedDict

from spacy.tokens import Doc

from .entities import get_entities
from .records import Record, find_settings, get_records
from .relation import get_relations, get_score, index_ends, place_of, relation_key


class EntityAnnotation(TypedDict):
    """An entity.

    start (int): Where it begins in the text, in characters.
    end (int): Where it ends, exclusive.
    label (str): Its type.
    score (float | None): Its probability, if it has one.
    """

    start: int
    end: int
    label: str
    score: float | None


class RelationAnnotation(TypedDict):
    """A relation.

    head (int): The index of its head among the entities.
    tail (int): The index of its tail.
    label (str): Its label.
    score (float): Its probability.
    """

    head: int
    tail: int
    label: str
    score: float


class Annotations(TypedDict):
    """What has been found in a text. `convert` reads it as JSON lines.

    text (str): The text.
    entities (list[EntityAnnotation]): The entities, in text order.
    relations (list[RelationAnnotation]): The relations, in text order.
    records (list[Record] | None): The records; None if nothing has said how they are made.
    """

    text: str
    entities: list[EntityAnnotation]
    relations: list[RelationAnnotation]
    records: list[Record] | None


def to_annotations(doc: Doc, *, spans_key: str | None = None) -> Annotations:
    """Write what has been found in a doc as plain data, fit for JSON.

    doc (Doc): The doc.
    spans_key (str | None): The span group that holds the entities; `doc.ents` if None.
    RETURNS (Annotations): The data.
    """
    relations = get_relations(doc)
    connected = [span for relation in relations for span in (relation.head, relation.tail)]
    spans = {place_of(span): span for span in [*get_entities(doc, spans_key), *connected]}
    places, indices = index_ends(spans, map(relation_key, relations), add_ends=True)
    return {
        "text": doc.text,
        "entities": [
            {"start": start, "end": end, "label": label, "score": get_score(spans[place])}
            for place in places
            for start, end, label in [place]
        ],
        "relations": [
            {"head": ends[0], "tail": ends[1], "label": relation.label, "score": relation.score}
            for relation, ends in zip(relations, indices, strict=True)
            if ends is not None
        ],
        "records": get_records(doc) if find_settings(doc) is not None else None,
    }
