"""What has been found in a doc, as plain data."""

from typing import TypedDict

from spacy.tokens import Doc

from .entities import get_entities
from .records import Record, find_settings, get_records
from .relation import get_relations, get_score, place_of


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
    ends = [span for relation in relations for span in (relation.head, relation.tail)]
    # Relations may have been set between spans that are no entities.
    entities = {place_of(span): span for span in [*get_entities(doc, spans_key), *ends]}
    index = {place: i for i, place in enumerate(sorted(entities))}
    return {
        "text": doc.text,
        "entities": [
            {"start": start, "end": end, "label": label, "score": get_score(entities[place])}
            for place in index
            for start, end, label in [place]
        ],
        "relations": [
            {
                "head": index[place_of(relation.head)],
                "tail": index[place_of(relation.tail)],
                "label": relation.label,
                "score": relation.score,
            }
            for relation in relations
        ],
        "records": get_records(doc) if find_settings(doc) is not None else None,
    }
