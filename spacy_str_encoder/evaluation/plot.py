"""Draws how far scores are probabilities."""

from pathlib import Path
from typing import Any

from .calibration import Calibration
from .outcomes import TASKS
from .report import Report

try:
    from matplotlib.figure import Figure
except ImportError as error:
    raise ImportError(
        "a plot needs matplotlib; install it with pip install 'spacy_str_encoder[plot]'"
    ) from error


def draw_calibration(path: Path, report: Report) -> None:
    """Draw reliability diagrams: the share that is right by score, and how much has that score.

    Source: Guo et al. 2017, arXiv 1706.04599, figure 1.

    path (Path): The PNG to write.
    report (Report): The scores of a pipeline, and of the one it is compared with if there is one.
    """
    figure = Figure(figsize=(11, 4.8), layout="constrained")
    panels = figure.subplots(2, len(TASKS), sharex=True, height_ratios=[3, 1]).T
    for (task, title), (diagram, histogram) in zip(TASKS.items(), panels, strict=True):
        _prepare(diagram, histogram, title)
        for name, scores in (("model", report["model"]), ("other model", report["other"])):
            found = scores[task] if scores is not None else None
            if found is not None and found["calibration"] is not None:
                _draw(diagram, histogram, name, found["calibration"])
        diagram.legend(loc="best", fontsize=8)
    figure.savefig(path, format="png", dpi=120)


def _prepare(diagram: Any, histogram: Any, title: str) -> None:
    diagram.set_title(title)
    diagram.plot([0, 1], [0, 1], color="grey", linestyle="--", linewidth=1, label="calibrated")
    diagram.set_ylabel("share right")
    diagram.set_xlim(-0.02, 1.02)
    diagram.set_ylim(-0.02, 1.02)
    histogram.set_ylabel("found")
    histogram.set_xlabel("score")


def _draw(diagram: Any, histogram: Any, name: str, calibration: Calibration) -> None:
    bins = calibration["bins"]
    filled = [each for each in bins if each["count"]]
    label = f"{name} (ECE {100 * calibration['ece']:.1f} %)"
    scores, shares = zip(*((each["confidence"], each["right"]) for each in filled), strict=True)
    diagram.plot(scores, shares, marker="o", markersize=4, label=label)
    edges = [each["least"] for each in bins] + [bins[-1]["most"]]
    histogram.stairs([each["count"] for each in bins], edges, fill=True, alpha=0.5)
