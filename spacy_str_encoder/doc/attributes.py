"""Attributes of entities, such as an assertion: present, negated or possible.

They are stored like scores, under the place of the entity, so that spaCy shifts them when docs are
cut, joined or serialized.
"""

from collections.abc import Mapping
from numbers import Real
from typing import Any

from spacy.tokens import Doc, Span

from .relation import Place, place_of
from .user_data import get_user_data, make_key

ATTRIBUTES = "str_attributes"


def get_attributes(span: Span) -> dict[str, str] | None:
    """Return the attributes of an entity.

    span (Span): The entity.
    RETURNS (dict[str, str] | None): The values by name; None if they are unannotated.
    """
    return read_attributes(span.doc, place_of(span))


def get_attribute_scores(span: Span) -> dict[str, float] | None:
    """Return the probabilities of the attributes of an entity.

    span (Span): The entity.
    RETURNS (dict[str, float] | None): The probability of each value by name, 1.0 for gold
        annotation; None if the attributes are unannotated.
    """
    return read_attribute_scores(span.doc, place_of(span))


def set_attributes(
    span: Span, values: Mapping[str, str] | None, scores: Mapping[str, float] | None = None
) -> None:
    """Replace the attributes of an entity.

    span (Span): The entity.
    values (Mapping[str, str] | None): The values by name. An empty mapping says that the entity is
        annotated and has no attributes; None, that it is unannotated.
    scores (Mapping[str, float] | None): The probabilities by name; 1.0 if not given.
    RAISES (ValueError): If the values are not strings by name, a score has no value, or is not a
        number from 0 to 1.
    """
    if values is not None:
        _check(values)
    _check_scores(scores or {}, values or {})
    write_attributes(span.doc, place_of(span), values, scores)


def read_attributes(doc: Doc, place: Place) -> dict[str, str] | None:
    """Return the attributes of an entity, which need not align with the tokens of the doc.

    doc (Doc): The doc.
    place (tuple[int, int, str]): Start and end character of the entity, and label.
    RETURNS (dict[str, str] | None): The values by name; None if they are unannotated.
    """
    stored = _find(doc, place)
    return None if stored is None else {name: value for name, (value, _) in stored.items()}


def read_attribute_scores(doc: Doc, place: Place) -> dict[str, float] | None:
    """Return the probabilities of the attributes of an entity, which need not align with the tokens
    of the doc.

    doc (Doc): The doc.
    place (tuple[int, int, str]): Start and end character of the entity, and label.
    RETURNS (dict[str, float] | None): The probabilities by name, see `get_attribute_scores`.
    """
    stored = _find(doc, place)
    return None if stored is None else {name: score for name, (_, score) in stored.items()}


def write_attributes(
    doc: Doc,
    place: Place,
    values: Mapping[str, str] | None,
    scores: Mapping[str, float] | None = None,
) -> None:
    """Replace the attributes of an entity, which need not align with the tokens of the doc.

    doc (Doc): The doc.
    place (tuple[int, int, str]): Start and end character of the entity, and label.
    values (Mapping[str, str] | None): The values by name, see `set_attributes`.
    scores (Mapping[str, float] | None): The probabilities by name; 1.0 if not given.
    RAISES (ValueError): If the values are not strings by name.
    """
    start, end, label = place
    user_data, key = get_user_data(doc), make_key(ATTRIBUTES, start, end)
    if values is None:
        user_data.get(key, {}).pop(label, None)
        return
    _check(values)
    scores = scores or {}
    stored = {name: [value, float(scores.get(name, 1.0))] for name, value in values.items()}
    user_data.setdefault(key, {})[label] = stored


def _find(doc: Doc, place: Place) -> dict[str, tuple[str, float]] | None:
    start, end, label = place
    return get_user_data(doc).get(make_key(ATTRIBUTES, start, end), {}).get(label)


def _check(values: Any) -> None:
    if not isinstance(values, Mapping):
        raise ValueError(NO_MAPPING.format(kind=type(values).__name__))
    for name, value in values.items():
        if not all(isinstance(each, str) and each for each in (name, value)):
            raise ValueError(
                f"An attribute must have a name and a value that are non-empty strings, got "
                f"{name!r}: {value!r}."
            )


def _check_scores(scores: Mapping[str, Any], values: Mapping[str, str]) -> None:
    for name, score in scores.items():
        if name not in values:
            listed = ", ".join(map(repr, values)) or "none"
            raise ValueError(
                f"A score must be for an attribute that has a value, got one for {name!r}. The "
                f"attributes with a value are: {listed}."
            )
        # This refuses NaN too.
        if not isinstance(score, Real) or not 0 <= float(score) <= 1:
            raise ValueError(
                f"The score of the attribute {name!r} must be a number from 0 to 1, got {score!r}."
            )


NO_MAPPING = (
    "span._.attributes must be a dict of values by name, such as {{'Assertion': 'negated'}}, got "
    "{kind}. For an entity without attributes, set {{}}."
)
