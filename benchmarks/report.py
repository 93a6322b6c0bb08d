"""Show results as a table, save them as JSON, and plot them."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import matplotlib
import numpy
import srsly
from rich.console import Console
from rich.table import Table

from measure import Result

matplotlib.use("agg")
from matplotlib import pyplot

Growth = dict[str, dict[str, list[float]]]


def show(results: list[Result], earlier: dict[str, float]) -> None:
    """Print a table.

    results (list[Result]): The results.
    earlier (dict[str, float]): The values of an earlier run, by name.
    """
    table = Table("measure", "floor", "must reach", "median", "quartiles", "earlier")
    for r in results:
        style = None if r.is_met else "bold red"
        floor = "" if r.floor is None else f"{r.floor:.2f}"
        figures = ["not measured here", ""]
        if r.value is not None:
            figures = [f"{r.value:.2f}", f"{r.low:.2f} to {r.high:.2f}"]
        before = f"{earlier[r.name]:.2f}" if r.name in earlier else ""
        table.add_row(r.name, floor, r.target, *figures, before, style=style)
    Console(width=150).print(table)


def read_earlier(path: Path) -> dict[str, float]:
    """Read the values of an earlier run.

    path (Path): The JSON file.
    RETURNS (dict[str, float]): The values by name; empty if there is no such file.
    """
    if not path.exists():
        return {}
    results = srsly.read_json(path)["results"]
    return {each["name"]: each["value"] for each in results if each["value"] is not None}


def save(path: Path, results: list[Result], growth: Growth, machine: dict[str, Any]) -> None:
    """Write results as JSON.

    path (Path): The file.
    results (list[Result]): The results.
    growth (dict[str, dict[str, list[float]]]): The sizes and seconds.
    machine (dict[str, Any]): The hardware and software of the measurement.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    rounded = [
        {k: round(v, 3) if isinstance(v, float) else v for k, v in asdict(r).items()}
        for r in results
    ]
    curves = {
        kind: {name: [round(value, 4) for value in values] for name, values in curve.items()}
        for kind, curve in growth.items()
    }
    srsly.write_json(path, {"machine": machine, "results": rounded, "growth": curves})


def draw_results(path: Path, results: list[Result]) -> None:
    """Plot ratios with their floors.

    path (Path): The PNG file to write.
    results (list[Result]): The results.
    """
    with_floor = [r for r in results if r.floor is not None][::-1]
    figure, axes = pyplot.subplots(figsize=(9, 0.45 * len(with_floor) + 1))
    places = range(len(with_floor))
    figures = [[r.value, r.low, r.high] for r in with_floor]
    values, low, high = numpy.array(figures, dtype=float).T
    axes.barh(
        places,
        values,
        xerr=[values - low, high - values],
        height=0.55,
        color="#7aa6c2",
        label="measured",
    )
    axes.scatter([r.floor for r in with_floor], places, marker="|", s=220, color="black",
                 label="multiply-adds alone", zorder=3)  # fmt: skip
    axes.set_yticks(places, [r.name for r in with_floor], fontsize=8)
    axes.set_xscale("log")
    axes.set_xticks([1, 1.5, 2, 3, 5, 10, 20], ["1", "1.5", "2", "3", "5", "10", "20"])
    axes.minorticks_off()
    axes.set_xlabel("ratio of times")
    axes.legend(loc="lower right", fontsize=8)
    figure.savefig(path, dpi=120, bbox_inches="tight")
    pyplot.close(figure)


def draw_growth(path: Path, growth: Growth) -> None:
    """Plot times against sizes.

    path (Path): The PNG file to write.
    growth (dict[str, dict[str, list[float]]]): The sizes and seconds.
    """
    figure, panels = pyplot.subplots(1, len(growth), figsize=(3.4 * len(growth), 3))
    for axes, (kind, curve) in zip(panels, growth.items(), strict=True):
        axes.plot(curve["size"], curve["seconds"], marker="o", markersize=4, color="#2b6a8f")
        axes.set_xlim(left=0)
        axes.set_ylim(bottom=0)
        axes.set_xlabel(kind)
        axes.set_ylabel("seconds")
        axes.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    pyplot.close(figure)
