"""Two definitions of correct: strict, or by boundaries only."""

from collections.abc import Collection, Iterable
from typing import Any, Literal

from ..doc.relation import Place, RelationKey
from .outcomes import EntityOutcome, Outcomes, RelationOutcome, Task, TokenSpan

View = Literal["strict", "boundaries"]
# The predicted and the gold keys of a doc.
DocKeys = tuple[Collection[Any], Collection[Any]]


def view_keys(outcomes: Outcomes, task: Task) -> dict[View, list[DocKeys]]:
    """Collect the keys to compare.

    outcomes (Outcomes): The outcomes of a pipeline.
    task (Task): The task.
    RETURNS (dict[View, list[DocKeys]]): The predicted and the gold keys of each doc, in both views.
        The last part of a key is the label.
    """
    if task == "entities":
        entities = outcomes.entities
        return {"strict": _strict(entities), "boundaries": _entity_boundaries(entities)}
    relations = getattr(outcomes, task)
    return {"strict": _strict(relations), "boundaries": _relation_boundaries(relations)}


def _strict(docs: Iterable[EntityOutcome] | Iterable[RelationOutcome]) -> list[DocKeys]:
    return [(doc.predicted, doc.gold) for doc in docs]


def _entity_boundaries(docs: Iterable[EntityOutcome]) -> list[DocKeys]:
    # A list, because spaCy counts entities that align with the same gold tokens one by one.
    return [([*map(_untyped, doc.predicted)], {*map(_untyped, doc.gold)}) for doc in docs]


def _relation_boundaries(docs: Iterable[RelationOutcome]) -> list[DocKeys]:
    # Sets, because relations between entities that only differ in type are the same here.
    return [({*map(_between, doc.predicted)}, {*map(_between, doc.gold)}) for doc in docs]


def _between(relation: RelationKey) -> RelationKey:
    head, tail, label = relation
    return _untyped(head), _untyped(tail), label


def _untyped(entity: TokenSpan | Place) -> tuple[int, int, str]:
    start, end, _ = entity
    return start, end, ""
