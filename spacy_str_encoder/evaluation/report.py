"""The scores of a pipeline beside those of another."""

from typing import TypedDict

from .bootstrap import Difference, compare_f
from .outcomes import Outcomes, Task
from .scores import Scores, TaskCounts, count_tasks, score_outcomes
from .views import View

Comparison = dict[Task, dict[View, Difference]]


class DocNumbers(TypedDict):
    """How many docs there are, and in how many of them entities and relations are annotated. The
    others count for no score.
    """

    all: int
    with_entities: int
    with_relations: int


class Report(TypedDict):
    """What the command `evaluate` writes.

    docs (DocNumbers): The size of the data.
    lost (dict[str, int]): What docs could not hold of a file, counted by the reason.
    model (Scores): The scores of the pipeline.
    other (Scores | None): Those of the one it is compared with, if there is one.
    comparison (Comparison | None): The micro F1 of the first less that of the other, of what both
        have.
    """

    docs: DocNumbers
    lost: dict[str, int]
    model: Scores
    other: Scores | None
    comparison: Comparison | None


def make_report(
    outcomes: Outcomes, other: Outcomes | None = None, *, samples: int = 1000, seed: int = 0
) -> Report:
    """Score a pipeline, and compare it with another.

    outcomes (Outcomes): What the pipeline found.
    other (Outcomes | None): What the other found in the same docs.
    samples (int): How often docs are resampled.
    seed (int): The seed of that.
    RETURNS (Report): The scores.
    """
    counts = count_tasks(outcomes)
    report: Report = {
        "docs": _count_docs(outcomes),
        "lost": {},
        "model": score_outcomes(outcomes, counts, samples=samples, seed=seed),
        "other": None,
        "comparison": None,
    }
    if other is not None:
        other_counts = count_tasks(other)
        report["other"] = score_outcomes(other, other_counts, samples=samples, seed=seed)
        report["comparison"] = _compare(counts, other_counts, samples=samples, seed=seed)
    return report


def _count_docs(outcomes: Outcomes) -> DocNumbers:
    return {
        "all": outcomes.docs,
        "with_entities": len(outcomes.entities),
        "with_relations": len(outcomes.relations),
    }


def _compare(counts: TaskCounts, other: TaskCounts, *, samples: int, seed: int) -> Comparison:
    return {
        task: {
            view: compare_f(
                view_counts.by_doc, other[task][view].by_doc, samples=samples, seed=seed
            )
            for view, view_counts in views.items()
        }
        for task, views in counts.items()
        if task in other
    }
