"""Chunks: consecutive texts of a source that are annotated, written and retried as a whole."""

from collections.abc import Iterator
from dataclasses import dataclass

from ..files.entries import Entry, Item
from ..files.readers import Fields
from .sources import Source

# Limits the work in a chunk of long texts.
MAX_CHARACTERS = 4_000_000


@dataclass(frozen=True)
class Chunk:
    """Consecutive texts of a source.

    source (int): The number of the source.
    name (str): The name of the source.
    number (int): The number of the chunk in its source, from 0.
    items (list[Entry | Rejection]): The texts.
    share (float): The share of the source that has been read once the chunk is complete.
    """

    source: int
    name: str
    number: int
    items: list[Item]
    share: float


@dataclass(frozen=True)
class ChunkReader:
    """Reads the chunks of a source that are not annotated yet.

    number (int): The number of the source.
    source (Source): The source.
    fields (Fields): The fields of texts and identifiers.
    size (int): The maximum number of texts in a chunk.
    done (frozenset[int]): The numbers of the chunks that are done.
    """

    number: int
    source: Source
    fields: Fields
    size: int
    done: frozenset[int]

    def __iter__(self) -> Iterator[Chunk]:
        """YIELDS (Chunk): The chunks that are not done. A source is always cut the same way."""
        for number, (items, share) in enumerate(self._cut()):
            if number not in self.done:
                yield Chunk(self.number, self.source.name, number, items, share)

    def _cut(self) -> Iterator[tuple[list[Item], float]]:
        items: list[Item] = []
        characters, share = 0, 0.0
        for item, share in self.source.read(self.fields):
            items.append(item)
            characters += len(item.text) if isinstance(item, Entry) else 0
            if len(items) == self.size or characters >= MAX_CHARACTERS:
                yield items, share
                items, characters = [], 0
        if items:
            yield items, share
