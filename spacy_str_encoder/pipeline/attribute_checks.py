"""Checks of the attributes in the training data, when `str_attr` is initialized."""

import warnings
from collections.abc import Mapping
from typing import Any

from ..attributes.gold import GoldAttributes
from ..attributes.task import AttributeTask
from .new_labels import ADD_LABELS


def require_known(
    name: str, task: AttributeTask, labels: Mapping[str, Mapping[str, Any]], counts: GoldAttributes
) -> None:
    """Require attributes, and that the labels and the defaults fit the training data.

    name (str): The name of the component.
    task (AttributeTask): The attributes, without the defaults.
    labels (Mapping[str, Mapping[str, Any]]): The label file; empty if there is none.
    counts (GoldAttributes): The counts of the training data.
    RAISES (ValueError): If there are no attributes, the data has values that are not among them, a
        default is for none of them, or differs from that in the label file.
    """
    if not task.labels:
        raise ValueError(
            f"{name}: the training data has no attributes of entities, and no labels were given. "
            "Set span._.attributes, and save the DocBin with store_user_data=True."
        )
    if unknown := [label for label in counts.labels if label not in task.labels]:
        listed = ", ".join(f"'{'='.join(label)}' ({counts.labels[label]}x)" for label in unknown)
        raise ValueError(
            f"{name}: the training data has attributes that the given label file lacks: {listed}. "
            f"{ADD_LABELS}"
        )
    if unused := sorted(set(task.defaults).difference(task.columns)):
        raise ValueError(
            f"{name}: no entity of the training data has the attribute '{unused[0]}', which has a "
            f"default value. The attributes are {', '.join(map(repr, task.columns))}. Correct "
            f"`defaults` of {name}."
        )
    for key, data in labels.items():
        default = task.defaults.get(key)
        if data["default"] != default:
            raise ValueError(
                f"{name}: the label file says that the default of '{key}' is {data['default']!r}, "
                f"but `defaults` of {name} says {default!r}. Run `spacy init labels` again."
            )


def require_choices(name: str, task: AttributeTask) -> None:
    """Require that each attribute has several values.

    name (str): The name of the component.
    task (AttributeTask): The attributes.
    RAISES (ValueError): If an attribute has a single value.
    """
    for key, values in task.columns.items():
        if len(values) == 1:
            [value] = values
            raise ValueError(
                f"{name}: '{value}' is the only value of the attribute '{key}', so there is "
                "nothing to learn. If entities without it have another value, name it, such as "
                f'defaults = {{"{key}": "no"}} under [components.{name}].'
            )


def warn_of_misaligned(name: str, counts: GoldAttributes) -> None:
    """Warn of entities whose attributes can't be learned.

    name (str): The name of the component.
    counts (GoldAttributes): The counts of the training data.
    """
    if counts.misaligned:
        warnings.warn(
            f"{name}: attributes of entities that do not align with the tokens of the pipeline "
            f"({counts.misaligned} of {counts.annotated.total()}) are not learned. Run "
            "`spacy-str-encoder debug-data` to see these entities.",
            stacklevel=3,
        )


def warn_of_missing_values(name: str, task: AttributeTask, counts: GoldAttributes) -> None:
    """Warn of annotated entities without a value of an attribute that has no default.

    name (str): The name of the component.
    task (AttributeTask): The attributes.
    counts (GoldAttributes): The counts of the training data.
    """
    for key, types in counts.types.items():
        annotated = sum(counts.annotated[each] for each in types)
        missing = annotated - types.total()
        if missing and key not in task.defaults:
            warnings.warn(
                f"{name}: nothing is learned from annotated entities without a value of the "
                f"attribute '{key}' ({missing} of {annotated}), although others of their types "
                "have one. If they have a usual value, name it, such as "
                f'defaults = {{"{key}": "present"}} under [components.{name}].',
                stacklevel=3,
            )
