"""Definitions of correct: strict, or by boundaries only; for entities also strict in `doc.ents`;
for relations also as triples of strings. Attributes are scored without their default values.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from ..doc.relation import Place, RelationKey
from .attributes import AttributeKey, AttributeOutcome
from .counts import DocKeys
from .outcomes import ATTRIBUTE_TASKS, EntityOutcome, Outcomes, RelationOutcome, Task
from .overlaps import count_all_overlapping
from .triples import list_triples

View = Literal["strict", "boundaries", "flat", "triples", "typed_triples"]


def view_keys(outcomes: Outcomes, task: Task) -> dict[View, list[DocKeys]]:
    """Collect the keys to compare.

    outcomes (Outcomes): The outcomes of a pipeline.
    task (Task): The task.
    RETURNS (dict[View, list[DocKeys]]): The predicted and the gold keys of each doc, in each view.
        The last part of a key is the label. The view "flat" is there if gold entities overlap
        and `doc.ents` are annotated.
    """
    if task == "entities":
        return dict(_entity_views(outcomes.entities))
    if task in ATTRIBUTE_TASKS:
        return {"strict": _without_defaults(getattr(outcomes, task), outcomes.defaults)}
    relations = getattr(outcomes, task)
    return {
        "strict": _strict(relations),
        "boundaries": _relation_boundaries(relations),
        "triples": list_triples(relations, outcomes.symmetric),
        "typed_triples": list_triples(relations, outcomes.symmetric, typed=True),
    }


def _entity_views(entities: list[EntityOutcome]) -> Iterator[tuple[View, list[DocKeys]]]:
    yield "strict", _strict(entities)
    yield "boundaries", _entity_boundaries(entities)
    flat: list[DocKeys] = [doc.flat or ((), ()) for doc in entities]
    if any(keys for doc in flat for keys in doc) and count_all_overlapping(entities):
        yield "flat", flat


def _without_defaults(
    docs: Iterable[AttributeOutcome], defaults: Mapping[str, str]
) -> list[DocKeys]:
    default = {f"{name}={value}" for name, value in defaults.items()}

    def keep(keys: Iterable[AttributeKey]) -> list[AttributeKey]:
        return [key for key in keys if key[-1] not in default]

    return [(keep(doc.predicted), keep(doc.gold)) for doc in docs]


def _strict(docs: Iterable[EntityOutcome] | Iterable[RelationOutcome]) -> list[DocKeys]:
    return [(doc.predicted, doc.gold) for doc in docs]


def _entity_boundaries(docs: Iterable[EntityOutcome]) -> list[DocKeys]:
    return [(_list_boundaries(doc.predicted), {*map(_untyped, doc.gold)}) for doc in docs]


def _list_boundaries(entities: Iterable[Place]) -> list[Place]:
    # Entities in one place that differ in type are one here, but spaCy counts entities that align
    # with the same gold tokens one by one.
    most: Counter[Place] = Counter()
    for entity, number in Counter(entities).items():
        most |= Counter({_untyped(entity): number})
    return [*most.elements()]


def _relation_boundaries(docs: Iterable[RelationOutcome]) -> list[DocKeys]:
    # Sets, because relations between entities that only differ in type are the same here.
    return [({*map(_between, doc.predicted)}, {*map(_between, doc.gold)}) for doc in docs]


def _between(relation: RelationKey) -> RelationKey:
    head, tail, label = relation
    return _untyped(head), _untyped(tail), label


def _untyped(entity: Place) -> Place:
    start, end, _ = entity
    return start, end, ""
