"""The report of a calibration for a terminal."""

from collections.abc import Iterator
from typing import Literal

from rich.table import Table
from rich.text import Text

from ..doc.plurals import count_noun
from ..evaluation.outcomes import ALL_TASKS
from ..evaluation.scores import TaskScores
from ..tables import make_table
from .calibrate import CalibrationReport

FIGURES: dict[Literal["p", "r", "f"], str] = {"p": "P", "r": "R", "f": "F1"}


def lay_out(report: CalibrationReport) -> Iterator[Table | Text]:
    """Lay out a report.

    report (CalibrationReport): The report.
    YIELDS (Table | Text): The blocks to print, in order.
    """
    title = f"{count_noun(report['docs'], 'doc')}, the same before and after"
    table = make_table(title, ["strict"], ["scores", "ECE before", "scores", "ECE after"])
    for task, name in ALL_TASKS.items():
        before, after = report["before"][task], report["after"][task]
        if before is not None and after is not None:
            table.add_row(name, _count(before), _error(before), _count(after), _error(after))
    yield table
    yield Text("ECE after is that of the texts it was fitted to; others may have more.")
    for component, temperature in report["temperatures"].items():
        yield Text(f"{component}: temperature {temperature:.3g}")
    yield from _threshold_lines(report)
    yield from map(Text, report["notes"])


def _threshold_lines(report: CalibrationReport) -> Iterator[Text]:
    before, after = report["before"]["relations"], report["after"]["relations"]
    if not report["is_chosen"] or before is None or after is None:
        return
    threshold = report["threshold"]
    said = "none, all are kept" if threshold is None else f"{threshold:.4g}"
    yield Text(f"threshold of relations: {said}")
    old, new = before["strict"]["micro"], after["strict"]["micro"]
    changes = [
        f"{name} {100 * old[key]:.1f} to {100 * new[key]:.1f}" for key, name in FIGURES.items()
    ]
    yield Text(f"relations between predicted entities, strict, micro: {', '.join(changes)}")


def _count(scores: TaskScores) -> str:
    return f"{scores['calibration']['count']:,}" if scores["calibration"] else "0"


def _error(scores: TaskScores) -> str:
    return f"{100 * scores['calibration']['ece']:.1f}" if scores["calibration"] else ""
