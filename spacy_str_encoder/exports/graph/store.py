"""Counts of merged entities and relations, in a database on disk: they need not fit into memory."""

import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from .elements import Properties
from .tables import split_array

# In KiB.
CACHE = 64 * 1024
# Each table has a row for all that is the same. A document counts once in a row: `last` is the one
# that was counted last. What mentions have, but not all the same, is left empty.
SCHEMA = f"""
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -{CACHE};
CREATE TABLE document (id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE entity (
    id TEXT PRIMARY KEY, labels, label, code, system, display, last, documents, mentions
) WITHOUT ROWID;
CREATE TABLE form (entity, text, mentions, PRIMARY KEY (entity, text)) WITHOUT ROWID;
CREATE TABLE attribute (entity, value, mentions, PRIMARY KEY (entity, value)) WITHOUT ROWID;
CREATE TABLE relation (
    start, end, type, start_attributes, end_attributes, score, last, documents, relations,
    PRIMARY KEY (start, end, type, start_attributes, end_attributes)
) WITHOUT ROWID;
BEGIN;
"""
ADD_DOCUMENT = "INSERT OR IGNORE INTO document VALUES (?)"
ADD_ENTITY = """
INSERT INTO entity VALUES (:entity, :labels, :label, :code, :system, :display, :document, 1, 1)
ON CONFLICT DO UPDATE SET
    mentions = mentions + 1, documents = documents + (last <> excluded.last), last = excluded.last,
    code = iif(code = excluded.code, code, ''), system = iif(system = excluded.system, system, ''),
    display = iif(display = excluded.display, display, '')
"""
ADD_FORM = """
INSERT INTO form VALUES (:entity, :text, 1) ON CONFLICT DO UPDATE SET mentions = mentions + 1
"""
ADD_ATTRIBUTE = """
INSERT INTO attribute VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET mentions = mentions + 1
"""
ADD_RELATION = """
INSERT INTO relation VALUES (
    :start, :end, :type, :start_attributes, :end_attributes, :score, :document, 1, 1
)
ON CONFLICT DO UPDATE SET
    relations = relations + 1, documents = documents + (last <> excluded.last),
    last = excluded.last, score = max(score, excluded.score)
"""
# The most frequent form of the text; of several, the first in the order of characters.
LIST_ENTITIES = """
SELECT id, labels, label, code, system, display, documents, mentions, (
    SELECT text FROM form WHERE entity = id ORDER BY mentions DESC, text LIMIT 1
) AS text FROM entity ORDER BY id
"""
LIST_ATTRIBUTES = "SELECT value, mentions FROM attribute WHERE entity = ? ORDER BY value"
LIST_RELATIONS = (
    "SELECT * FROM relation ORDER BY start, end, type, start_attributes, end_attributes"
)


class Store:
    """Counts what is the same."""

    def __init__(self, path: Path) -> None:
        """Create the database.

        path (Path): The file, which must not exist yet.
        """
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.row_factory = sqlite3.Row
        self._database.executescript(SCHEMA)

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def add_document(self, document: str) -> bool:
        """Add a document.

        document (str): Its identifier.
        RETURNS (bool): Whether it is new.
        """
        return self._database.execute(ADD_DOCUMENT, (document,)).rowcount > 0

    def add_mentions(self, mentions: Iterable[Properties]) -> None:
        """Count mentions of entities, document by document.

        mentions (Iterable[dict[str, Any]]): The properties of the mentions.
        """
        mentions = [*mentions]
        self._database.executemany(ADD_ENTITY, mentions)
        self._database.executemany(ADD_FORM, mentions)
        values = (
            (each["entity"], value)
            for each in mentions
            for value in split_array(each["attributes"])
        )
        self._database.executemany(ADD_ATTRIBUTE, values)

    def add_relations(self, relations: Iterable[Properties]) -> None:
        """Count relations, document by document.

        relations (Iterable[dict[str, Any]]): The properties of the relations.
        """
        self._database.executemany(ADD_RELATION, relations)

    def list_entities(self) -> Iterator[Properties]:
        """YIELDS (dict[str, Any]): The properties of each merged entity."""
        for row in self._database.execute(LIST_ENTITIES):
            counts = [*self._database.execute(LIST_ATTRIBUTES, (row["id"],))]
            yield {
                **_to_dict(row),
                "attributes": [value for value, _ in counts],
                "attribute_mentions": [mentions for _, mentions in counts],
            }

    def list_relations(self) -> Iterator[Properties]:
        """YIELDS (dict[str, Any]): The properties of each merged relation."""
        return map(_to_dict, self._database.execute(LIST_RELATIONS))


def _to_dict(row: Any) -> Properties:
    return dict(zip(row.keys(), row, strict=True))
