"""What docs have, and what was found in them, as plain keys."""

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
    get_relations,
    get_score,
    has_relations,
    place_of,
    relation_key,
)

Task = Literal["entities", "relations", "relations_correct_entities"]

TASKS: dict[Task, str] = {
    "entities": "NER",
    "relations": "RC, predicted entities",
    "relations_correct_entities": "RC, correct entities",
}


# Start and end token of an entity in the gold doc, and its label.
TokenSpan = tuple[int, int, str]


@dataclass(frozen=True)
class EntityOutcome:
    """The entities of a doc.

    gold (set[tuple[int, int, str]]): Start and end token in the gold doc, and label.
    predicted (list[tuple[int, int, str]]): The same of those that were found where the gold doc is
        annotated.
    scores (list[float | None]): Their probabilities, where they have any.
    is_set (bool): Whether any component set entities.
    rounded (int): How many that count as right begin or end inside of a gold token.
    """

    gold: set[TokenSpan]
    predicted: list[TokenSpan]
    scores: list[float | None]
    is_set: bool
    rounded: int = 0


@dataclass(frozen=True)
class RelationOutcome:
    """The relations of a doc.

    gold (dict[RelationKey, int]): The gold relations, and the tokens between their entities.
    predicted (list[RelationKey]): Those that were found, each once.
    scores (list[float]): Their probabilities.
    is_set (bool): Whether any component set relations.
    gold_entities (set[tuple[int, int, str]]): The gold entities.
    entities (set[tuple[int, int, str]]): The entities that relations were looked for between.
    has_entities (bool): Whether any component set these.
    """

    gold: dict[RelationKey, int]
    predicted: list[RelationKey]
    scores: list[float]
    is_set: bool
    gold_entities: set[Place]
    entities: set[Place]
    has_entities: bool = True


@dataclass
class Outcomes:
    """What a pipeline found in all docs.

    symmetric (frozenset[str]): The relation labels whose direction does not count.
    docs (int): How many docs there are.
    entities (list[EntityOutcome]): Of each doc whose entities are annotated.
    relations (list[RelationOutcome]): Of each doc whose relations are annotated, with predicted
        entities.
    relations_correct_entities (list[RelationOutcome]): The same, with the gold entities.
    """

    symmetric: frozenset[str]
    docs: int = 0
    entities: list[EntityOutcome] = field(default_factory=list)
    relations: list[RelationOutcome] = field(default_factory=list)
    relations_correct_entities: list[RelationOutcome] = field(default_factory=list)


def collect_outcomes(
    predicted: Iterable[Example],
    correct: Iterable[Example],
    *,
    symmetric: Collection[str] = (),
    spans_key: str | None = None,
) -> Outcomes:
    """Reduce examples to what counts, one at a time: the states of an encoder may be large.

    predicted (Iterable[Example]): With predicted entities, and relations between them.
    correct (Iterable[Example]): The same docs with gold entities, and relations between them.
    symmetric (Collection[str]): The relation labels whose direction does not count.
    spans_key (str | None): The span group that relations are between; `doc.ents` if None.
    RETURNS (Outcomes): The outcomes of the docs, where they are annotated.
    """
    relate = partial(relation_outcome, symmetric=symmetric, spans_key=spans_key)
    outcomes = Outcomes(frozenset(symmetric))
    for example in predicted:
        outcomes.docs += 1
        if example.reference.has_annotation("ENT_IOB"):
            outcomes.entities.append(entity_outcome(example))
        if has_relations(example.reference):
            outcomes.relations.append(relate(example))
    annotated = (example for example in correct if has_relations(example.reference))
    outcomes.relations_correct_entities.extend(map(relate, annotated))
    return outcomes


def entity_outcome(example: Example) -> EntityOutcome:
    """Compare entities as spaCy's scorer does: by the tokens of the gold doc that they align with.

    example (Example): A predicted and a gold doc.
    RETURNS (EntityOutcome): The entities of both.
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
    # Where nobody annotated the gold doc, an entity is neither right nor wrong.
    if any(token.ent_iob == 0 for token in example.reference[start:end]):
        return None
    return start, end, entity.label_


def relation_outcome(
    example: Example, *, symmetric: Collection[str] = (), spans_key: str | None = None
) -> RelationOutcome:
    """Compare relations as `score_relations` does.

    example (Example): A predicted and a gold doc.
    symmetric (Collection[str]): The relation labels whose direction does not count.
    spans_key (str | None): The span group that relations are between; `doc.ents` if None.
    RETURNS (RelationOutcome): The relations of both. If one was found twice, as a symmetric one may
        be, its higher score is kept.
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
    )


def token_distance(relation: Relation) -> int:
    """How far apart the entities of a relation are.

    relation (Relation): The relation.
    RETURNS (int): The number of tokens between them; 0 if they touch or overlap.
    """
    head, tail = relation.head, relation.tail
    return max(0, max(head.start, tail.start) - min(head.end, tail.end))
