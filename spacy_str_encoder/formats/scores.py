"""Probabilities of entities, relations and attributes: which are probabilities, and how many a text
has.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from statistics import fmean
from typing import Any

from .annotated_text import AnnotatedText

SCORE, GIVEN_ENTITIES, OF_ATTRIBUTES = "score", "score_given_entities", "attribute_scores"
ENTITIES, RELATIONS, ATTRIBUTES = "entities", "relations", "attributes"
ALL_SCORES = frozenset({ENTITIES, RELATIONS, ATTRIBUTES})
# Decimals of probabilities that are written as text, or are of a text as a whole.
DECIMALS = 4
NOT_READ = "scores of predictions, which people may have corrected since"
NO_SCORES = "kinds of probabilities that this format can't hold"


def is_score(value: Any) -> bool:
    """Check whether a value is a probability.

    value (Any): The value.
    RETURNS (bool): Whether it is a number from 0 to 1.
    """
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def read_scores(item: Mapping[str, Any]) -> dict[str, Any]:
    """Get the probabilities among the fields of an entity or a relation. Other numbers, such as
    ranks, are none.

    item (Mapping[str, Any]): The fields.
    RETURNS (dict[str, Any]): Those that are probabilities, or probabilities of attributes.
    """
    found = {name: item[name] for name in (SCORE, GIVEN_ENTITIES) if is_score(item.get(name))}
    scores = item.get(OF_ATTRIBUTES)
    values = item.get(ATTRIBUTES) or {}
    if (
        isinstance(scores, dict)
        and scores.keys() <= {*values}
        and all(map(is_score, scores.values()))
    ):
        found[OF_ATTRIBUTES] = scores
    return found


def known_fields(item: Mapping[str, Any]) -> set[str]:
    """Find the fields of probabilities that need not be reported.

    item (Mapping[str, Any]): The fields of an entity or a relation.
    RETURNS (set[str]): The names of those that are read, or null.
    """
    names = (SCORE, GIVEN_ENTITIES, OF_ATTRIBUTES)
    return {name for name in names if item.get(name) is None} | read_scores(item).keys()


def count_scores(annotated: AnnotatedText) -> Counter[str]:
    """Count the probabilities of a text.

    annotated (AnnotatedText): The text.
    RETURNS (Counter[str]): The number of those of entities, relations and attributes.
    """
    entities, relations = annotated.entities, annotated.relations
    return Counter(
        {
            ENTITIES: sum(each.score is not None for each in entities),
            RELATIONS: sum(each.score is not None for each in relations),
            ATTRIBUTES: sum(len(each.attribute_scores or {}) for each in entities),
        }
    )


def has_scores(annotated: AnnotatedText) -> bool:
    """Check whether anything in a text has a probability, so that a pipeline predicted it.

    annotated (AnnotatedText): The text.
    RETURNS (bool): Whether anything has one.
    """
    given = (relation.score_given_entities for relation in annotated.relations)
    return count_scores(annotated).total() > 0 or any(score is not None for score in given)


def mean_score(annotated: AnnotatedText) -> float | None:
    """Compute how sure a pipeline is of a text as a whole: the mean of all of its probabilities,
    without those given entities.

    annotated (AnnotatedText): The text.
    RETURNS (float | None): The mean; None if nothing has a probability.
    """
    scores = [*_list_scores(annotated)]
    return round(fmean(scores), DECIMALS) if scores else None


def without_scores(annotated: AnnotatedText) -> AnnotatedText:
    """Remove the probabilities of a text, which an annotator has confirmed or corrected.

    annotated (AnnotatedText): The text.
    RETURNS (AnnotatedText): The text without probabilities.
    """
    entities = [replace(e, score=None, attribute_scores=None) for e in annotated.entities]
    relations = [
        replace(each, score=None, score_given_entities=None) for each in annotated.relations
    ]
    return replace(annotated, entities=entities, relations=relations)


def _list_scores(annotated: AnnotatedText) -> Iterator[float]:
    for entity in annotated.entities:
        yield from (entity.attribute_scores or {}).values()
    joint = [e.score for e in annotated.entities] + [r.score for r in annotated.relations]
    yield from (score for score in joint if score is not None)
