"""Entities that overlap, cut into pieces that HTML can nest."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from .views import EntityView


@dataclass
class Stack:
    """Entities that overlap, or one that overlaps with no other.

    end (int): The offset after the last character.
    entities (list[int]): The indices of the entities. An entity follows those that hold it.
    """

    end: int
    entities: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Piece:
    """Characters that belong to the same entities.

    start (int): The offset of the first character.
    end (int): The offset after the last character.
    closed (list[int]): The entities whose elements end before the piece, innermost first.
    opened (list[int]): The entities whose elements start with the piece, outermost first. An entity
        that crosses another one has a second element where the other one ends.
    """

    start: int
    end: int
    closed: list[int]
    opened: list[int]


def find_stacks(entities: Sequence[EntityView]) -> list[Stack]:
    """Group entities that overlap, directly or through others.

    entities (Sequence[EntityView]): The entities.
    RETURNS (list[Stack]): The groups, in text order.
    """
    stacks: list[Stack] = []
    for i in sorted(range(len(entities)), key=lambda i: (entities[i].start, -entities[i].end)):
        if not stacks or stacks[-1].end <= entities[i].start:
            stacks.append(Stack(end=0))
        stacks[-1].end = max(stacks[-1].end, entities[i].end)
        stacks[-1].entities.append(i)
    return stacks


def cut_stack(entities: Sequence[EntityView], stack: Stack) -> Iterator[Piece]:
    """Cut the text of a stack where an entity starts or ends.

    entities (Sequence[EntityView]): The entities of the doc.
    stack (Stack): The stack.
    YIELDS (Piece): The pieces, in text order. The last one is empty and closes what is open.
    """
    members = [(i, entities[i]) for i in stack.entities]
    borders = sorted({border for _, each in members for border in (each.start, each.end)})
    is_open: list[int] = []
    for start, end in zip(borders, [*borders[1:], borders[-1]], strict=True):
        ending = [k for k, i in enumerate(is_open) if entities[i].end == start]
        # An element that ends takes along those inside of it.
        kept, cut = (is_open[: ending[0]], is_open[ending[0] :]) if ending else (is_open, [])
        reopened = [i for i in cut if entities[i].end > start]
        opened = [*reopened, *(i for i, each in members if each.start == start)]
        yield Piece(start, end, cut[::-1], opened)
        is_open = [*kept, *opened]
