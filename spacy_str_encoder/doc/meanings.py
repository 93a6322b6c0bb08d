"""Meanings of attributes and relations, for tables and resources of hospitals: which say that
something is absent, uncertain or past, and which terminologies have identifiers of concepts.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

# For each attribute, values; for each label of a relation, types of the other entity.
Table = Mapping[str, Collection[str]]
URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")
BETWEEN = re.compile(r"[\s_-]+")


DEFAULTS: dict[str, Any] = {
    "absent": {
        "Assertion": ["absent", "negated", "negative", "denied", "ruled out"],
        "Negation": ["true", "yes", "negated"],
        "Polarity": ["negative", "negated"],
        "Negative": ["Negation"],
    },
    "conditional": {
        "Assertion": ["conditional", "hypothetical"],
        "Conditional": ["true", "yes"],
        "Temporality": ["hypothetical"],
        "Time": ["hypothetical"],
    },
    "uncertain": {
        "Assertion": ["possible", "probable", "suspected", "uncertain"],
        "Certainty": ["possible", "probable", "suspected", "uncertain"],
        "Uncertainty": ["true", "yes"],
    },
    "other_subject": {
        "Assertion": ["associated with someone else", "family"],
        "Experiencer": ["family", "family member", "other"],
        "Subject": ["family", "family member", "other"],
    },
    "past": {
        "Assertion": ["historical"],
        "Temporality": ["past", "historical"],
        "Time": ["past", "historical"],
    },
    "planned": {
        "Assertion": ["planned"],
        "Temporality": ["planned", "future"],
        "Time": ["planned", "future"],
    },
    "present": {
        "Assertion": ["present", "affirmed", "positive", "confirmed"],
        "Negation": ["false", "no", "affirmed"],
        "Polarity": ["positive", "affirmed"],
        "Conditional": ["false", "no"],
        "Certainty": ["certain", "confirmed"],
        "Uncertainty": ["false", "no"],
        "Experiencer": ["patient", "self"],
        "Subject": ["patient", "self"],
        "Temporality": ["current", "recent", "present"],
        "Time": ["current", "recent", "present"],
    },
    "modifiers": None,
    "concept_system": "OMOP",
    "source_concept_system": "OMOP source",
    "conditions": [],
    "body_sites": ["BodyPart", "Location"],
    "severities": ["Degree", "Severity"],
    "observed": {},
    "systems": {},
}


@dataclass(frozen=True)
class Meanings:
    """Meanings of the attributes and relations of an entity. Case makes no difference, nor do
    spaces, underscores and hyphens.

    absent (Table): The patient does not have it.
    conditional (Table): The patient may have it under a condition.
    uncertain (Table): The patient may have it.
    other_subject (Table): Somebody else has it, such as the mother.
    past (Table): The patient had it.
    planned (Table): The patient may get it.
    present (Table): None of these: the patient has it.
    modifiers (list[str] | None): The attributes and relations in `term_modifiers`; None for all.
    concept_system (str): The terminology whose codes are the numbers of standard concepts.
    source_concept_system (str): The terminology whose codes are the numbers of source concepts.
    conditions (list[str]): The central types that become a Condition; others are an Observation.
    body_sites (list[str]): The types of values that are the body site of a Condition.
    severities (list[str]): The types of values that are the severity of a Condition.
    observed (Mapping[str, str]): What is observed of the entities of a type, which are then its
        body sites.
    systems (Mapping[str, str]): The URI of each terminology, of the identifiers of texts (`id`)
        and of those of patients (`subject`).
    """

    absent: Table
    conditional: Table
    uncertain: Table
    other_subject: Table
    past: Table
    planned: Table
    present: Table
    modifiers: Collection[str] | None
    concept_system: str
    source_concept_system: str
    conditions: Collection[str]
    body_sites: Collection[str]
    severities: Collection[str]
    observed: Mapping[str, str]
    systems: Mapping[str, str]

    def find(self, said: Iterable[tuple[str, str]]) -> frozenset[str]:
        """Find what attributes and relations mean.

        said (Iterable[tuple[str, str]]): Attributes with their values, and labels of relations with
            the type of the other entity.
        RETURNS (frozenset[str]): The names of the tables that have any of them.
        """
        pairs = ((fold(name), fold(value)) for name, value in said)
        return frozenset(chain.from_iterable(self._by_pair.get(pair, ()) for pair in pairs))

    def know(self, name: str) -> bool:
        """Check whether an attribute or a relation has a meaning.

        name (str): The name of the attribute, or the label of the relation.
        RETURNS (bool): Whether a table has it.
        """
        return fold(name) in self._names

    def lack(self, name: str, value: str) -> bool:
        """Check whether an attribute has a meaning, but not with a value.

        name (str): The name of the attribute.
        value (str): The value.
        RETURNS (bool): Whether no table has this value, but one has others.
        """
        return self.know(name) and not self.find([(name, value)])

    def list_values(self, names: Iterable[str]) -> set[str]:
        """List what has a meaning with any of some attributes or relations.

        names (Iterable[str]): The names of the attributes, or the labels of the relations.
        RETURNS (set[str]): The values, or the types of the other entity, folded.
        """
        folded = {*map(fold, names)}
        return {value for name, value in self._by_pair if name in folded}

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(name for name, _ in self._by_pair)

    @cached_property
    def _by_pair(self) -> dict[tuple[str, str], list[str]]:
        found: dict[tuple[str, str], list[str]] = {}
        for meaning in TABLES:
            for name, values in getattr(self, meaning).items():
                for value in values:
                    found.setdefault((fold(name), fold(value)), []).append(meaning)
        return found


def fold(name: str) -> str:
    """Fold what makes no difference in names and values.

    name (str): The name or value.
    RETURNS (str): It in lower case, with a space for each space, underscore and hyphen.
    """
    return BETWEEN.sub(" ", name.casefold()).strip()


TABLES = ("absent", "conditional", "uncertain", "other_subject", "past", "planned", "present")
TYPES = ("conditions", "body_sites", "severities")
LISTS = ("modifiers", *TYPES)
STRINGS = ("concept_system", "source_concept_system")
# In `systems`, those that are no terminologies: the identifiers of texts and patients.
ID, SUBJECT = IDENTIFIERS = ("id", "subject")


def read_meanings(settings: Mapping[str, Any] | None, central: Collection[str]) -> Meanings:
    """Read the settings of meanings. What is not given has its default.

    settings (Mapping[str, Any] | None): The settings by name; None for none.
    central (Collection[str]): The types of central entities.
    RETURNS (Meanings): The meanings.
    RAISES (ValueError): If a setting is unknown or has another form, or a type of `conditions` is
        not central.
    """
    given = {} if settings is None else settings
    if not isinstance(given, Mapping):
        raise ValueError(f"omop: must be a block of settings, got {given!r}.")
    for name, value in given.items():
        _check(name, value)
    meanings = Meanings(**{**DEFAULTS, **given})
    if others := sorted({*meanings.conditions} - {*central}):
        raise ValueError(
            f"omop.conditions: must be types of `central` ({', '.join(central)}), got "
            f"{', '.join(others)}."
        )
    return meanings


def _check(name: str, value: Any) -> None:
    if name not in DEFAULTS:
        raise ValueError(f"omop: unknown setting {name!r}. Use only {', '.join(DEFAULTS)}.")
    if name in TABLES and not (_is_table(value) and all(map(_is_list, value.values()))):
        _refuse(name, 'a list for each attribute or relation, such as {"Time": ["past"]}', value)
    if name in LISTS and not _is_list(value) and (name, value) != ("modifiers", None):
        _refuse(name, "a list of names", value)
    if name in STRINGS and not isinstance(value, str):
        _refuse(name, "the name of a terminology", value)
    if name == "observed" and not (_is_table(value) and all(map(_is_text, value.values()))):
        _refuse(name, 'what is observed of each type, such as {"Vessel": "stenosis"}', value)
    if name == "systems" and not (_is_table(value) and all(map(_is_uri, value.values()))):
        _refuse(name, 'a URI without spaces for each name, such as {"id": "urn:oid:1.2.3"}', value)


def _is_table(value: Any) -> bool:
    return isinstance(value, Mapping) and all(map(_is_string, value))


def _is_list(value: Any) -> bool:
    is_listed = isinstance(value, Collection) and not isinstance(value, str | Mapping)
    return is_listed and all(map(_is_string, value))


def _is_string(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_uri(value: Any) -> bool:
    return isinstance(value, str) and URI.fullmatch(value) is not None


def _refuse(name: str, wanted: str, value: Any) -> None:
    raise ValueError(f"omop.{name}: must be {wanted}, got {value!r}.")
