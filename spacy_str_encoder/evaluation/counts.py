"""Counts of correct, predicted and gold keys, from which scores and their intervals are made."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

import numpy

from ..arrays import FloatArray, IntArray

# The predicted and the gold keys of a doc.
DocKeys = tuple[Collection[Any], Collection[Any]]
# As in spaCy's PRFScore: figures must agree with it to the last digit.
TINY = 1e-100


@dataclass(frozen=True)
class Counts:
    """Numbers of correct, predicted and gold keys.

    groups (list[Any]): The groups of keys, such as labels.
    by_group (IntArray): The counts of each group, over all docs. *Shape:* (groups, 3).
    by_doc (IntArray): The counts of each doc, over all groups. *Shape:* (docs, 3).
    """

    groups: list[Any]
    by_group: IntArray
    by_doc: IntArray


class Figures(TypedDict):
    """Precision, recall, F1, and the counts behind them."""

    p: float
    r: float
    f: float
    correct: int
    predicted: int
    gold: int


def count(docs: Sequence[DocKeys], group: Callable[[Any], Any]) -> Counts:
    """Count keys.

    docs (Sequence[DocKeys]): The predicted and the gold keys of each doc.
    group (Callable[[Any], Any]): Returns the group of a key, such as its label.
    RETURNS (Counts): The counts of each group and of each doc.
    """
    groups = sorted({group(key) for doc in docs for keys in doc for key in keys})
    index = {name: i for i, name in enumerate(groups)}
    by_group = numpy.zeros((len(groups), 3), dtype="int64")
    by_doc = numpy.zeros((len(docs), 3), dtype="int64")
    for row, (predicted, gold) in zip(by_doc, docs, strict=True):
        for column, keys in enumerate((set(predicted) & set(gold), predicted, gold)):
            row[column] = len(keys)
            for key in keys:
                by_group[index[group(key)], column] += 1
    return Counts(groups, by_group, by_doc)


def precision_recall_f(counts: IntArray) -> FloatArray:
    """Compute precision, recall and F1.

    counts (IntArray): Correct, predicted and gold. *Shape:* (..., 3).
    RETURNS (FloatArray): Precision, recall and F1. *Shape:* (..., 3).
    """
    correct, predicted, gold = numpy.moveaxis(counts, -1, 0)
    p = correct / (predicted + TINY)
    r = correct / (gold + TINY)
    return numpy.stack([p, r, 2 * ((p * r) / (p + r + TINY))], axis=-1)


def macro_f(counts: IntArray) -> float | None:
    """Compute the mean F1 of the groups that the gold docs have.

    counts (IntArray): Correct, predicted and gold. *Shape:* (groups, 3).
    RETURNS (float | None): The mean; None if the gold docs have no group.
    """
    in_gold = counts[counts[:, 2] > 0]
    return float(precision_recall_f(in_gold)[:, 2].mean()) if len(in_gold) else None


def figures(counts: IntArray) -> Figures:
    """Compute scores, and keep the counts beside them.

    counts (IntArray): Correct, predicted and gold. *Shape:* (3,).
    RETURNS (Figures): The figures.
    """
    p, r, f = precision_recall_f(counts).tolist()
    correct, predicted, gold = counts.tolist()
    return {"p": p, "r": r, "f": f, "correct": correct, "predicted": predicted, "gold": gold}
