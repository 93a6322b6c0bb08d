"""Tables of scores for a terminal of 80 columns.

Each says what counts as correct, whether entities are predicted or gold ones, and whether scores
are micro or macro.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

import numpy
from rich.table import Table
from rich.text import Text

from ..distances import name_bin
from ..doc.plurals import count_noun
from ..tables import make_table
from .bootstrap import Difference
from .calibration import Calibration
from .confusion import Confusion
from .counts import Figures
from .distance import DistanceBin
from .outcomes import ALL_TASKS, ATTRIBUTE_TASKS, Task
from .overlaps import OverlapFigures
from .report import Comparison, DocNumbers, Report
from .scores import Scores, TaskScores, Triple, ViewScores
from .views import View

# Of triples and confusions. The JSON report has them all.
MAX_ROWS = 15
# Of the rows below those of strict scores.
VIEWS: dict[Literal["boundaries", "flat"], str] = {
    "boundaries": "boundaries only",
    "flat": "without overlaps",
}
TRIPLES: dict[Literal["triples", "typed_triples"], str] = {
    "triples": "triples",
    "typed_triples": "triples with types",
}
MODE = "micro scores, and macro F1 over gold labels"


def lay_out(
    report: Report, *, details: bool = False, triples: bool = False
) -> Iterator[Table | Text]:
    """Lay out a report.

    report (Report): The scores.
    details (bool): Whether to add scores by entity types, confusions, recall by distance and
        calibration.
    triples (bool): Whether to add scores of relations as triples of strings.
    YIELDS (Table | Text): The blocks to print, in order.
    """
    yield _docs_line(report["docs"])
    yield from _minimum_line(report["min_scores"])
    for title, scores in (("Model", report["model"]), ("Other model", report["other"])):
        if scores is not None:
            yield from _overview(title, scores)
            yield from _triples_tables(title, scores) if triples else ()
    if report["comparison"] is not None:
        yield _comparison_table(report["comparison"], triples=triples)
    if report["differing"] is not None:
        yield _differing_table(report["differing"])
    yield from _type_tables(report["model"])
    if details:
        yield from _detail_tables(report["model"])


def _docs_line(docs: DocNumbers) -> Text:
    attributes = f", {docs['with_attributes']} with attributes" if docs["with_attributes"] else ""
    return Text(
        f"{count_noun(docs['all'], 'doc')}, {docs['with_entities']} with annotated entities, "
        f"{docs['with_relations']} with annotated relations{attributes}"
    )


def _minimum_line(min_scores: dict[str, float | None]) -> Iterator[Text]:
    listed = [f"{name} {score}" for name, score in min_scores.items() if score is not None]
    if listed:
        yield Text(f"minimum score: {', '.join(listed)}")


def _overview(title: str, scores: Scores) -> Iterator[Table | Text]:
    if scores["precision"]:
        title = f"{title}, {' and '.join(sorted({*scores['precision'].values()}))}"
    columns = ["P", "R", "F1", "95 % CI", "macro F1", "ECE"]
    table = make_table(f"{title}: {MODE}", ["strict"], columns)
    for name, task in _scored(scores):
        error = task["calibration"]["ece"] if task["calibration"] else None
        table.add_row(name, *_view_cells(task["strict"]), _percent(error), style="bold")
        for view, label in VIEWS.items():
            if (of_view := task[view]) is not None:
                table.add_row(f"  {label}", *_view_cells(of_view))
    yield table
    yield from map(Text, scores["notes"])


def _triples_tables(title: str, scores: Scores) -> Iterator[Table]:
    columns = ["P", "R", "F1", "95 % CI", "macro F1"]
    table = make_table(f"{title}: {MODE}", ["triples of strings"], columns)
    for name, task in _scored(scores):
        if task["triples"] is not None and task["typed_triples"] is not None:
            table.add_row(name, *_view_cells(task["triples"]), style="bold")
            table.add_row("  with types", *_view_cells(task["typed_triples"]))
    if table.rows:
        yield table


def _comparison_table(comparison: Comparison, *, triples: bool) -> Table:
    columns = ["model", "other", "difference", "95 % CI", "p"]
    table = make_table("Micro F1 of both models", ["strict"], columns)
    labels: list[tuple[View, str]] = [*VIEWS.items(), *(TRIPLES.items() if triples else ())]
    for task, views in comparison.items():
        table.add_row(ALL_TASKS[task], *_difference_cells(views["strict"]), style="bold")
        for view, label in labels:
            if view in views:
                table.add_row(f"  {label}", *_difference_cells(views[view]))
    return table


def _differing_table(differing: dict[Task, int]) -> Table:
    table = make_table("Docs with different predictions", ["strict"], ["docs"])
    for task, count in differing.items():
        table.add_row(ALL_TASKS[task], f"{count}")
    return table


def _type_tables(scores: Scores) -> Iterator[Table]:
    for name, task in _scored(scores):
        types = task["strict"]["per_type"] or {}
        rows = [([label], types[label]) for label in types]
        yield _figures_table(f"{name}, strict", ["label"], rows)
        if task["per_overlap"] is not None:
            yield _overlap_table(name, task["per_overlap"])


def _overlap_table(name: str, scores: list[OverlapFigures]) -> Table:
    rows: list[tuple[list[str], Figures]] = [([each["overlap"]], each) for each in scores]
    return _figures_table(f"{name}, strict, by overlap", ["entity"], rows)


def _detail_tables(scores: Scores) -> Iterator[Table]:
    for name, task in _scored(scores):
        if task["per_triple"] is not None:
            yield _triple_table(name, task["per_triple"])
        if task["confusion"] is not None:
            is_of_entities = name in ATTRIBUTE_TASKS.values()
            yield _confusion_table(name, task["confusion"], of_entities=is_of_entities)
        if task["distance"] is not None:
            yield _distance_table(name, task["distance"])
        if task["calibration"] is not None:
            yield _calibration_table(name, task["calibration"])


def _scored(scores: Scores) -> Iterator[tuple[str, TaskScores]]:
    for task, name in ALL_TASKS.items():
        of_task = scores[task]
        if of_task is not None:
            yield name, of_task


def _triple_table(name: str, triples: list[Triple]) -> Table:
    ordered = sorted(triples, key=lambda each: (-each["gold"], -each["predicted"]))
    rows = [([each["head"], each["label"], each["tail"]], each) for each in ordered[:MAX_ROWS]]
    title = f"{name}, strict, by entity types{_left_out(triples)}"
    return _figures_table(title, ["head", "label", "tail"], rows)


def _figures_table(
    title: str, headers: list[str], rows: Iterable[tuple[list[str], Figures]]
) -> Table:
    table = make_table(title, headers, ["P", "R", "F1", "predicted", "gold"])
    for names, figures in rows:
        scores = map(_percent, (figures["p"], figures["r"], figures["f"]))
        counts = map(str, (figures["predicted"], figures["gold"]))
        table.add_row(*map(Text, names), *scores, *counts)
    return table


def _confusion_table(name: str, confusion: Confusion, *, of_entities: bool) -> Table:
    nothing, items = ("no value", "entities") if of_entities else ("no relation", "pairs")
    classes = [each or nothing for each in confusion["classes"]]
    counts = numpy.array(confusion["counts"])
    wrong = [(i, j) for i, j in numpy.argwhere(counts) if i != j]
    wrong.sort(key=lambda cell: -counts[cell])
    title = f"{name}, strict, confusions{_left_out(wrong)}"
    table = make_table(title, ["gold", "predicted"], [items])
    for i, j in wrong[:MAX_ROWS]:
        table.add_row(Text(classes[i]), Text(classes[j]), f"{counts[i, j]}")
    return table


def _distance_table(name: str, bins: list[DistanceBin]) -> Table:
    table = make_table(f"{name}, strict, by distance", ["tokens between"], ["R", "correct", "gold"])
    for each in bins:
        reach = name_bin(each["least"], each["most"])
        table.add_row(reach, _percent(each["recall"]), f"{each['correct']}", f"{each['gold']}")
    return table


def _calibration_table(name: str, calibration: Calibration) -> Table:
    columns = ["mean score", "correct", "predicted"]
    table = make_table(f"{name}, strict, calibration", ["score"], columns)
    for each in calibration["bins"]:
        if each["count"]:
            reach = f"{100 * each['least']:.0f} to {100 * each['most']:.0f}"
            shares = map(_percent, (each["confidence"], each["correct"]))
            table.add_row(reach, *shares, f"{each['count']}")
    return table


def _view_cells(view: ViewScores) -> list[str]:
    micro = view["micro"]
    scores = map(_percent, (micro["p"], micro["r"], micro["f"]))
    low, high = map(_percent, view["interval"]["f"])
    return [*scores, f"{low}–{high}", _percent(view["macro_f"])]


def _difference_cells(difference: Difference) -> list[str]:
    scores = map(_percent, (difference["f"], difference["other_f"]))
    ends = difference["difference"], *difference["interval"]
    gap, low, high = (f"{100 * end:+.1f}" for end in ends)
    return [*scores, gap, f"{low} to {high}", f"{difference['p_value']:.3f}"]


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f}"


def _left_out(rows: Sequence[object]) -> str:
    return f" ({MAX_ROWS} of {len(rows)})" if len(rows) > MAX_ROWS else ""
