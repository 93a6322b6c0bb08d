"""Scores of entities by whether they overlap others."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import accumulate
from math import inf
from operator import itemgetter
from typing import Literal

from ..doc.relation import Place
from .counts import DocKeys, Figures, count, figures
from .outcomes import EntityOutcome

# An entity is "inside" if another one holds it or covers the same characters, otherwise "outside"
# if it holds another one, otherwise "crossing" if it overlaps one, otherwise "alone".
Overlap = Literal["alone", "outside", "inside", "crossing"]
OVERLAPS: tuple[Overlap, ...] = ("alone", "outside", "inside", "crossing")


class OverlapFigures(Figures):
    """The strict scores of entities that overlap others in the same way."""

    overlap: Overlap


def find_overlaps(entities: Iterable[Place]) -> dict[Place, Overlap]:
    """Find how each entity of a doc overlaps the others.

    entities (Iterable[tuple[int, int, str]]): Start and end character of each entity, and label.
    RETURNS (dict[tuple[int, int, str], Overlap]): The overlap of each entity.
    """
    entities = set(entities)
    labels = Counter((start, end) for start, end, _ in entities)
    # In this order, a place can only lie in earlier ones, and only hold later ones.
    places = sorted(labels, key=lambda place: (place[0], -place[1]))
    ends = [end for _, end in places]
    # The greatest end of those before each place; the first start and the least end after it.
    reached = [0, *accumulate(ends, max)]
    next_start = [*(start for start, _ in places[1:]), inf]
    least_end = [*accumulate(reversed(ends), min, initial=inf)][-2::-1]
    kinds: dict[tuple[int, int], Overlap] = {}
    for i, (start, end) in enumerate(places):
        if end <= reached[i] or labels[start, end] > 1:
            kinds[start, end] = "inside"
        elif least_end[i] <= end:
            kinds[start, end] = "outside"
        else:
            crosses = start < reached[i] or next_start[i] < end
            kinds[start, end] = "crossing" if crosses else "alone"
    return {(start, end, label): kinds[start, end] for start, end, label in entities}


def count_overlapping(entities: Iterable[Place]) -> int:
    """Count the entities of a doc that overlap another one.

    entities (Iterable[tuple[int, int, str]]): Start and end character of each entity, and label.
    RETURNS (int): Number of entities.
    """
    return sum(overlap != "alone" for overlap in find_overlaps(entities).values())


def count_all_overlapping(outcomes: Iterable[EntityOutcome]) -> int:
    """Count the gold entities that overlap another one.

    outcomes (Iterable[EntityOutcome]): The outcome of each doc.
    RETURNS (int): Number of entities.
    """
    return sum(count_overlapping(outcome.gold) for outcome in outcomes)


def score_by_overlap(outcomes: Sequence[EntityOutcome]) -> list[OverlapFigures] | None:
    """Score entities by how they overlap others: correct ones as in the gold doc, and wrong ones
    among the predicted entities.

    outcomes (Sequence[EntityOutcome]): The outcome of each doc.
    RETURNS (list[OverlapFigures] | None): The scores of each kind of overlap that occurs; None if
        no gold entity overlaps another one.
    """
    if not count_all_overlapping(outcomes):
        return None
    counts = count([_by_overlap(outcome) for outcome in outcomes], itemgetter(1))
    by_overlap = dict(zip(counts.groups, counts.by_group, strict=True))
    return [
        {"overlap": overlap, **figures(by_overlap[overlap])}
        for overlap in OVERLAPS
        if overlap in by_overlap
    ]


def _by_overlap(outcome: EntityOutcome) -> DocKeys:
    gold = find_overlaps(outcome.gold)
    kinds = find_overlaps(outcome.predicted) | gold
    return [(key, kinds[key]) for key in outcome.predicted], {*gold.items()}
