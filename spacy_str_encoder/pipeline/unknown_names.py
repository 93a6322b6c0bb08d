"""Check that components predict what the settings of another one name."""

import warnings
from collections.abc import Collection
from itertools import chain

from spacy.language import Language


def find_labels(nlp: Language, assigned: Collection[str]) -> set[str]:
    """Find the labels of the components that assign something.

    nlp (Language): The pipeline.
    assigned (Collection[str]): Attributes as in the meta data of components, such as `doc.ents`.
    RETURNS (set[str]): The labels. Empty if any of the components has no labels (yet).
    """
    labels = [nlp.pipe_labels.get(name, []) for name in find_assigning(nlp, assigned)]
    return set(chain.from_iterable(labels)) if all(labels) else set()


def find_assigning(nlp: Language, assigned: Collection[str]) -> list[str]:
    """Find the components that assign something.

    nlp (Language): The pipeline.
    assigned (Collection[str]): Attributes, as in `find_labels`.
    RETURNS (list[str]): Their names.
    """
    return [name for name in nlp.pipe_names if {*assigned} & {*nlp.get_pipe_meta(name).assigns}]


def warn_of_unknown(
    name: str, setting: str, given: Collection[str], known: Collection[str]
) -> None:
    """Warn of names that no component predicts.

    name (str): The name of the component.
    setting (str): The name of its setting.
    given (Collection[str]): The names in this setting.
    known (Collection[str]): The names that are predicted; nothing is known of them if empty.
    """
    if known and (unknown := sorted({*given} - {*known})):
        warnings.warn(
            f"{name}: no component of this pipeline predicts {', '.join(unknown)}, listed in "
            f"`{setting}`. The pipeline predicts {', '.join(sorted(known))}.",
            stacklevel=3,
        )
