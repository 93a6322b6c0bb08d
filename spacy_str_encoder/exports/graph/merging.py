"""Merging part by part. Documents, mentions and evidence are written as they are read; what is
merged is counted in the store.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from .elements import DOCUMENT, Properties
from .elements import MENTIONS as MENTIONED
from .identity import CODE, Identity
from .merged_tables import EVIDENCE, MENTIONS
from .relations import read_relations
from .store import Store
from .tables import NODE_HEADERS, NODES, RELATIONSHIPS, read_table, split_array

REPEATED = "documents with the same identifier and text as another one, which count once"
BY_TEXT = "mentions of entities without a code, which are merged by their text"
DOCUMENT_PROPERTIES = ("id", "labels", "document_id", "source", "number")
# Writes a row into a table, by the name of its file.
WriteRow = Callable[[str, Properties], None]


@dataclass
class Merged:
    """Counts of what was merged.

    documents (int): The number of documents.
    mentions (int): The number of entities before they were merged.
    entities (int): The number of entities.
    relations (int): The number of relations before they were merged.
    relationships (int): The number of relationships between entities.
    chosen (Counter[str]): The number of choices by reason.
    """

    documents: int = 0
    mentions: int = 0
    entities: int = 0
    relations: int = 0
    relationships: int = 0
    chosen: Counter[str] = field(default_factory=Counter)


class Merging:
    """Merges part by part."""

    def __init__(self, identity: Identity, store: Store, write_row: WriteRow) -> None:
        """Begin with nothing.

        identity (Identity): Tells which entities are the same.
        store (Store): Counts what is merged.
        write_row (Callable[[str, dict[str, Any]], None]): Writes a row.
        """
        self.merged = Merged()
        self._identity = identity
        self._store = store
        self._write_row = write_row
        self._types: set[str] = set()

    def add(self, part: Path) -> None:
        """Add a part.

        part (Path): Its folder.
        RAISES (ValueError): If the part is damaged.
        """
        others: set[str] = set()
        mentions = {each["mention"]: each for each in self._read_mentions(part, others)}
        self._store.add_mentions(each for each in mentions.values() if each["is_merged"])
        relations = [*read_relations(part, mentions, others)]
        self._store.add_relations(relations)
        for each in relations:
            self._write_row(EVIDENCE, each)
        self.merged.mentions += len(mentions)
        self.merged.relations += len(relations)

    def finish(self) -> None:
        """Write what was counted.

        RAISES (ValueError): If there are no entities of the types that are to be merged.
        """
        if missing := {*self._identity.types} - self._types:
            types = ", ".join(sorted(self._types)) or "none"
            raise ValueError(NO_TYPES.format(missing=min(missing), types=types))
        for entity in self._store.list_entities():
            self._write_row(NODES, entity)
            self.merged.entities += 1
        for relation in self._store.list_relations():
            self._write_row(RELATIONSHIPS, relation)
            self.merged.relationships += 1

    def _read_mentions(self, part: Path, others: set[str]) -> Iterator[Properties]:
        """Read the entities of the documents that are new, which follow their documents. The
        identifiers of all other nodes are added to others.
        """
        document = None
        for node in read_table(part / NODES, NODE_HEADERS):
            if node["labels"] == DOCUMENT:
                document = node["id"] if self._add_document(node) else None
                others.add(node["id"])
            elif document is None:
                others.add(node["id"])
            else:
                mention = self._make_mention(node, document)
                self._write_row(MENTIONS, mention)
                if not mention["is_merged"]:
                    self._write_alone(mention)
                yield mention

    def _add_document(self, node: Properties) -> bool:
        is_new = self._store.add_document(node["id"])
        if is_new:
            self.merged.documents += 1
            self._write_row(NODES, {name: node[name] for name in DOCUMENT_PROPERTIES})
        else:
            self.merged.chosen[REPEATED] += 1
        return is_new

    def _make_mention(self, node: dict[str, str], document: str) -> Properties:
        identity = self._identity
        is_merged = identity.merges(node)
        if is_merged and identity.same == CODE and not identity.has_code(node):
            self.merged.chosen[BY_TEXT] += 1
        self._types.add(node["label"])
        ends = {"document": document, "entity": identity.hash(node), "type": MENTIONED}
        return {**node, **ends, "mention": node["id"], "is_merged": is_merged}

    def _write_alone(self, mention: Properties) -> None:
        counts = [1 for _ in split_array(mention["attributes"])]
        once = {"documents": 1, "mentions": 1, "attribute_mentions": counts}
        self._write_row(NODES, {**mention, **once})
        self.merged.entities += 1


NO_TYPES = (
    "--type: the archive has no entity of the type {missing}. Check the spelling. It has the types "
    "{types}."
)
