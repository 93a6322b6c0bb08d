"""Choosing the relations of a doc that break no constraint, and are the most probable together.

Relations that share a clash, directly or through others, are a component, which is decided by
itself. Up to `MOST_EXACT` relations are searched exactly. More are an assignment, if clashes limit
how many relations entities have: this is exact too. Otherwise a beam searches, whose result is at
least as good as that of the greedy choice, the most probable relation first.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from heapq import nlargest
from itertools import accumulate

from ..doc.relation import Relation
from .assignment import find_assignment
from .constraints import Clash, Constraint

MOST_EXACT = 12
# Number of choices that are followed side by side, unless there are so many relations that the
# product of this and the square of their number exceeds the second number.
BEAM, MOST_STEPS = 16, 2**17
# Weights are whole multiples of this, so that equal sums are equal in any order.
UNIT = 2.0**-20

# Whether relations of a component can all be kept, by their indices.
Allows = Callable[[Sequence[int]], bool]


def choose_relations(
    relations: Sequence[Relation], weights: Iterable[float], constraints: Collection[Constraint]
) -> list[Relation]:
    """Choose the relations with the highest total weight that break no constraint. Of choices with
    the same total, the one that keeps the relation which comes first is taken.

    relations (Sequence[Relation]): The relations of a doc, in text order.
    weights (Iterable[float]): Gain by keeping each relation, 0 or more.
    constraints (Collection[Constraint]): The constraints.
    RETURNS (list[Relation]): The kept relations, in the same order.
    """
    clashes = _find_clashes(relations, constraints)
    if not clashes:
        return list(relations)
    gains, dropped = list(weights), set[int]()
    for component in _find_components(clashes):
        places = {i: place for place, i in enumerate(component)}
        own = [([places[i] for i in of], most) for of, most in clashes if of[0] in places]
        members = [relations[i] for i in component]
        kept = _choose(members, [gains[i] for i in component], own, constraints)
        dropped |= {*component} - {component[place] for place in kept}
    return [relation for i, relation in enumerate(relations) if i not in dropped]


def _find_clashes(relations: Sequence[Relation], constraints: Iterable[Constraint]) -> list[Clash]:
    # Functions of users need not expect that there are none.
    asked = constraints if relations else ()
    clashes = (clash for constraint in asked for clash in constraint(relations))
    return [(members, most) for members, most in clashes if len(members) > most]


def _find_components(clashes: Iterable[Clash]) -> list[list[int]]:
    """RETURNS (list[list[int]]): The relations that are connected by clashes, in order."""
    components: dict[int, set[int]] = {}
    for members, _ in clashes:
        merged = set(members).union(*(components.get(i, ()) for i in members))
        components.update(dict.fromkeys(merged, merged))
    return [sorted(each) for each in {id(each): each for each in components.values()}.values()]


def _choose(
    relations: Sequence[Relation],
    weights: Sequence[float],
    clashes: Sequence[Clash],
    constraints: Iterable[Constraint],
) -> Iterable[int]:
    """RETURNS (Iterable[int]): The indices of the kept relations of a component."""

    def allows(chosen: Sequence[int]) -> bool:
        return not _find_clashes([relations[i] for i in sorted(chosen)], constraints)

    values, is_small = _break_ties(weights), len(relations) <= MOST_EXACT
    limited = partial(_keeps_limits, clashes)
    kept = _search_all(values, limited) if is_small else find_assignment(clashes, values)
    # If the best set that keeps the limits is allowed, no other one is better. Cycles need more.
    if kept is not None and allows(kept):
        return kept
    return _search_all(values, allows) if is_small else _search_long(values, allows)


def _keeps_limits(clashes: Iterable[Clash], chosen: Collection[int]) -> bool:
    return all(sum(i in chosen for i in of) <= most for of, most in clashes)


def _search_long(values: Sequence[int], allows: Allows) -> Sequence[int]:
    """Search with a beam, but return the greedy choice if that is better."""
    width = max(min(BEAM, MOST_STEPS // len(values) ** 2), 1)
    found = (_search_beam(values, allows, width=each) for each in {1, width})
    return max(found, key=lambda chosen: sum(values[i] for i in chosen))


def _break_ties(weights: Sequence[float]) -> list[int]:
    """RETURNS (list[int]): Weights as whole numbers no two sets of which have the same total."""
    last = len(weights) - 1
    return [(round(w / UNIT) << len(weights)) + (1 << last - i) for i, w in enumerate(weights)]


def _best_first(values: Sequence[int]) -> list[int]:
    return sorted(range(len(values)), key=lambda i: -values[i])


def _search_all(values: Sequence[int], allows: Allows) -> Sequence[int]:
    """Search all sets, but for those that can't be better than the best one so far."""
    order = _best_first(values)
    rest = [*accumulate((values[i] for i in reversed(order)), initial=0)][::-1]
    best, found = -1, tuple[int, ...]()
    waiting: list[tuple[int, int, tuple[int, ...]]] = [(0, 0, ())]
    while waiting:
        step, total, chosen = waiting.pop()
        if total + rest[step] <= best:
            continue
        if step == len(order):
            best, found = total, chosen
            continue
        waiting.append((step + 1, total, chosen))
        if allows(more := (*chosen, order[step])):
            waiting.append((step + 1, total + values[order[step]], more))
    return found


def _search_beam(values: Sequence[int], allows: Allows, *, width: int) -> Sequence[int]:
    """Decide on one relation after the other, and follow the best choices. With a width of 1, this
    is the greedy choice.
    """
    beam: list[tuple[int, tuple[int, ...]]] = [(0, ())]
    for i in _best_first(values):
        more = [(t + values[i], (*chosen, i)) for t, chosen in beam if allows((*chosen, i))]
        beam = nlargest(width, [*more, *beam])
    return beam[0][1]
