"""Gold and predicted attributes of entities, as plain keys."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from spacy.tokens import Doc
from spacy.training import Example

from ..doc.attributes import get_attribute_scores, get_attributes, read_attributes
from ..doc.entities import get_entities
from ..doc.relation import Place, place_of

# Entity, name, and both name and value, such as "Assertion=negated".
AttributeKey = tuple[Place, str, str]


@dataclass(frozen=True)
class AttributeOutcome:
    """The gold and the predicted attributes of a doc, including default values. Wrong entities, and
    those with unannotated attributes, are left out.

    gold (set[AttributeKey]): The gold attributes. Where an attribute is predicted but not
        annotated, its default value is the gold one.
    predicted (list[AttributeKey]): The predicted attributes.
    scores (list[float]): Their probabilities.
    is_set (bool): Whether any component set attributes.
    """

    gold: set[AttributeKey]
    predicted: list[AttributeKey]
    scores: list[float]
    is_set: bool


def has_attributes(doc: Doc, entities: Iterable[Place]) -> bool:
    """Check whether the attributes of any entity of a gold doc are annotated.

    doc (Doc): The doc.
    entities (Iterable[tuple[int, int, str]]): Its entities.
    RETURNS (bool): Whether any are.
    """
    return any(read_attributes(doc, place) is not None for place in entities)


def attribute_outcome(
    example: Example,
    entities: Collection[Place],
    *,
    defaults: Mapping[str, str],
    spans_key: str | None = None,
) -> AttributeOutcome:
    """Compare the attributes of the gold entities that were found.

    example (Example): A predicted and a gold doc.
    entities (Collection[tuple[int, int, str]]): The gold entities.
    defaults (Mapping[str, str]): The default values by name.
    spans_key (str | None): The span group that holds the predicted entities; `doc.ents` if None.
    RETURNS (AttributeOutcome): The outcome.
    """
    found = {place_of(span): span for span in get_entities(example.predicted, spans_key)}
    gold: set[AttributeKey] = set()
    predicted: dict[AttributeKey, float] = {}
    for place in entities:
        annotated = read_attributes(example.reference, place)
        if annotated is None:
            continue
        values = get_attributes(found[place]) or {} if place in found else {}
        scores = get_attribute_scores(found[place]) or {} if values else {}
        expected = {name: defaults[name] for name in values if name in defaults} | annotated
        gold |= {_key(place, *item) for item in expected.items()}
        predicted |= {_key(place, *item): scores[item[0]] for item in values.items()}
    is_set = any(get_attributes(span) is not None for span in found.values())
    return AttributeOutcome(gold, list(predicted), list(predicted.values()), is_set)


def _key(place: Place, name: str, value: str) -> AttributeKey:
    return place, name, f"{name}={value}"
