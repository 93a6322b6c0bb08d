"""Tables of a merged graph. Those of nodes, relationships and mentions have the headers that
`neo4j-admin database import` takes.
"""

from .tables import NODES, RELATIONSHIPS

MENTIONS, EVIDENCE = "mentions.csv", "evidence.csv"
MERGED_NODES = {
    "id": "id:ID",
    "labels": ":LABEL",
    "document_id": "document_id",
    "source": "source",
    "number": "number:long",
    "label": "label",
    "text": "text",
    "code": "code",
    "system": "system",
    "display": "display",
    "documents": "documents:long",
    "mentions": "mentions:long",
    "attributes": "attributes:string[]",
    "attribute_mentions": "attribute_mentions:long[]",
}
MERGED_RELATIONSHIPS = {
    "start": ":START_ID",
    "end": ":END_ID",
    "type": ":TYPE",
    "start_attributes": "start_attributes:string[]",
    "end_attributes": "end_attributes:string[]",
    "score": "score:double",
    "documents": "documents:long",
    "relations": "relations:long",
}
# Each entity of a document, before it was merged. `mention` is its identifier in the archive.
MENTION_HEADERS = {
    "document": ":START_ID",
    "entity": ":END_ID",
    "type": ":TYPE",
    "mention": "mention",
    "text": "text",
    "start": "start:int",
    "end": "end:int",
    "score": "score:double",
    "attributes": "attributes:string[]",
}
# Each relation of a document, before it was merged.
EVIDENCE_HEADERS = {
    "start": "start_id",
    "end": "end_id",
    "type": "type",
    "document": "document",
    "start_mention": "start_mention",
    "end_mention": "end_mention",
    "score": "score",
}
TABLES = {
    NODES: MERGED_NODES,
    RELATIONSHIPS: MERGED_RELATIONSHIPS,
    MENTIONS: MENTION_HEADERS,
    EVIDENCE: EVIDENCE_HEADERS,
}
