"""What is annotated, written and restarted as a whole: some records of a source in a row."""

from collections.abc import Iterator
from dataclasses import dataclass

from .entries import Entry, Item
from .readers import Reading

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


def read_chunks(reading: Reading, *, source: int, name: str, size: int) -> Iterator[Chunk]:
    """Cut a source into chunks, always the same ones.

    reading (Iterator[tuple[Entry | Rejection, float]]): The records of the source.
    source (int): The number of the source.
    name (str): Its name.
    size (int): How many records a chunk has at most.
    YIELDS (Chunk): The chunks.
    """
    items: list[Item] = []
    characters = number = 0
    share = 0.0
    for item, share in reading:
        items.append(item)
        characters += len(item.text) if isinstance(item, Entry) else 0
        if len(items) == size or characters >= MAX_CHARACTERS:
            yield Chunk(source, name, number, items, share)
            items, characters, number = [], 0, number + 1
    if items:
        yield Chunk(source, name, number, items, share)
