"""Relations of a part, between the entities that its other table holds."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from .elements import Properties
from .tables import NODES, RELATIONSHIP_HEADERS, RELATIONSHIPS, read_table


def read_relations(
    part: Path, mentions: Mapping[str, Properties], others: Collection[str]
) -> Iterator[Properties]:
    """Read the relations of some entities, each once.

    part (Path): The folder of the part.
    mentions (Mapping[str, dict[str, Any]]): The entities by identifier.
    others (Collection[str]): The identifiers of all other nodes of the part: documents, which
        mention entities, and entities of repeated documents, whose relations have been read.
    YIELDS (dict[str, Any]): The properties of each relation.
    RAISES (ValueError): If a relationship has a node that is not in the part, or the mention of an
        entity is missing.
    """
    seen, unmentioned = set(), {*mentions}
    for row in read_table(part / RELATIONSHIPS, RELATIONSHIP_HEADERS):
        ends = row["start"], row["end"]
        if missing := [end for end in ends if end not in mentions and end not in others]:
            raise ValueError(NO_NODE.format(nodes=part / NODES, id=missing[0], name=RELATIONSHIPS))
        if row["start"] in others:
            unmentioned.discard(row["end"])
        key = (*ends, row["type"])
        if key in seen or not all(end in mentions for end in ends):
            continue
        seen.add(key)
        start, end = (mentions[each] for each in ends)
        yield {
            "start": start["entity"],
            "end": end["entity"],
            "type": row["type"],
            "start_attributes": start["attributes"],
            "end_attributes": end["attributes"],
            "score": float(row["score"]),
            "document": start["document"],
            "start_mention": row["start"],
            "end_mention": row["end"],
        }
    if unmentioned:
        path, count = part / RELATIONSHIPS, len(unmentioned)
        raise ValueError(NO_MENTIONS.format(path=path, count=count, nodes=NODES))


NO_NODE = (
    "{nodes}: the table must have all nodes of {name} beside it, but it has no node {id}. Restore "
    "it, or repeat the annotate command with --overwrite."
)
NO_MENTIONS = (
    "{path}: the table must have a row MENTIONS for each entity of {nodes} beside it, but lacks "
    "{count:,} of them. Restore it, or repeat the annotate command with --overwrite."
)
