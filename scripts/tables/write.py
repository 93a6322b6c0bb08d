"""Writes tables and plots."""

from collections.abc import Sequence
from pathlib import Path

from .data import TableData, save_data
from .markdown import BASE, write_tables
from .plots import draw_curves, draw_focus, draw_joint
from .results import Results
from .systems import name_of_base

FIGURES = "figures.jsonl"
TABLES = "tables.md"
PLOTS = {
    "tables_focus.png": "F1 on dev for each K and both masks",
    "tables_curves.png": "F1 on dev during training",
    "tables_joint.png": "F1 of tasks trained separately and jointly",
}


def write_all(folder: Path, data: TableData, failed: Sequence[str]) -> None:
    """Write tables.md, the plots, and the figures behind them.

    folder (Path): The folder for them.
    data (TableData): The results, and what they were made with.
    failed (Sequence[str]): The trials that failed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    save_data(folder / FIGURES, data)
    (folder / TABLES).write_text(write_page(data, failed), "utf-8")
    results = _with_base(data)
    focus, curves, joint = (folder / name for name in PLOTS)
    draw_focus(focus, results, focus_layers=data.focus_layers)
    draw_curves(curves, results)
    draw_joint(joint, results, tests=data.settings.tests)


def write_page(data: TableData, failed: Sequence[str] = ()) -> str:
    """Write the tables, followed by the plots.

    data (TableData): The results, and what they were made with.
    failed (Sequence[str]): The trials that failed.
    RETURNS (str): The Markdown.
    """
    tables = write_tables(
        _with_base(data),
        data.settings,
        layers=data.layers,
        focus_layers=data.focus_layers,
        failed=failed,
    )
    pictures = "".join(f"\n![{title}]({name})\n" for name, title in PLOTS.items())
    return tables + pictures


def _with_base(data: TableData) -> Results:
    return {**data.results, BASE: data.results.get(name_of_base(data.settings.base), ())}
