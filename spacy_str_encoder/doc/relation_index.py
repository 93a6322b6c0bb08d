"""Relations as they are stored in the user data of a doc, and an index by their entities."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from spacy.tokens import Doc

from .entity_lookup import EntityLookup, TokenPlace
from .user_data import find_values, get_user_data, is_key

RELATIONS = "str_relations"


class Row(NamedTuple):
    """Stored relation.

    head (tuple[int, int, str]): Start and end token of its head, and label.
    tail (tuple[int, int, str]): Start and end token of its tail, and label.
    label (str): Its label.
    scores (list[float]): Its probability, and if it was predicted, its probability given its
        entities.
    spans_key (list[str | None]): The place of the entities of a predicted relation; else empty.
    """

    head: TokenPlace
    tail: TokenPlace
    label: str
    scores: list[float]
    spans_key: list[str | None]


@dataclass(frozen=True)
class RelationIndex:
    """Index of the relations of a doc. It has no reference to the doc, which it would keep alive.

    rows (dict[tuple[int, int], list[Row]]): The relations by start and end token of their entities.
    keys (list[Any]): All keys of the user data.
    stored (dict[Any, Any]): The user data that the relations were read from.
    length (int): The number of tokens, which changes when tokens are merged.
    lookup (EntityLookup): Lookup of the entities.
    """

    rows: dict[tuple[int, int], list[Row]]
    keys: list[Any]
    stored: dict[Any, Any]
    length: int
    lookup: EntityLookup = field(default_factory=EntityLookup)

    def is_current(self, doc: Doc) -> bool:
        """Check whether neither the tokens of the doc nor its stored relations have changed.

        doc (Doc): The doc.
        RETURNS (bool): Whether the index is that of the doc.
        """
        user_data = get_user_data(doc)
        is_same = self.length == len(doc) and self.keys == [*user_data]
        return is_same and [*self.stored.values()] == [*map(user_data.get, self.stored)]


_indices: WeakKeyDictionary[Doc, RelationIndex] = WeakKeyDictionary()


def get_index(doc: Doc) -> RelationIndex:
    """Get the index of a doc, which is kept as long as it is current.

    doc (Doc): The doc.
    RETURNS (RelationIndex): The index.
    """
    index = _indices.get(doc)
    if index is None or not index.is_current(doc):
        index = _indices[doc] = make_index(doc)
    return index


def make_index(doc: Doc) -> RelationIndex:
    """Make an index.

    doc (Doc): The doc.
    RETURNS (RelationIndex): The index.
    """
    rows = defaultdict(list)
    for row in read_rows(doc):
        for start, end in {row.head[:2], row.tail[:2]}:
            rows[start, end].append(row)
    user_data = get_user_data(doc)
    stored = {key: value for key, value in user_data.items() if is_key(key, RELATIONS)}
    return RelationIndex(dict(rows), [*user_data], stored, len(doc))


def read_rows(doc: Doc) -> Iterator[Row]:
    """Read the stored relations of a doc. If the doc was cut from a longer one, relations that
    reach beyond it are omitted.

    doc (Doc): The doc.
    YIELDS (Row): The relations.
    """
    stored = [*find_values(doc, RELATIONS)]
    find = cache(partial(_find_tokens, doc, doc.text if stored else ""))
    for start, rows in stored:
        for head_text, head_label, offset, tail_text, tail_label, label, *rest in rows:
            head = find(start, head_text)
            tail = find(start + offset, tail_text)
            if head is not None and tail is not None:
                scores = [each for each in rest if isinstance(each, float)]
                spans_key = rest[len(scores) :]
                yield Row((*head, head_label), (*tail, tail_label), label, scores, spans_key)


def _find_tokens(doc: Doc, text: str, start: int, surface: str) -> tuple[int, int] | None:
    if start < 0 or not text.startswith(surface, start):
        return None
    # Tokens may have been merged since then.
    span = doc.char_span(start, start + len(surface), alignment_mode="expand")
    return None if span is None else (span.start, span.end)
