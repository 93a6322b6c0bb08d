"""Checks of the relations that `str_rel` is initialized with."""

import warnings
from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from ..pairs.classes import RelationClass


def require_labels(name: str, labels: Mapping[str, str], counts: Counter[RelationClass]) -> None:
    """Check that there are labels, and that they cover the training data.

    name (str): The name of the component.
    labels (Mapping[str, str]): The directions of each label.
    counts (Counter[tuple[str, str]]): The gold relations by label and direction.
    RAISES (ValueError): If there are no labels, or the data has relations that they lack.
    """
    if not labels:
        raise ValueError(
            f"{name}: the training data has no relations, and no labels were given. Were they set "
            "(doc._.relations), and was the DocBin saved with store_user_data=True?"
        )
    if unknown := [each for each in counts if each[1] not in labels.get(each[0], "")]:
        listed = ", ".join(f"'{label}' {way} ({counts[label, way]}x)" for label, way in unknown)
        raise ValueError(
            f"{name}: the training data has relations that the given label data lacks: {listed}. "
            "Run `spacy init labels` again."
        )


def require_symmetric_labels(name: str, symmetric: Iterable[str], labels: Collection[str]) -> None:
    """Check that the training data has the labels that are symmetric.

    name (str): The name of the component.
    symmetric (Iterable[str]): The symmetric labels.
    labels (Collection[str]): All labels.
    RAISES (ValueError): If one of them does not occur.
    """
    if unknown := [label for label in symmetric if label not in labels]:
        raise ValueError(
            f"{name}: the training data has no relations of the symmetric labels "
            f"{_listed(unknown)}. Its labels are {_listed(labels)}."
        )


def warn_of_lost(name: str, lost: Counter[str], total: int) -> None:
    """Warn of gold relations that can't be learned.

    name (str): The name of the component.
    lost (Counter[str]): Their number by the reason.
    total (int): The number of all gold relations.
    """
    for reason, count in lost.items():
        warnings.warn(
            f"{name}: {count} of {total} gold relations {reason}; they are not learned.",
            stacklevel=3,
        )


def warn_of_mistyped(name: str, count: int) -> None:
    """Warn of gold relations whose spans have other types than the entities.

    name (str): The name of the component.
    count (int): Their number.
    """
    if count:
        warnings.warn(
            f"{name}: {count} gold relations have spans of other types than the entities in their "
            "places; no predicted relation will count as one of them. Make them of the entities in "
            "doc.ents.",
            stacklevel=3,
        )


def _listed(labels: Iterable[str]) -> str:
    return ", ".join(f"'{label}'" for label in labels)
