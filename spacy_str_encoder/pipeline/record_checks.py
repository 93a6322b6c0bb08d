"""Warn of names in the settings of records that no component of the pipeline predicts, and of
terminologies that it does not have.
"""

import warnings
from collections.abc import Collection, Mapping
from itertools import chain
from typing import Any

from spacy.language import Language

from ..doc.meanings import IDENTIFIERS, STRINGS, TABLES, TYPES, fold
from .span_groups import ENTITIES, RELATIONS
from .unknown_names import find_assigning, find_labels, warn_of_unknown

# Assigned by components that predict attributes of entities.
SPAN_ATTRIBUTES = ("span._.attributes",)
CODES = ("span._.codes",)


def warn_of_meanings(name: str, given: Mapping[str, Any], nlp: Language) -> None:
    """Warn of attributes, relations, their values and types that have a meaning, but that no
    component predicts, and of terminologies that none has.

    name (str): The name of the component.
    given (Mapping[str, Any]): The meanings that were given, without defaults.
    nlp (Language): The pipeline.
    """
    types = find_labels(nlp, ENTITIES)
    for setting in (*TYPES, "observed"):
        warn_of_unknown(name, f"omop.{setting}", given.get(setting, ()), types)
    _warn_of_systems(name, given, nlp)
    known = _find_values(nlp, types)
    if known is None:
        return
    warn_of_unknown(name, "omop.modifiers", given.get("modifiers") or (), known)
    for setting in TABLES:
        for named, values in given.get(setting, {}).items():
            _warn_of_folded(name, f"omop.{setting}", [named], known)
            predicted = (each for label, each in known.items() if fold(label) == fold(named))
            _warn_of_folded(
                name, f"omop.{setting}.{named}", values, {*chain.from_iterable(predicted)}
            )


def _warn_of_systems(name: str, given: Mapping[str, Any], nlp: Language) -> None:
    found = [getattr(nlp.get_pipe(each), "systems", []) for each in find_assigning(nlp, CODES)]
    # Nothing is known of a component that does not list its terminologies (yet).
    if not found or not all(found):
        return
    known = {*chain.from_iterable(found)}
    named = {setting: [given[setting]] for setting in STRINGS if setting in given}
    named["systems"] = [each for each in given.get("systems", ()) if each not in IDENTIFIERS]
    for setting, systems in named.items():
        if unknown := sorted({*systems} - known):
            message = NO_SYSTEM.format(
                name=name,
                setting=setting,
                unknown=", ".join(unknown),
                known=", ".join(sorted(known)),
            )
            warnings.warn(message, stacklevel=3)


NO_SYSTEM = (
    "{name}: no terminology of this pipeline is called {unknown}, as `omop.{setting}` says. Those "
    "of the pipeline are {known}."
)


def _find_values(nlp: Language, types: set[str]) -> dict[str, set[str]] | None:
    """RETURNS (dict[str, set[str]] | None): The values of each attribute, and the types for each
    relation; None if any component has no labels (yet).
    """
    labels, values = find_labels(nlp, RELATIONS), find_labels(nlp, SPAN_ATTRIBUTES)
    for assigned, found in ((RELATIONS, labels), (SPAN_ATTRIBUTES, values)):
        if not found and find_assigning(nlp, assigned):
            return None
    known = dict.fromkeys(labels, types)
    for attribute, _, value in (each.partition("=") for each in values):
        known[attribute] = known.get(attribute, set()) | {value}
    return known


def _warn_of_folded(
    name: str, setting: str, given: Collection[str], known: Collection[str]
) -> None:
    folded = {*map(fold, known)}
    warn_of_unknown(name, setting, [each for each in given if fold(each) not in folded], known)
