"""Constraints: which relations of a doc can't all be kept."""

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from spacy.tokens import Span

from ..doc.relation import Relation

# Indices of relations, and how many of these can be kept at most.
Clash = tuple[Sequence[int], int]
# Takes relations of a doc, in text order, and returns the groups of which not all can be kept. If
# there are none, all can. Relations that share no group have no influence on each other.
Constraint = Callable[[Sequence[Relation]], Iterable[Clash]]
# Keys of head and tail.
Edge = tuple[Hashable, Hashable]


@dataclass(frozen=True)
class LabelConstraint(ABC):
    """Constraint on the relations with a label.

    label (str): The label.
    """

    label: str
    # Whether it tells head and tail apart, which symmetric labels do not.
    is_directed: ClassVar[bool] = True

    @property
    def labels(self) -> tuple[str, ...]:
        """RETURNS (tuple[str, ...]): All labels that it is about."""
        return (self.label,)

    @abstractmethod
    def __call__(self, relations: Sequence[Relation]) -> Iterable[Clash]:
        """RETURNS (Iterable[tuple[Sequence[int], int]]): Groups of which not all can be kept."""

    def _select(self, relations: Sequence[Relation]) -> Iterator[tuple[int, Relation]]:
        """YIELDS (tuple[int, Relation]): Each relation with the label, after its index."""
        return ((i, each) for i, each in enumerate(relations) if each.label == self.label)


@dataclass(frozen=True)
class LimitPerEnd(LabelConstraint):
    """Constraint on the number of relations with a label that an entity has.

    label (str): The label.
    limit (int): The maximum number of relations.
    """

    limit: int

    def __post_init__(self) -> None:
        """Check the limit.

        RAISES (ValueError): If it is below 1.
        """
        if self.limit < 1:
            raise ValueError(
                f"the limit of relations '{self.label}' must be 1 or more, got {self.limit}."
            )

    @abstractmethod
    def get_ends(self, relation: Relation) -> Sequence[Span]:
        """Return the entities whose relations are limited.

        relation (Relation): The relation.
        RETURNS (Sequence[Span]): Its head, its tail, or both.
        """

    def __call__(self, relations: Sequence[Relation]) -> Iterator[Clash]:
        """YIELDS (tuple[Sequence[int], int]): The relations of each entity that has too many."""
        groups: dict[Hashable, list[int]] = defaultdict(list)
        for i, relation in self._select(relations):
            for key in {*map(_key, self.get_ends(relation))}:
                groups[key].append(i)
        return ((group, self.limit) for group in groups.values() if len(group) > self.limit)


@dataclass(frozen=True)
class MaxPerHead(LimitPerEnd):
    """Limit the relations with a label that an entity is the head of.

    label (str): The label.
    limit (int): The maximum number of relations.
    """

    def get_ends(self, relation: Relation) -> Sequence[Span]:
        """Return the head of a relation.

        relation (Relation): The relation.
        RETURNS (Sequence[Span]): Its head.
        """
        return (relation.head,)


@dataclass(frozen=True)
class MaxPerTail(LimitPerEnd):
    """Limit the relations with a label that an entity is the tail of.

    label (str): The label.
    limit (int): The maximum number of relations.
    """

    def get_ends(self, relation: Relation) -> Sequence[Span]:
        """Return the tail of a relation.

        relation (Relation): The relation.
        RETURNS (Sequence[Span]): Its tail.
        """
        return (relation.tail,)


@dataclass(frozen=True)
class MaxPerEntity(LimitPerEnd):
    """Limit the relations with a label that an entity is the head or the tail of. For a symmetric
    label, this takes the place of the limits per head and per tail.

    label (str): The label.
    limit (int): The maximum number of relations.
    """

    is_directed: ClassVar[bool] = False

    def get_ends(self, relation: Relation) -> Sequence[Span]:
        """Return both ends of a relation.

        relation (Relation): The relation.
        RETURNS (Sequence[Span]): Its head and its tail.
        """
        return (relation.head, relation.tail)


@dataclass(frozen=True)
class InverseOf(LabelConstraint):
    """Forbid that a relation and the one with the inverse label have the same head and tail: if A
    is the whole of B, it is not a part of B. No relation is added.

    label (str): The label.
    inverse (str): The label that says the same from tail to head.
    """

    inverse: str

    def __post_init__(self) -> None:
        """Check the labels.

        RAISES (ValueError): If they are the same.
        """
        if self.inverse == self.label:
            raise ValueError(
                f"the inverse of the label '{self.label}' must be another label. To forbid "
                "relations in both directions, use spacy-str-encoder.acyclic.v1."
            )

    @property
    def labels(self) -> tuple[str, ...]:
        """RETURNS (tuple[str, ...]): Both labels."""
        return (self.label, self.inverse)

    def __call__(self, relations: Sequence[Relation]) -> Iterator[Clash]:
        """YIELDS (tuple[Sequence[int], int]): Each two relations that contradict each other."""
        inverse = {_keys(each): i for i, each in enumerate(relations) if each.label == self.inverse}
        for i, relation in self._select(relations):
            if _keys(relation) in inverse:
                yield (i, inverse[_keys(relation)]), 1


@dataclass(frozen=True)
class Acyclic(LabelConstraint):
    """Forbid that relations with a label lead from an entity back to itself.

    label (str): The label.
    """

    def __call__(self, relations: Sequence[Relation]) -> Iterator[Clash]:
        """YIELDS (tuple[Sequence[int], int]): The relations of cycles that are connected."""
        edges = {i: _keys(relation) for i, relation in self._select(relations)}
        cycles = _find_cycles(edges.values())
        groups: dict[Hashable, list[int]] = defaultdict(list)
        for i, (head, tail) in edges.items():
            if cycles[head] == cycles[tail]:
                groups[cycles[head]].append(i)
        return ((group, len(group) - 1) for group in groups.values())


@dataclass(frozen=True)
class NoSelf(LabelConstraint):
    """Forbid relations with a label between entities in the same place, as span groups can have.

    label (str): The label.
    """

    is_directed: ClassVar[bool] = False

    def __call__(self, relations: Sequence[Relation]) -> Iterator[Clash]:
        """YIELDS (tuple[Sequence[int], int]): Each relation whose entities are in one place."""
        for i, relation in self._select(relations):
            head, tail = relation.head, relation.tail
            if (head.start, head.end) == (tail.start, tail.end):
                yield (i,), 0


def _key(span: Span) -> Hashable:
    return span.start, span.end, span.label


def _keys(relation: Relation) -> Edge:
    return _key(relation.head), _key(relation.tail)


def _find_cycles(edges: Collection[Edge]) -> dict[Hashable, Hashable]:
    """RETURNS (dict[Hashable, Hashable]): One of the entities that can be reached from each entity,
    and lead back to it: the same one for all of these.
    """
    following, leading = _index(edges), _index((tail, head) for head, tail in edges)
    seen, found, cycles = set[Hashable](), set[Hashable](), dict[Hashable, Hashable]()
    order = [node for start in following for node in _walk(start, following, seen)]
    # Kosaraju's algorithm: what leads to the last one, of those left, can be reached from it.
    for start in reversed(order):
        cycles.update(dict.fromkeys(_walk(start, leading, found), start))
    return cycles


def _index(edges: Iterable[Edge]) -> dict[Hashable, list[Hashable]]:
    following: dict[Hashable, list[Hashable]] = defaultdict(list)
    for head, tail in edges:
        following[head].append(tail)
    return following


def _walk(
    start: Hashable, following: Mapping[Hashable, Iterable[Hashable]], seen: set[Hashable]
) -> list[Hashable]:
    """RETURNS (list[Hashable]): Entities that can be reached, each after those behind it, without
    those that have been seen.
    """
    order, waiting = list[Hashable](), [(start, False)]
    while waiting:
        node, is_done = waiting.pop()
        if is_done:
            order.append(node)
        elif node not in seen:
            seen.add(node)
            waiting += [(node, True), *((each, False) for each in following.get(node, ()))]
    return order
