"""Gold and predicted entities, attributes and relations of docs, as plain keys."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

from spacy.tokens import Doc, Span
from spacy.training import Example

from ..doc.entities import (
    SPANS_KEY,
    find_gold_key,
    get_entities,
    get_gold_entities,
    has_entities,
    has_gold_entities,
)
from ..doc.flat import first_without_overlaps
from ..doc.min_scores import NO_MINIMUM, MinScores
from ..doc.misaligned import get_misaligned_entities, get_misaligned_relations
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
from .attributes import AttributeOutcome, attribute_outcome, has_attributes

Task = Literal[
    "entities",
    "relations",
    "relations_gold_entities",
    "attributes",
    "attributes_gold_entities",
]

TASKS: dict[Task, str] = {
    "entities": "NER",
    "relations": "RC, predicted entities",
    "relations_gold_entities": "RC, gold entities",
}
ATTRIBUTE_TASKS: dict[Task, str] = {
    "attributes": "Attributes, predicted entities",
    "attributes_gold_entities": "Attributes, gold entities",
}
ALL_TASKS: dict[Task, str] = {**TASKS, **ATTRIBUTE_TASKS}
WITH_GOLD: tuple[Task, ...] = ("relations_gold_entities", "attributes_gold_entities")


@dataclass(frozen=True)
class EntityOutcome:
    """The gold and the predicted entities of a doc.

    gold (set[tuple[int, int, str]]): Start and end character, and label, of all gold entities.
    predicted (list[tuple[int, int, str]]): The same for predicted entities, where the gold doc is
        annotated, by the gold tokens that they touch.
    scores (list[float | None]): Their probabilities; None if an entity has none.
    is_set (bool): Whether any component set entities.
    rounded (int): The number of entities that count as correct but begin or end inside a gold
        token.
    misaligned (int): The number of gold entities that do not align with the gold tokens.
    in_group (bool): Whether the gold entities are those of the span group.
    flat (tuple | None): The predicted and the gold entities that overlap no earlier or longer one;
        None if `doc.ents` of the gold doc is unannotated.
    """

    gold: set[Place]
    predicted: list[Place]
    scores: list[float | None]
    is_set: bool
    rounded: int = 0
    misaligned: int = 0
    in_group: bool = False
    flat: tuple[list[Place], set[Place]] | None = None


@dataclass(frozen=True)
class RelationOutcome:
    """The gold and the predicted relations of a doc.

    gold (dict[RelationKey, int]): The gold relations, and the number of tokens between their
        entities.
    predicted (list[RelationKey]): The predicted relations, without repeats.
    scores (list[float]): Their probabilities.
    is_set (bool): Whether any component set relations.
    gold_entities (set[tuple[int, int, str]]): All gold entities.
    entities (set[tuple[int, int, str]]): The entities that the candidate pairs are made of.
    has_entities (bool): Whether any component set them.
    hidden (int): The number of predicted relations whose entities a later component removed.
    scores_given_entities (list[float]): Their probabilities if their entities are correct.
    text (str): The text of the doc.
    """

    gold: dict[RelationKey, int]
    predicted: list[RelationKey]
    scores: list[float]
    is_set: bool
    gold_entities: set[Place]
    entities: set[Place]
    has_entities: bool = True
    hidden: int = 0
    scores_given_entities: list[float] = field(default_factory=list)
    text: str = ""


@dataclass
class Outcomes:
    """The outcomes of a pipeline on all docs.

    symmetric (frozenset[str]): The relation labels that have no direction.
    docs (int): The number of docs.
    entities (list[EntityOutcome]): The outcome of each doc whose entities are annotated.
    relations (list[RelationOutcome]): The outcome of each doc whose relations are annotated, with
        predicted entities.
    relations_gold_entities (list[RelationOutcome]): The same, with gold entities.
    attributes (list[AttributeOutcome]): The outcome of each doc with annotated attributes, with
        predicted entities.
    attributes_gold_entities (list[AttributeOutcome]): The same, with gold entities.
    defaults (Mapping[str, str]): The default values of attributes by name.
    precision (dict[str, str]): The precision of each encoder of the pipeline, by component.
    spans_key (str | None): The span group that holds the predicted entities; `doc.ents` if None.
    sets_attributes (bool): Whether the pipeline has a component for attributes.
    min_scores (MinScores): The minimum scores of predicted entities and relations.
    low_entities (int): The number of predicted entities that were left out, because of their
        scores.
    low_relations (int): The number of relations between predicted entities that were left out,
        because of their scores or those of their entities.
    with_gold (bool): Whether anything was predicted with gold entities.
    """

    symmetric: frozenset[str]
    docs: int = 0
    entities: list[EntityOutcome] = field(default_factory=list)
    relations: list[RelationOutcome] = field(default_factory=list)
    relations_gold_entities: list[RelationOutcome] = field(default_factory=list)
    attributes: list[AttributeOutcome] = field(default_factory=list)
    attributes_gold_entities: list[AttributeOutcome] = field(default_factory=list)
    defaults: Mapping[str, str] = field(default_factory=dict)
    precision: dict[str, str] = field(default_factory=dict)
    spans_key: str | None = None
    sets_attributes: bool = False
    min_scores: MinScores = NO_MINIMUM
    low_entities: int = 0
    low_relations: int = 0
    with_gold: bool = True


def collect_outcomes(
    predicted: Iterable[Example],
    with_gold: Iterable[Example] | None,
    *,
    symmetric: Collection[str] = (),
    defaults: Mapping[str, str] | None = None,
    spans_key: str | None = None,
    gold_key: str | None = None,
) -> Outcomes:
    """Reduce examples to outcomes, one at a time: the encoder states of all docs may not fit into
    the memory.

    predicted (Iterable[Example]): Docs with predicted entities, and what was predicted of them.
    with_gold (Iterable[Example] | None): The same docs with gold entities, and what was predicted
        of them; None if nothing was.
    symmetric (Collection[str]): The relation labels that have no direction.
    defaults (Mapping[str, str] | None): The default values of attributes by name.
    spans_key (str | None): The span group that holds the predicted entities; `doc.ents` if None.
    gold_key (str | None): The span group that holds the gold entities of the docs that have it;
        for others, `doc.ents` does. If None, it is `spans_key`, or else "sc".
    RETURNS (Outcomes): The outcomes of annotated docs.
    """
    gold_key = gold_key or spans_key or SPANS_KEY
    compare = partial(entity_outcome, spans_key=spans_key, gold_key=gold_key)
    relate = partial(relation_outcome, symmetric=symmetric, spans_key=spans_key, gold_key=gold_key)
    outcomes = Outcomes(
        frozenset(symmetric),
        spans_key=spans_key,
        defaults=defaults or {},
        with_gold=with_gold is not None,
    )

    def describe(example: Example) -> list[AttributeOutcome]:
        gold = find_gold_entities(example.reference, gold_key)
        if not has_attributes(example.reference, gold):
            return []
        defaults = outcomes.defaults
        return [attribute_outcome(example, gold, defaults=defaults, spans_key=spans_key)]

    for example in predicted:
        outcomes.docs += 1
        if has_gold_entities(example.reference, gold_key):
            outcomes.entities.append(compare(example))
        if has_relations(example.reference):
            outcomes.relations.append(relate(example))
        outcomes.attributes += describe(example)
    for example in with_gold or ():
        if has_relations(example.reference):
            outcomes.relations_gold_entities.append(relate(example))
        outcomes.attributes_gold_entities += describe(example)
    return outcomes


def find_gold_entities(doc: Doc, gold_key: str) -> set[Place]:
    """Find all gold entities of a doc, including those that do not align with its tokens.

    doc (Doc): The doc.
    gold_key (str): The span group of gold entities.
    RETURNS (set[tuple[int, int, str]]): Start and end character of each entity, and label.
    """
    aligned = get_gold_entities(doc, gold_key)
    return {*map(place_of, aligned), *get_misaligned_entities(doc)}


def entity_outcome(
    example: Example, *, spans_key: str | None = None, gold_key: str = SPANS_KEY
) -> EntityOutcome:
    """Compare entities as spaCy's scorer does: by the tokens of the gold doc that they touch. Gold
    entities that do not align with these tokens are compared by their characters.

    example (Example): A predicted and a gold doc.
    spans_key (str | None): The span group that holds the predicted entities; `doc.ents` if None.
    gold_key (str): The span group of gold entities, see `collect_outcomes`.
    RETURNS (EntityOutcome): The outcome.
    """
    reference, found = example.reference, example.predicted
    gold = find_gold_entities(reference, gold_key)
    misaligned = {*get_misaligned_entities(reference)}
    # A span group is annotated as a whole.
    in_part = find_gold_key(reference, gold_key) is None
    entities = {place_of(entity): entity for entity in get_entities(found, spans_key)}
    keys = {
        place: place if place in misaligned else _gold_place(example, entity, in_part=in_part)
        for place, entity in entities.items()
    }
    compared = [(place, key) for place, key in keys.items() if key is not None]
    return EntityOutcome(
        gold=gold,
        predicted=[key for _, key in compared],
        scores=[get_score(entities[place]) for place, _ in compared],
        is_set=len(found) > 0 and has_entities(found, spans_key),
        rounded=sum(key in gold and place != key for place, key in compared),
        misaligned=len(misaligned),
        in_group=not in_part,
        flat=_compare_flat(example, spans_key) if has_entities(reference) else None,
    )


def _compare_flat(example: Example, spans_key: str | None) -> tuple[list[Place], set[Place]]:
    # Chosen as the gold ones are: other choices may be as good, but would count as wrong.
    entities = get_entities(example.predicted, spans_key)
    flat = first_without_overlaps([(entity.start, entity.end) for entity in entities])
    keys = (_gold_place(example, entities[i], in_part=True) for i in flat)
    return [key for key in keys if key is not None], {*map(place_of, example.reference.ents)}


def _gold_place(example: Example, entity: Span, *, in_part: bool) -> Place | None:
    tokens = example.alignment.x2y[entity.start : entity.end]
    if not len(tokens):
        return None
    touched = example.reference[int(tokens[0]) : int(tokens[-1]) + 1]
    # Where the gold doc is unannotated, an entity is neither correct nor wrong.
    if in_part and any(token.ent_iob == 0 for token in touched):
        return None
    return touched.start_char, touched.end_char, entity.label_


def relation_outcome(
    example: Example,
    *,
    symmetric: Collection[str] = (),
    spans_key: str | None = None,
    gold_key: str = SPANS_KEY,
) -> RelationOutcome:
    """Compare relations as `score_relations` does. Gold relations of entities that do not align
    with the tokens of the gold doc count too.

    example (Example): A predicted and a gold doc.
    symmetric (Collection[str]): The relation labels that have no direction.
    spans_key (str | None): The span group that holds the predicted entities; `doc.ents` if None.
    gold_key (str): The span group of gold entities, see `collect_outcomes`.
    RETURNS (RelationOutcome): The outcome. If a symmetric relation is predicted in both directions,
        its higher score is kept.
    """
    reference, found = example.reference, example.predicted
    by_score = sorted(get_relations(found), key=lambda relation: relation.score)
    kept = {relation_key(relation, symmetric): relation for relation in by_score}
    gold = get_relations(reference)
    return RelationOutcome(
        gold={
            **{relation_key(relation, symmetric): token_distance(relation) for relation in gold},
            **_misaligned_relations(reference, symmetric),
        },
        predicted=list(kept),
        scores=[relation.score for relation in kept.values()],
        is_set=has_relations(found),
        gold_entities=find_gold_entities(reference, gold_key),
        entities={place_of(span) for span in get_entities(found, spans_key)},
        has_entities=len(found) > 0 and has_entities(found, spans_key),
        hidden=count_hidden(found),
        scores_given_entities=[_given_entities(relation) for relation in kept.values()],
        text=reference.text,
    )


def _given_entities(relation: Relation) -> float:
    # Relations of other components have one score.
    given = relation.score_given_entities
    return relation.score if given is None else given


def token_distance(relation: Relation) -> int:
    """Count the tokens between the entities of a relation.

    relation (Relation): The relation.
    RETURNS (int): The number of tokens; 0 if the entities touch or overlap.
    """
    head, tail = relation.head, relation.tail
    return max(0, max(head.start, tail.start) - min(head.end, tail.end))


def _misaligned_relations(doc: Doc, symmetric: Collection[str]) -> dict[RelationKey, int]:
    relations = get_misaligned_relations(doc, symmetric)
    return {key: _count_tokens_between(doc, *key[:2]) for key in relations}


def _count_tokens_between(doc: Doc, head: Place, tail: Place) -> int:
    start, end = min(head[1], tail[1]), max(head[0], tail[0])
    return sum(start <= token.idx and token.idx + len(token) <= end for token in doc)
