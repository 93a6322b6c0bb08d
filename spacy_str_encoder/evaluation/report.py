"""A report: the scores of a pipeline, optionally compared with another."""

from dataclasses import asdict
from typing import TypedDict

from .bootstrap import Difference, compare_f
from .outcomes import ALL_TASKS, TASKS, Outcomes, Task
from .scores import Scores, TaskCounts, count_tasks, score_outcomes
from .views import View

Comparison = dict[Task, dict[View, Difference]]


class DocNumbers(TypedDict):
    """The number of docs, and of those with annotated entities, relations and attributes. Scores
    leave out unannotated docs.
    """

    all: int
    with_entities: int
    with_relations: int
    with_attributes: int


class Report(TypedDict):
    """The output of the command `evaluate`.

    pipeline (str | None): The name, the version and the hash of the pipeline, see `fingerprint`;
        None if it was not read from files.
    docs (DocNumbers): The size of the data.
    lost (dict[str, int]): The annotations that were lost when the data were converted to docs,
        counted by reason.
    min_scores (dict[str, float | None]): The minimum scores of predictions that count, of each
        `entity` and `relation`; None for no minimum.
    model (Scores): The scores of the pipeline.
    other (Scores | None): The scores of the pipeline it is compared with, if any.
    comparison (Comparison | None): The differences in micro F1, for the tasks that both pipelines
        have scores for.
    differing (dict[Task, int] | None): The number of docs with different predictions, by task.
        Attributes are left out if one of the pipelines has no scores for them.
    """

    pipeline: str | None
    docs: DocNumbers
    lost: dict[str, int]
    min_scores: dict[str, float | None]
    model: Scores
    other: Scores | None
    comparison: Comparison | None
    differing: dict[Task, int] | None


def make_report(
    outcomes: Outcomes, other: Outcomes | None = None, *, samples: int = 1000, seed: int = 0
) -> Report:
    """Score a pipeline, and optionally compare it with another.

    outcomes (Outcomes): The outcomes of the pipeline.
    other (Outcomes | None): The outcomes of the other pipeline on the same docs.
    samples (int): The number of bootstrap samples.
    seed (int): The random seed.
    RETURNS (Report): The scores.
    """
    counts = count_tasks(outcomes)
    report: Report = {
        "pipeline": None,
        "docs": _count_docs(outcomes),
        "lost": {},
        "min_scores": asdict(outcomes.min_scores),
        "model": score_outcomes(outcomes, counts, samples=samples, seed=seed),
        "other": None,
        "comparison": None,
        "differing": None,
    }
    if other is not None:
        other_counts = count_tasks(other)
        report["other"] = score_outcomes(other, other_counts, samples=samples, seed=seed)
        report["comparison"] = _compare(counts, other_counts, samples=samples, seed=seed)
        report["differing"] = {
            task: _count_differing(outcomes, other, task)
            for task in ALL_TASKS
            # A pipeline that has no scores for attributes does not predict them.
            if task in TASKS or (task in counts and task in other_counts)
        }
    return report


def _count_docs(outcomes: Outcomes) -> DocNumbers:
    return {
        "all": outcomes.docs,
        "with_entities": len(outcomes.entities),
        "with_relations": len(outcomes.relations),
        "with_attributes": len(outcomes.attributes),
    }


def _count_differing(outcomes: Outcomes, other: Outcomes, task: Task) -> int:
    docs = zip(getattr(outcomes, task), getattr(other, task), strict=True)
    return sum({*doc.predicted} != {*other_doc.predicted} for doc, other_doc in docs)


def _compare(counts: TaskCounts, other: TaskCounts, *, samples: int, seed: int) -> Comparison:
    return {
        task: {
            view: compare_f(
                view_counts.by_doc, other[task][view].by_doc, samples=samples, seed=seed
            )
            for view, view_counts in views.items()
            if view in other[task]
        }
        for task, views in counts.items()
        if task in other
    }
