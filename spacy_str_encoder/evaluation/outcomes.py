"""Gold and predicted entities and relations of docs, as plain keys."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

from spacy.tokens import Span
from spacy.training import Example

from ..doc.entities import get_entities, has_entities
from ..doc.relation import (
    Place,
    Relation,
    RelationKey,
    count_hidden,
    get_relations,
    get_score,
    has_relations,
    place_of,
    relation_key,
)

Task = Literal["entities", "relations", "relations_gold_entities"]

TASKS: dict[Task, str] = {
    "entities": "NER",
    "relations": "RC, predicted entities",
    "relations_gold_entities": "RC, gold entities",
}


# Start and end token of an entity in the gold doc, and its label.
TokenSpan = tuple[int, int, str]


@dataclass(frozen=True)
class EntityOutcome:
    """The gold and the predicted entities of a doc.

    gold (set[tuple[int, int, str]]): Start and end token in the gold doc, and label.
    predicted (list[tuple[int, int, str]]): The same for predicted entities, where the gold doc is
        annotated.
    scores (list[float | None]): Their probabilities; None if an entity has none.
    is_set (bool): Whether any component set entities.
    rounded (int): The number of entities that count as correct but begin or end inside a gold
        token.
    """

    gold: set[TokenSpan]
    predicted: list[TokenSpan]
    scores: list[float | None]
    is_set: bool
    rounded: int = 0


@dataclass(frozen=True)
class RelationOutcome:
    """The gold and the predicted relations of a doc.

    gold (dict[RelationKey, int]): The gold relations, and the number of tokens between their
        entities.
    predicted (list[RelationKey]): The predicted relations, without repeats.
    scores (list[float]): Their probabilities.
    is_set (bool): Whether any component set relations.
    gold_entities (set[tuple[int, int, str]]): The gold entities.
    entities (set[tuple[int, int, str]]): The entities that the candidate pairs are made of.
    has_entities (bool): Whether any component set them.
    hidden (int): The number of predicted relations whose entities a later component removed.
    """

    gold: dict[RelationKey, int]
    predicted: list[RelationKey]
    scores: list[float]
    is_set: bool
    gold_entities: set[Place]
    entities: set[Place]
    has_entities: bool = True
    hidden: int = 0


@dataclass
class Outcomes:
    """The outcomes of a pipeline on all docs.

    symmetric (frozenset[str]): The relation labels that have no direction.
    docs (int): The number of docs.
    entities (list[EntityOutcome]): The outcome of each doc whose entities are annotated.
    relations (list[RelationOutcome]): The outcome of each doc whose relations are annotated, with
        predicted entities.
    relations_gold_entities (list[RelationOutcome]): The same, with gold entities.
    precision (dict[str, str]): The precision of each encoder of the pipeline, by component.
    """

    symmetric: frozenset[str]
    docs: int = 0
    entities: list[EntityOutcome] = field(default_factory=list)
    relations: list[RelationOutcome] = field(default_factory=list)
    relations_gold_entities: list[RelationOutcome] = field(default_factory=list)
    precision: dict[str, str] = field(default_factory=dict)


def collect_outcomes(
    predicted: Iterable[Example],
    with_gold: Iterable[Example],
    *,
    symmetric: Collection[str] = (),
    spans_key: str | None = None,
) -> Outcomes:
    """Reduce examples to outcomes, one at a time: the encoder states of all docs may not fit into
    the memory.

    predicted (Iterable[Example]): Docs with predicted entities, and relations between them.
    with_gold (Iterable[Example]): The same docs with gold entities, and relations between them.
    symmetric (Collection[str]): The relation labels that have no direction.
    spans_key (str | None): The span group that holds the entities; `doc.ents` if None.
    RETURNS (Outcomes): The outcomes of annotated docs.
    """
    relate = partial(relation_outcome, symmetric=symmetric, spans_key=spans_key)
    outcomes = Outcomes(frozenset(symmetric))
    for example in predicted:
        outcomes.docs += 1
        if has_entities(example.reference):
            outcomes.entities.append(entity_outcome(example))
        if has_relations(example.reference):
            outcomes.relations.append(relate(example))
    annotated = (example for example in with_gold if has_relations(example.reference))
    outcomes.relations_gold_entities.extend(map(relate, annotated))
    return outcomes


def entity_outcome(example: Example) -> EntityOutcome:
    """Compare entities as spaCy's scorer does: by the tokens of the gold doc that they align with.

    example (Example): A predicted and a gold doc.
    RETURNS (EntityOutcome): The outcome.
    """
    reference, found = example.reference, example.predicted
    keyed = [(entity, _aligned_key(example, entity)) for entity in found.ents]
    compared = [(entity, key) for entity, key in keyed if key is not None]
    gold = {(entity.start, entity.end, entity.label_) for entity in reference.ents}
    exact = {place_of(entity) for entity in reference.ents}
    return EntityOutcome(
        gold=gold,
        predicted=[key for _, key in compared],
        scores=[get_score(entity) for entity, _ in compared],
        is_set=len(found) > 0 and has_entities(found),
        rounded=sum(key in gold and place_of(entity) not in exact for entity, key in compared),
    )


def _aligned_key(example: Example, entity: Span) -> TokenSpan | None:
    tokens = example.alignment.x2y[entity.start : entity.end]
    if not len(tokens):
        return None
    start, end = int(tokens[0]), int(tokens[-1]) + 1
    # Where the gold doc is unannotated, an entity is neither correct nor wrong.
    if any(token.ent_iob == 0 for token in example.reference[start:end]):
        return None
    return start, end, entity.label_


def relation_outcome(
    example: Example, *, symmetric: Collection[str] = (), spans_key: str | None = None
) -> RelationOutcome:
    """Compare relations as `score_relations` does.

    example (Example): A predicted and a gold doc.
    symmetric (Collection[str]): The relation labels that have no direction.
    spans_key (str | None): The span group that holds the entities; `doc.ents` if None.
    RETURNS (RelationOutcome): The outcome. If a symmetric relation is predicted in both directions,
        its higher score is kept.
    """
    reference, found = example.reference, example.predicted
    by_score = sorted(get_relations(found), key=lambda relation: relation.score)
    scores = {relation_key(relation, symmetric): relation.score for relation in by_score}
    gold = get_relations(reference)
    return RelationOutcome(
        gold={relation_key(relation, symmetric): token_distance(relation) for relation in gold},
        predicted=list(scores),
        scores=list(scores.values()),
        is_set=has_relations(found),
        gold_entities={place_of(span) for span in get_entities(reference, spans_key)},
        entities={place_of(span) for span in get_entities(found, spans_key)},
        has_entities=len(found) > 0 and has_entities(found, spans_key),
        hidden=count_hidden(found),
    )


def token_distance(relation: Relation) -> int:
    """Count the tokens between the entities of a relation.

    relation (Relation): The relation.
    RETURNS (int): The number of tokens; 0 if the entities touch or overlap.
    """
    head, tail = relation.head, relation.tail
    return max(0, max(head.start, tail.start) - min(head.end, tail.end))
