"""All scores of a pipeline, as plain data."""

from collections.abc import Collection
from functools import partial
from operator import itemgetter
from typing import TypedDict

from ..doc.relation import RelationKey
from .bootstrap import Intervals, intervals
from .calibration import Calibration, calibrate
from .confusion import Confusion, confuse
from .counts import Counts, Figures, count, figures, macro_f
from .distance import DistanceBin, recall_by_distance
from .notes import find_obstacle, write_notes
from .outcomes import TASKS, Outcomes, Task
from .views import View, view_keys

TaskCounts = dict[Task, dict[View, Counts]]


class ViewScores(TypedDict):
    """Scores under one definition of what is right.

    micro (Figures): Over all labels.
    interval (Intervals): The 95 % intervals of these.
    macro_f (float | None): The mean F1 of the labels that the gold docs have; None if they have
        none.
    per_type (dict[str, Figures] | None): By label. None, as is `macro_f`, for the boundaries of
        entities, which have no label.
    """

    micro: Figures
    interval: Intervals
    macro_f: float | None
    per_type: dict[str, Figures] | None


class Triple(Figures):
    """The strict figures of a relation label between two types of entities."""

    head: str
    label: str
    tail: str


class TaskScores(TypedDict):
    """Scores of entities, or of relations.

    strict (ViewScores): Boundaries, types, label and direction have to be right.
    boundaries (ViewScores): The types of entities do not count.
    calibration (Calibration | None): How far scores are probabilities; None if nothing has a score.
    per_triple (list[Triple] | None): By the types of head and tail, and the label. For relations
        alone, as is `distance`.
    distance (list[DistanceBin] | None): Recall by the tokens between head and tail.
    confusion (Confusion | None): Which class is taken for which. For relations between gold
        entities alone.
    """

    strict: ViewScores
    boundaries: ViewScores
    calibration: Calibration | None
    per_triple: list[Triple] | None
    distance: list[DistanceBin] | None
    confusion: Confusion | None


class Scores(TypedDict):
    """The scores of a pipeline. What can't be scored is None, and the notes say why."""

    entities: TaskScores | None
    relations: TaskScores | None
    relations_correct_entities: TaskScores | None
    notes: list[str]


def count_tasks(outcomes: Outcomes) -> TaskCounts:
    """Count what is right, predicted and gold, by label.

    outcomes (Outcomes): What a pipeline found.
    RETURNS (dict[Task, dict[View, Counts]]): The counts of the tasks that can be scored, under
        either view.
    """
    return {
        task: {
            view: count(keys, itemgetter(-1)) for view, keys in view_keys(outcomes, task).items()
        }
        for task in TASKS
        if find_obstacle(outcomes, task) is None
    }


def score_outcomes(outcomes: Outcomes, counts: TaskCounts, *, samples: int, seed: int) -> Scores:
    """Score a pipeline.

    outcomes (Outcomes): What it found.
    counts (dict[Task, dict[View, Counts]]): The counts of `count_tasks`.
    samples (int): How often docs are resampled for the intervals.
    seed (int): The seed of that.
    RETURNS (Scores): The scores.
    """
    scored = {
        task: _score_task(outcomes, task, views, samples=samples, seed=seed)
        for task, views in counts.items()
    }
    return {
        "entities": scored.get("entities"),
        "relations": scored.get("relations"),
        "relations_correct_entities": scored.get("relations_correct_entities"),
        "notes": write_notes(outcomes),
    }


def _score_task(
    outcomes: Outcomes, task: Task, views: dict[View, Counts], *, samples: int, seed: int
) -> TaskScores:
    docs, is_relations = getattr(outcomes, task), task != "entities"
    strict, boundaries = (
        _score_view(views[view], samples=samples, seed=seed) for view in ("strict", "boundaries")
    )
    if not is_relations:
        boundaries["macro_f"] = boundaries["per_type"] = None
    return {
        "strict": strict,
        "boundaries": boundaries,
        "calibration": calibrate(docs),
        "per_triple": _score_triples(outcomes, task) if is_relations else None,
        "distance": recall_by_distance(docs) if is_relations else None,
        "confusion": confuse(docs, symmetric=outcomes.symmetric)
        if task == "relations_correct_entities"
        else None,
    }


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
    types = head[2], tail[2]
    first, second = sorted(types) if label in symmetric else types
    return first, label, second
