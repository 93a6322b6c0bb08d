"""What is annotated, written and restarted as a whole: some records of a source in a row."""

from collections.abc import Iterator
from dataclasses import dataclass

from .entries import Entry, Item
from .readers import Fields
from .sources import Source

# In characters: some long texts are as much as many short ones.
MAX_CHARACTERS = 4_000_000


@dataclass(frozen=True)
class Chunk:
    """Some records of a source in a row.

    source (int): The number of the source.
    name (str): The name of the source.
    number (int): Which chunk of the source it is, from 0.
    items (list[Entry | Rejection]): The records.
    share (float): How much of the source has been read with them.
    """

    source: int
    name: str
    number: int
    items: list[Item]
    share: float


@dataclass(frozen=True)
class ChunkReader:
    """Reads the chunks of a source that are still to be annotated.

    number (int): The number of the source.
    source (Source): The source.
    fields (Fields): Where its records have what.
    size (int): How many records a chunk has at most.
    done (frozenset[int]): The chunks that are done.
    """

    number: int
    source: Source
    fields: Fields
    size: int
    done: frozenset[int]

    def __iter__(self) -> Iterator[Chunk]:
        """YIELDS (Chunk): The chunks: always the same ones, without those that are done."""
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
