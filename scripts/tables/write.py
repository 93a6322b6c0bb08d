"""Writes tables and plots."""

from collections.abc import Sequence
from pathlib import Path

from .markdown import BASE, write_tables
from .plots import draw_curves, draw_focus, draw_joint
from .results import Results
from .settings import Settings
from .systems import count_layers, name_of_base


def write_all(folder: Path, results: Results, settings: Settings, failed: Sequence[str]) -> None:
    """Write tables.md and the plots.

    folder (Path): The folder for them.
    results (Mapping[str, Sequence[Kept]]): The results of each system, one a seed.
    settings (Settings): What they were made with.
    failed (Sequence[str]): The trials that failed.
    """
    results = {**results, BASE: results.get(name_of_base(settings.base), ())}
    layers = count_layers(settings.encoder)
    folder.mkdir(parents=True, exist_ok=True)
    tables = write_tables(results, settings, layers=layers, failed=failed)
    (folder / "tables.md").write_text(tables, "utf-8")
    draw_focus(folder / "tables_focus.png", results, layers=layers)
    draw_curves(folder / "tables_curves.png", results)
    draw_joint(folder / "tables_joint.png", results, tests=settings.tests)
