"""Writes tables and plots."""

from collections.abc import Sequence
from pathlib import Path

from .markdown import BASE, write_tables
from .plots import draw_curves, draw_focus, draw_joint
from .results import Results
from .settings import TableSettings
from .systems import count_layers, list_focus_layers, name_of_base

PLOTS = {
    "tables_focus.png": "F1 on dev for each K and both masks",
    "tables_curves.png": "F1 on dev during training",
    "tables_joint.png": "F1 of tasks trained separately and jointly",
}


def write_all(
    folder: Path, results: Results, settings: TableSettings, failed: Sequence[str]
) -> None:
    """Write tables.md and the plots.

    folder (Path): The folder for them.
    results (Mapping[str, Sequence[Kept]]): The results of each system, one a seed.
    settings (TableSettings): What they were made with.
    failed (Sequence[str]): The trials that failed.
    """
    results = {**results, BASE: results.get(name_of_base(settings.base), ())}
    layers, focus_layers = count_layers(settings.encoder), list_focus_layers(settings)
    folder.mkdir(parents=True, exist_ok=True)
    tables = write_tables(
        results, settings, layers=layers, focus_layers=focus_layers, failed=failed
    )
    pictures = "".join(f"\n![{title}]({name})\n" for name, title in PLOTS.items())
    (folder / "tables.md").write_text(tables + pictures, "utf-8")
    focus, curves, joint = (folder / name for name in PLOTS)
    draw_focus(focus, results, focus_layers=focus_layers)
    draw_curves(curves, results)
    draw_joint(joint, results, tests=settings.tests)
