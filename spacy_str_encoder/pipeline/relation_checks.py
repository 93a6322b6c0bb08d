"""Checks of the relations in the training data, when `str_rel` is initialized."""

import warnings
from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from ..pairs.classes import RelationClass
from ..pairs.constraints import Constraint, LabelConstraint
from .new_labels import ADD_LABELS


def require_labels(name: str, labels: Mapping[str, str], counts: Counter[RelationClass]) -> None:
    """Require labels, and that they cover the training data.

    name (str): The name of the component.
    labels (Mapping[str, str]): Directions by label.
    counts (Counter[tuple[str, str]]): Number of gold relations by label and direction.
    RAISES (ValueError): If there are no labels, or the data has relations without a label.
    """
    if not labels:
        raise ValueError(
            f"{name}: the training data has no relations, and no labels were given. Set "
            "doc._.relations, and save the DocBin with store_user_data=True. To learn entities "
            f"alone, remove {name} from the pipeline."
        )
    if unknown := [each for each in counts if each[1] not in labels.get(each[0], "")]:
        listed = ", ".join(f"'{label}' {way} ({counts[label, way]}x)" for label, way in unknown)
        raise ValueError(
            f"{name}: the training data has relations that the given label file lacks: {listed}. "
            f"{ADD_LABELS}"
        )


def require_symmetric_labels(name: str, symmetric: Iterable[str], labels: Collection[str]) -> None:
    """Require that the symmetric labels occur in the training data.

    name (str): The name of the component.
    symmetric (Iterable[str]): The symmetric labels.
    labels (Collection[str]): All labels.
    RAISES (ValueError): If a symmetric label does not occur.
    """
    if unknown := [label for label in symmetric if label not in labels]:
        raise ValueError(
            f"{name}: the training data has no relations with the symmetric labels "
            f"{_listed(unknown)}. Its labels are {_listed(labels)}. Correct "
            "`symmetric` of str_rel."
        )


def require_constraints(
    name: str,
    constraints: Mapping[str, Constraint],
    labels: Collection[str],
    *,
    symmetric: Collection[str],
) -> None:
    """Require that constraints suit the labels. Those of other code are not checked.

    name (str): The name of the component.
    constraints (Mapping[str, Constraint]): The constraints by name.
    labels (Collection[str]): All labels.
    symmetric (Collection[str]): The symmetric labels.
    RAISES (ValueError): If a label does not occur, or is symmetric where heads are told from tails.
    """
    for key, each in constraints.items():
        if not isinstance(each, LabelConstraint):
            continue
        if unknown := [label for label in each.labels if label not in labels]:
            raise ValueError(
                f"{name}: no relation has the labels {_listed(unknown)} of the constraint '{key}'. "
                f"The labels are {_listed(labels)}. Correct `constraints` of {name}."
            )
        if each.is_directed and (alike := [label for label in each.labels if label in symmetric]):
            raise ValueError(
                f"{name}: the constraint '{key}' tells heads from tails, but the labels "
                f"{_listed(alike)} are symmetric. Use spacy-str-encoder.max_per_entity.v1 to limit "
                "how many such relations an entity has."
            )


def warn_of_lost(name: str, lost: Counter[str], total: int) -> None:
    """Warn of gold relations that can't be learned.

    name (str): The name of the component.
    lost (Counter[str]): Number of these relations by reason.
    total (int): Number of all gold relations.
    """
    for reason, count in lost.items():
        warnings.warn(
            f"{name}: gold relations that {reason} are not learned ({count} of {total}).",
            stacklevel=3,
        )


def warn_of_mistyped(name: str, count: int) -> None:
    """Warn of gold relations whose spans differ in type from the entities at the same place.

    name (str): The name of the component.
    count (int): Number of these relations.
    """
    if count:
        warnings.warn(
            f"{name}: gold relations between spans of other types than the entities at the same "
            f"place ({count}) always count as missed. Build them from the spans in doc.ents.",
            stacklevel=3,
        )


def _listed(labels: Iterable[str]) -> str:
    return ", ".join(f"'{label}'" for label in labels)
