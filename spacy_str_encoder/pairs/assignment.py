"""Assignments: the best relations where each is limited by at most two groups, such as those of its
head and of its tail.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Sequence

from .constraints import Clash

SOURCE, SINK = -1, -2


def find_assignment(clashes: Sequence[Clash], values: Sequence[int]) -> list[int] | None:
    """Find the relations with the highest total that keep the limits of all groups, as the flow of
    minimum cost from groups of one side to those of the other.

    clashes (Sequence[tuple[Sequence[int], int]]): Indices of the relations of each group, and its
        limit. Each relation is in a group.
    values (Sequence[int]): Gain by keeping each relation, above 0.
    RETURNS (list[int] | None): The indices of the kept relations; None if the groups do not have
        two sides.
    """
    groups: dict[int, list[int]] = defaultdict(list)
    for group, (members, _) in enumerate(clashes):
        for i in members:
            groups[i].append(group)
    sides = _find_sides(groups.values())
    if sides is None:
        return None
    flow = _Flow()
    for group, (_, limit) in enumerate(clashes):
        start, end = (group, SINK) if sides.get(group) else (SOURCE, group)
        flow.add(start, end, room=limit, cost=0)
    kept = {}
    for i, of in groups.items():
        on = {sides.get(group, False): group for group in of}
        kept[i] = flow.add(on.get(False, SOURCE), on.get(True, SINK), room=1, cost=-values[i])
    flow.fill()
    return [i for i, arc in kept.items() if not flow.room[arc]]


def _find_sides(groups: Iterable[Sequence[int]]) -> dict[int, bool] | None:
    """Put groups on two sides, so that no two groups of a relation are on the same side."""
    others: dict[int, set[int]] = defaultdict(set)
    for of in groups:
        if len(of) > 2:
            return None
        for one, other in (of, of[::-1]) if len(of) == 2 else ():
            others[one].add(other)
    sides: dict[int, bool] = {}
    for first in others:
        waiting = [] if first in sides else [first]
        sides.setdefault(first, False)
        while waiting:
            group = waiting.pop()
            if any(sides.get(other) == sides[group] for other in others[group]):
                return None
            waiting += others[group] - sides.keys()
            sides.update(dict.fromkeys(others[group], not sides[group]))
    return sides


class _Flow:
    """Flow of minimum cost. Arcs come in twos: the second of both takes flow back."""

    def __init__(self) -> None:
        self.ends: list[int] = []
        self.room: list[int] = []
        self.cost: list[int] = []
        self.arcs: dict[int, list[int]] = defaultdict(list)

    def add(self, start: int, end: int, *, room: int, cost: int) -> int:
        """RETURNS (int): The number of a new arc."""
        for node, other, free, price in ((start, end, room, cost), (end, start, 0, -cost)):
            self.arcs[node].append(len(self.ends))
            self.ends.append(other)
            self.room.append(free)
            self.cost.append(price)
        return len(self.ends) - 2

    def fill(self) -> None:
        """Add flow while this lowers the cost."""
        while path := self._find_path():
            for arc in path:
                self.room[arc] -= 1
                self.room[arc ^ 1] += 1

    def _find_path(self) -> list[int]:
        """RETURNS (list[int]): The cheapest path, from its end; empty if it does not lower the
        cost.
        """
        costs, last, waiting = {SOURCE: 0}, dict[int, int](), deque([SOURCE])
        while waiting:
            node = waiting.popleft()
            for arc in self.arcs[node]:
                end, cost = self.ends[arc], costs[node] + self.cost[arc]
                if self.room[arc] and (end not in costs or cost < costs[end]):
                    costs[end], last[end] = cost, arc
                    waiting.append(end)
        path, node = list[int](), SINK
        while costs.get(SINK, 0) < 0 and node != SOURCE:
            path.append(last[node])
            node = self.ends[last[node] ^ 1]
        return path
