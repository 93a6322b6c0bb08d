"""All scores of a pipeline as plain data."""

from collections.abc import Collection
from functools import partial
from operator import itemgetter
from typing import TypedDict

from ..doc.relation import RelationKey, sort_ends
from .bootstrap import Intervals, intervals
from .calibration import Calibration, measure_calibration
from .confusion import Confusion, confuse, confuse_attributes
from .counts import Counts, Figures, count, figures, macro_f
from .distance import DistanceBin, recall_by_distance
from .notes import find_obstacle, write_notes
from .outcomes import ALL_TASKS, Outcomes, Task
from .overlaps import OverlapFigures, score_by_overlap
from .views import View, view_keys

TaskCounts = dict[Task, dict[View, Counts]]


class ViewScores(TypedDict):
    """Scores under one definition of correct.

    micro (Figures): The scores over all labels.
    interval (Intervals): The 95 % intervals of the micro scores.
    macro_f (float | None): The mean F1 of the labels in the gold docs; None if there are none.
        Labels that are only predicted are left out; they lower the micro scores.
    per_type (dict[str, Figures] | None): The scores by label. Boundaries of entities have no label,
        so that `per_type` and `macro_f` are None for them.
    """

    micro: Figures
    interval: Intervals
    macro_f: float | None
    per_type: dict[str, Figures] | None


class Triple(Figures):
    """The strict scores of a relation label between two entity types."""

    head: str
    label: str
    tail: str


class TaskScores(TypedDict):
    """Scores of entities, relations or attributes.

    strict (ViewScores): Boundaries, types, label and direction must be correct. For attributes, the
        value must be, except for default values, which do not count.
    boundaries (ViewScores | None): The types of entities are ignored; None for attributes.
    triples (ViewScores | None): Relations are triples of strings, each once a text; None for
        entities and attributes.
    typed_triples (ViewScores | None): The same, but the types of entities must be correct too.
    flat (ViewScores | None): Strict scores of the entities that overlap no earlier or longer one;
        None for relations, or if no gold entity overlaps another one.
    calibration (Calibration | None): The calibration of the scores; None if nothing has a score.
    per_overlap (list[OverlapFigures] | None): Strict scores by whether entities overlap others;
        None for relations, or if no gold entity overlaps another one.
    per_triple (list[Triple] | None): Scores by the types of head and tail and the label; None for
        entities.
    distance (list[DistanceBin] | None): Recall by the number of tokens between head and tail; None
        for entities.
    confusion (Confusion | None): The confusion matrix of relations between gold entities, or of
        attributes of gold entities; None for other tasks.
    """

    strict: ViewScores
    boundaries: ViewScores | None
    triples: ViewScores | None
    typed_triples: ViewScores | None
    flat: ViewScores | None
    calibration: Calibration | None
    per_overlap: list[OverlapFigures] | None
    per_triple: list[Triple] | None
    distance: list[DistanceBin] | None
    confusion: Confusion | None


class Scores(TypedDict):
    """The scores of a pipeline. A task that can't be scored is None, and the notes say why, except
    for attributes if there are neither gold ones nor a component that sets them.

    precision (dict[str, str]): The precision of each encoder of the pipeline, by component.
    """

    precision: dict[str, str]
    entities: TaskScores | None
    relations: TaskScores | None
    relations_gold_entities: TaskScores | None
    attributes: TaskScores | None
    attributes_gold_entities: TaskScores | None
    notes: list[str]


def count_tasks(outcomes: Outcomes) -> TaskCounts:
    """Count correct, predicted and gold keys by label.

    outcomes (Outcomes): The outcomes of a pipeline.
    RETURNS (dict[Task, dict[View, Counts]]): The counts of each task that can be scored, in each
        view.
    """
    return {
        task: {
            view: count(keys, itemgetter(-1)) for view, keys in view_keys(outcomes, task).items()
        }
        for task in ALL_TASKS
        if find_obstacle(outcomes, task) is None
    }


def score_outcomes(outcomes: Outcomes, counts: TaskCounts, *, samples: int, seed: int) -> Scores:
    """Score a pipeline.

    outcomes (Outcomes): The outcomes of the pipeline.
    counts (dict[Task, dict[View, Counts]]): The result of `count_tasks`.
    samples (int): The number of bootstrap samples for the intervals.
    seed (int): The random seed.
    RETURNS (Scores): The scores.
    """
    scored = {
        task: _score_task(outcomes, task, views, samples=samples, seed=seed)
        for task, views in counts.items()
    }
    return {
        "precision": outcomes.precision,
        "entities": scored.get("entities"),
        "relations": scored.get("relations"),
        "relations_gold_entities": scored.get("relations_gold_entities"),
        "attributes": scored.get("attributes"),
        "attributes_gold_entities": scored.get("attributes_gold_entities"),
        "notes": write_notes(outcomes),
    }


def _score_task(
    outcomes: Outcomes, task: Task, views: dict[View, Counts], *, samples: int, seed: int
) -> TaskScores:
    docs = getattr(outcomes, task)
    is_relations = task in ("relations", "relations_gold_entities")
    scored = {
        view: _score_view(counts, samples=samples, seed=seed) for view, counts in views.items()
    }
    if task == "entities":
        scored["boundaries"]["macro_f"] = scored["boundaries"]["per_type"] = None
    return {
        "strict": scored["strict"],
        "boundaries": scored.get("boundaries"),
        "triples": scored.get("triples"),
        "typed_triples": scored.get("typed_triples"),
        "flat": scored.get("flat"),
        "calibration": measure_calibration(docs),
        "per_overlap": score_by_overlap(docs) if task == "entities" else None,
        "per_triple": _score_triples(outcomes, task) if is_relations else None,
        "distance": recall_by_distance(docs) if is_relations else None,
        "confusion": _confuse(outcomes, task),
    }


def _confuse(outcomes: Outcomes, task: Task) -> Confusion | None:
    if task == "relations_gold_entities":
        return confuse(outcomes.relations_gold_entities, symmetric=outcomes.symmetric)
    if task == "attributes_gold_entities":
        return confuse_attributes(outcomes.attributes_gold_entities)
    return None


def _score_view(counts: Counts, *, samples: int, seed: int) -> ViewScores:
    return {
        "micro": figures(counts.by_doc.sum(axis=0)),
        "interval": intervals(counts.by_doc, samples=samples, seed=seed),
        "macro_f": macro_f(counts.by_group),
        "per_type": dict(zip(counts.groups, map(figures, counts.by_group), strict=True)),
    }


def _score_triples(outcomes: Outcomes, task: Task) -> list[Triple]:
    triple_of = partial(_triple, symmetric=outcomes.symmetric)
    counts = count(view_keys(outcomes, task)["strict"], triple_of)
    return [
        {"head": head, "label": label, "tail": tail, **figures(total)}
        for (head, label, tail), total in zip(counts.groups, counts.by_group, strict=True)
    ]


def _triple(relation: RelationKey, symmetric: Collection[str]) -> tuple[str, str, str]:
    head, tail, label = relation
    first, second = sort_ends((head[2], tail[2]), label, symmetric)
    return first, label, second
