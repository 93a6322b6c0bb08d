"""Confusion of relation classes, and of the values of attributes."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from itertools import zip_longest
from math import comb
from typing import TypedDict

import numpy

from ..doc.relation import Place, RelationKey
from .attributes import AttributeKey, AttributeOutcome
from .outcomes import RelationOutcome

Pair = tuple[Place, Place]
# The gold and the predicted class of a pair; None is "no relation".
Cell = tuple[str | None, str | None]


class Confusion(TypedDict):
    """A confusion matrix.

    classes (list[str | None]): The classes. The first is None, "no relation" or "no value". The
        others are a label with its direction: `>` if the head comes first in the text, `<` if the
        tail does, and no direction if the label is symmetric; or name and value of an attribute.
    counts (list[list[int]]): The number of pairs or entities by gold class (row) and predicted
        class (column).
    """

    classes: list[str | None]
    counts: list[list[int]]


def confuse(outcomes: Iterable[RelationOutcome], *, symmetric: Collection[str] = ()) -> Confusion:
    """Count the gold and the predicted relations of pairs of gold entities.

    A pair without any relation counts as "no relation" once. If a pair has several relations, gold
    relations that are predicted count as correct. The other gold and predicted relations are paired
    in the order of their names, and any left over are paired with "no relation". Rows therefore add
    up to the gold relations of a class, and columns to the predicted ones.

    outcomes (Iterable[RelationOutcome]): The outcome of each doc, with gold entities.
    symmetric (Collection[str]): The relation labels that have no direction.
    RETURNS (Confusion): The matrix.
    """
    cells: Counter[Cell] = Counter()
    for outcome in outcomes:
        _count_cells(cells, outcome, symmetric)
    return _make_matrix(cells)


def confuse_attributes(outcomes: Iterable[AttributeOutcome]) -> Confusion:
    """Count the gold and the predicted values of the attributes of gold entities.

    outcomes (Iterable[AttributeOutcome]): The outcome of each doc, with gold entities.
    RETURNS (Confusion): The matrix. Its classes are such as "Assertion=negated".
    """
    cells: Counter[Cell] = Counter()
    for outcome in outcomes:
        gold, predicted = map(_by_attribute, (outcome.gold, outcome.predicted))
        for key in gold.keys() | predicted.keys():
            cells[gold.get(key), predicted.get(key)] += 1
    return _make_matrix(cells)


def _by_attribute(keys: Iterable[AttributeKey]) -> dict[tuple[Place, str], str]:
    return {(place, name): label for place, name, label in keys}


def _make_matrix(cells: Counter[Cell]) -> Confusion:
    names = sorted({name for cell in cells for name in cell if name is not None})
    classes = [None, *names]
    index = {name: i for i, name in enumerate(classes)}
    counts = numpy.zeros((len(classes), len(classes)), dtype="int64")
    for (gold, predicted), number in cells.items():
        counts[index[gold], index[predicted]] = number
    return {"classes": classes, "counts": counts.tolist()}


def _count_cells(
    cells: Counter[Cell], outcome: RelationOutcome, symmetric: Collection[str]
) -> None:
    gold = _by_pair(outcome.gold, symmetric)
    predicted = _by_pair(outcome.predicted, symmetric)
    related = gold.keys() | predicted.keys()
    for pair in related:
        cells.update(_match(gold.get(pair, set()), predicted.get(pair, set())))
    entities = outcome.gold_entities
    of_entities = sum(one != other and {one, other} <= entities for one, other in related)
    # All other pairs are only counted: there may be millions.
    cells[None, None] += comb(len(entities), 2) - of_entities


def _by_pair(keys: Iterable[RelationKey], symmetric: Collection[str]) -> dict[Pair, set[str]]:
    classes: dict[Pair, set[str]] = {}
    for head, tail, label in keys:
        direction = "" if label in symmetric else " >" if head <= tail else " <"
        pair = (min(head, tail), max(head, tail))
        classes.setdefault(pair, set()).add(f"{label}{direction}")
    return classes


def _match(gold: set[str], predicted: set[str]) -> Iterator[Cell]:
    yield from ((name, name) for name in gold & predicted)
    yield from zip_longest(sorted(gold - predicted), sorted(predicted - gold))
