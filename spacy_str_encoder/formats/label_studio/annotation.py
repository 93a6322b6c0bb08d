"""Annotation of a task of Label Studio: the one of several that is read, or a prediction."""

from typing import Any

from ...doc.origin import ID
from ..report import ConversionReport
from ..shapes import Nullable, Shape

# Exports before 1.0 have the second name.
ANNOTATIONS = ("annotations", "completions")
PREDICTIONS = "predictions"
PREDICTED = "unannotated tasks that have predictions"
UNANNOTATED = "unannotated tasks"
CANCELLED = "cancelled tasks"

# Values of regions depend on their type, and only those of entities and attributes are read.
RESULT: Shape = {
    **dict.fromkeys(("id", "type", "from_name", "to_name", "from_id", "to_id"), str),
    "direction": Nullable(str),
    "value": {"globalOffsets": {"start": int, "end": int}},
}
RESULTS: Shape = [{"result": [RESULT]}]


def find_shape(*, predictions: bool) -> Shape:
    """Find the types of the fields of a task that are read.

    predictions (bool): Whether predictions are read in place of annotations.
    RETURNS (Shape): The types. What is not read may be anything: some exports have the ids of
        predictions.
    """
    read: dict[str, Shape] = {PREDICTIONS: Nullable(RESULTS)}
    if not predictions:
        read = {PREDICTIONS: Nullable(list), **dict.fromkeys(ANNOTATIONS, RESULTS)}
    return {"data": dict, **read}


def choose_annotation(
    item: Any, place: str, report: ConversionReport, *, predictions: bool
) -> dict[str, Any] | None:
    """Choose the annotation of a task: the ground truth, or the first one not cancelled.

    item (Any): The task.
    place (str): The location of the task, for messages.
    report (ConversionReport): The report, to count choices, and tasks that are left out.
    predictions (bool): Whether to choose the first prediction instead.
    RETURNS (dict[str, Any] | None): The annotation; None if there is none.
    """
    predicted = item.get(PREDICTIONS) or []
    chosen = (
        _choose_prediction(predicted, place, report)
        if predictions
        else _choose_annotation(_get_annotations(item), place, report)
    )
    if chosen is None:
        report.lose_other(_describe_missing(item, predictions=predictions), place, name_task(item))
    return chosen


def _describe_missing(item: Any, *, predictions: bool) -> str:
    if predictions:
        return "tasks without predictions"
    if _get_annotations(item):
        return CANCELLED
    return PREDICTED if item.get(PREDICTIONS) else UNANNOTATED


def name_task(item: Any) -> str:
    """RETURNS (str): A task, with the id that Label Studio gave it, and that of its data."""
    own = f" (id {item['data'][ID]!r})" if ID in item["data"] else ""
    return f"task {item.get('id')!r}{own}"


def _get_annotations(item: Any) -> list[Any]:
    found = [item[name] for name in ANNOTATIONS if name in item]
    if not found and PREDICTIONS in item:
        return []
    annotations: list[Any] = found[0] if found else item[ANNOTATIONS[0]]
    return annotations


def _choose_annotation(annotations: list[Any], place: str, report: ConversionReport) -> Any:
    finished = [
        each for each in annotations if not (each.get("was_cancelled") or each.get("skipped"))
    ]
    truths = [each for each in finished if each.get("ground_truth")]
    if finished and len(annotations) > 1:
        which = "the ground truth" if truths else "the first one not cancelled"
        reason = f"tasks with several annotations ({which} is read)"
        report.choose(reason, place, f"{len(annotations)} annotations")
    return next(iter([*truths, *finished]), None)


def _choose_prediction(predicted: list[Any], place: str, report: ConversionReport) -> Any:
    if len(predicted) > 1:
        reason = "tasks with several predictions (the first one is read)"
        report.choose(reason, place, f"{len(predicted)} predictions")
    return predicted[0] if predicted else None
