"""A plot of the calibration."""

from pathlib import Path
from typing import Any

from .calibration import Calibration
from .outcomes import TASKS
from .report import Report

try:
    from matplotlib.figure import Figure
except ImportError as error:
    raise ImportError("plots need matplotlib: pip install 'spacy_str_encoder[plot]'") from error


# The suffixes of files that are written.
SUFFIXES = (".pdf", ".png", ".svg")


def check_suffix(path: Path) -> None:
    """Check that a plot can be written in the format of its suffix.

    path (Path): The file to write.
    RAISES (ValueError): If it can't.
    """
    if path.suffix.lower() not in SUFFIXES:
        found = path.suffix or "no suffix"
        raise ValueError(f"{path}: a plot must end in {', '.join(SUFFIXES)}, got {found}")


def draw_calibration(path: Path, report: Report) -> None:
    """Draw reliability diagrams: the share of correct predictions by score, above a histogram of
    the scores.

    Source: Guo et al. 2017, arXiv 1706.04599, figure 1.

    path (Path): The file to write, see `SUFFIXES`.
    report (Report): The scores of a pipeline, and optionally of the one it is compared with.
    """
    figure = Figure(figsize=(11, 4.8), layout="constrained")
    panels = figure.subplots(2, len(TASKS), sharex=True, height_ratios=[3, 1]).T
    for (task, title), (diagram, histogram) in zip(TASKS.items(), panels, strict=True):
        _prepare(diagram, histogram, title)
        for name, scores in (("model", report["model"]), ("other model", report["other"])):
            of_task = scores[task] if scores is not None else None
            if of_task is not None and of_task["calibration"] is not None:
                _draw(diagram, histogram, name, of_task["calibration"])
        diagram.legend(loc="best", fontsize=8)
    figure.savefig(path, format=path.suffix.lower().removeprefix("."), dpi=120)


def _prepare(diagram: Any, histogram: Any, title: str) -> None:
    diagram.set_title(title)
    diagram.plot([0, 1], [0, 1], color="grey", linestyle="--", linewidth=1, label="calibrated")
    diagram.set_ylabel("share correct")
    diagram.set_xlim(-0.02, 1.02)
    diagram.set_ylim(-0.02, 1.02)
    histogram.set_ylabel("predicted")
    histogram.set_xlabel("score")


def _draw(diagram: Any, histogram: Any, name: str, calibration: Calibration) -> None:
    bins = calibration["bins"]
    filled = [each for each in bins if each["count"]]
    label = f"{name} (ECE {100 * calibration['ece']:.1f} %)"
    scores, shares = zip(*((each["confidence"], each["correct"]) for each in filled), strict=True)
    diagram.plot(scores, shares, marker="o", markersize=4, label=label)
    edges = [each["least"] for each in bins] + [bins[-1]["most"]]
    histogram.stairs([each["count"] for each in bins], edges, fill=True, alpha=0.5)
