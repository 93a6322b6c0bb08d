"""Plots of the figures."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from spacy_str_encoder.evaluation.outcomes import TASKS, Task

from ..figures import Figure
from .markdown import BASE, TITLES
from .results import Kept, Results, spread, sum_up
from .systems import MASKS, focused_name

JOINT: list[tuple[str, Task]] = [
    ("only_ner", "entities"),
    ("only_rc", "relations_gold_entities"),
]
# Titles of spaCy's scores on dev.
DEV_SCORES = {
    "ents_f": "NER",
    "rels_f": "RC, predicted entities (gold if a system predicts none)",
}
COLOURS = {name: f"C{number}" for number, name in enumerate(TITLES)}
# Shifts the points of the two masks apart, so that both are visible.
SHIFTS = {"cls": -0.04, "pair": 0.04}


def draw_focus(path: Path, results: Results, *, focus_layers: Sequence[int]) -> None:
    """Draw F1 on dev against K, for both masks.

    path (Path): The PNG file to write.
    results (Mapping[str, Sequence[Kept]]): The results of each system, one for each seed.
    focus_layers (Sequence[int]): The values of K to compare.
    """
    figure = Figure(figsize=(9, 3.8), layout="constrained")
    tasks: tuple[Task, Task] = ("entities", "relations")
    for axes, task in zip(figure.subplots(1, 2), tasks, strict=True):
        _prepare(axes, TASKS[task], "K", "F1 on dev (%)")
        axes.set_xticks(focus_layers)
        for mask, title in MASKS.items():
            by_k = {k: results.get(focused_name(mask, k), ()) for k in focus_layers}
            points = [(k + SHIFTS[mask], *_f1(trials, "dev", task)) for k, trials in by_k.items()]
            _draw_errors(axes, points, title)
        axes.legend()
    figure.savefig(path, format="png", dpi=120)


def draw_curves(path: Path, results: Results) -> None:
    """Draw F1 on dev during training.

    path (Path): The PNG file to write.
    results (Mapping[str, Sequence[Kept]]): The results of each system, one for each seed.
    """
    figure = Figure(figsize=(11, 4.6), layout="constrained")
    for axes, (score, title) in zip(figure.subplots(1, 2), DEV_SCORES.items(), strict=True):
        _prepare(axes, title, "updates", "F1 on dev (%)")
        for name, system in TITLES.items():
            curve = _mean_curve(results.get(name, ()), score)
            if curve:
                points = zip(*sorted(curve.items()), strict=True)
                axes.plot(*points, marker=".", color=COLOURS[name], label=system)
        if axes.lines:
            axes.legend(fontsize=7)
    figure.savefig(path, format="png", dpi=120)


def draw_joint(path: Path, results: Results, *, tests: Sequence[str]) -> None:
    """Draw F1 of tasks that were trained separately and jointly.

    path (Path): The PNG file to write.
    results (Mapping[str, Sequence[Kept]]): The results of each system, one for each seed.
    tests (Sequence[str]): The test sets.
    """
    figure = Figure(figsize=(4.5 * len(tests), 3.8), layout="constrained")
    for axes, test in zip(figure.subplots(1, len(tests), squeeze=False)[0], tests, strict=True):
        _prepare(axes, test, "", "F1 (%)")
        axes.set_xticks(range(len(JOINT)), [TASKS[task] for _, task in JOINT])
        # Leaves room for the legend above the bars.
        axes.set_ylim(0, 120)
        axes.set_yticks(range(0, 101, 20))
        separate = [_f1(results.get(name, ()), test, task) for name, task in JOINT]
        joint = [_f1(results.get(BASE, ()), test, task) for _, task in JOINT]
        for shift, label, bars in ((-0.2, "separate", separate), (0.2, "joint", joint)):
            _draw_bars(axes, bars, label, shift=shift)
        axes.legend(loc="upper center", ncols=2)
    figure.savefig(path, format="png", dpi=120)


def _prepare(axes: Any, title: str, x: str, y: str) -> None:
    axes.set_title(title)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.grid(alpha=0.3)
    axes.set_axisbelow(True)


def _f1(results: Sequence[Kept], part: str, task: Task) -> tuple[float, float]:
    """Compute mean and deviation. A missing score is NaN, which is not drawn."""
    spreads = sum_up(results, part, task)
    if spreads is None:
        return float("nan"), 0.0
    return spreads[2].mean, spreads[2].deviation or 0.0


def _draw_errors(axes: Any, points: Sequence[tuple[float, float, float]], label: str) -> None:
    places, means, deviations = zip(*points, strict=True)
    axes.errorbar(places, means, yerr=deviations, marker="o", capsize=3, label=label)


def _draw_bars(axes: Any, bars: Sequence[tuple[float, float]], label: str, *, shift: float) -> None:
    means, deviations = zip(*bars, strict=True)
    places = [place + shift for place in range(len(bars))]
    drawn = axes.bar(places, means, width=0.36, yerr=deviations, capsize=3, label=label)
    axes.bar_label(drawn, fmt="%.1f", label_type="center", color="white")


def _mean_curve(results: Sequence[Kept], score: str) -> Mapping[int, float]:
    """Average a score over seeds, for the steps at which all seeds have it.

    Step 0 is left out: all scores are near 0 there, and would hide the differences later on.
    """
    curves = [
        {
            step["step"]: step["scores"][score]
            for step in result["curve"]
            if step["step"] and score in step["scores"]
        }
        for result in results
    ]
    common = set.intersection(*map(set, curves)) if curves else set()
    return {step: spread([curve[step] for curve in curves]).mean for step in common}
