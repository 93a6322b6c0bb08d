"""Nodes and relationships of a doc: the document, its entities, and their relations."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from spacy.tokens import Doc

from ...doc.origin import Origin, read_identifier
from ...doc.plain_data import EntityAnnotation, to_annotations
from ...files.parquet import to_string
from ..export import RECORDS
from ..ids import hash_document, hash_entity

DOCUMENT, ENTITY, MENTIONS = "Document", "Entity", "MENTIONS"
# Separates the elements of an array, which neo4j-admin can't quote.
SEPARATOR = ";"
OTHER_CODES = "codes after the best one of an entity, which a graph can't hold"
SEPARATORS = f'attributes with ",", where they had "{SEPARATOR}", which separates attributes'
# The values of properties by name. Those that a node or a relationship does not have are left out.
Properties = dict[str, Any]


@dataclass(frozen=True)
class Graph:
    """The graph of a doc.

    nodes (list[dict[str, Any]]): The properties of the document, and those of each entity. `id` is
        the identifier of a node, `labels` are its labels in the graph.
    relationships (list[dict[str, Any]]): The properties of each relationship. `start` and `end` are
        the identifiers of its nodes, `type` is its label.
    lost (Counter[str]): The number of losses by reason.
    chosen (Counter[str]): The number of choices by reason.
    """

    nodes: list[Properties]
    relationships: list[Properties]
    lost: Counter[str]
    chosen: Counter[str]


def make_graph(doc: Doc, origin: Origin, spans_key: str | None) -> Graph:
    """Make the graph of a doc.

    doc (Doc): The doc.
    origin (dict[str, Any]): The identifier, the source and the number of its text.
    spans_key (str | None): The span group that holds the entities; `doc.ents` if None.
    RETURNS (Graph): The graph.
    """
    found = to_annotations(doc, spans_key=spans_key)
    document = hash_document(origin, doc.text)
    lost: Counter[str] = Counter()
    chosen: Counter[str] = Counter()
    entities = [_make_entity(each, document, doc, lost, chosen) for each in found["entities"]]
    lost[RECORDS] += len(found["records"] or ())
    mentions = [{"start": document, "end": entity["id"], "type": MENTIONS} for entity in entities]
    relations = [
        _without_none(
            start=entities[relation["head"]]["id"],
            end=entities[relation["tail"]]["id"],
            type=relation["label"],
            score=relation["score"],
            score_given_entities=relation["score_given_entities"],
        )
        for relation in found["relations"]
    ]
    nodes = [_make_document(document, origin, doc.text), *entities]
    return Graph(nodes, [*mentions, *relations], +lost, chosen)


def _make_document(document: str, origin: Origin, text: str) -> Properties:
    return _without_none(
        id=document,
        labels=[DOCUMENT],
        document_id=to_string(read_identifier(origin.get("id"))),
        source=to_string(origin.get("source")),
        number=origin.get("number"),
        text=text,
    )


def _make_entity(
    entity: EntityAnnotation, document: str, doc: Doc, lost: Counter[str], chosen: Counter[str]
) -> Properties:
    start, end, label = entity["start"], entity["end"], entity["label"]
    codes = entity.get("codes", [])
    code = codes[0] if codes else None
    lost[OTHER_CODES] += len(codes[1:])
    attributes = [f"{name}={value}" for name, value in entity.get("attributes", {}).items()]
    if changed := sum(SEPARATOR in each for each in attributes):
        chosen[SEPARATORS] += changed
    return _without_none(
        id=hash_entity(document, (start, end, label)),
        labels=[ENTITY, label] if _can_be_label(label) else [ENTITY],
        label=label,
        text=doc.text[start:end],
        start=start,
        end=end,
        score=entity["score"],
        entity_id=entity.get("id"),
        code=code["code"] if code else entity.get("kb_id"),
        system=code["system"] if code else None,
        display=code["display"] if code else None,
        attributes=[each.replace(SEPARATOR, ",") for each in attributes] or None,
        attribute_scores=[*entity.get("attribute_scores", {}).values()] or None,
    )


def _can_be_label(label: str) -> bool:
    """Check that a type can be a label too: it is no array, and not that of documents."""
    return label not in ("", DOCUMENT, ENTITY) and SEPARATOR not in label


def _without_none(**properties: Any) -> Properties:
    return {name: value for name, value in properties.items() if value is not None}
