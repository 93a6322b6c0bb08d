"""Scores that the command `evaluate` has written."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import srsly

from ..evaluation.outcomes import ALL_TASKS


@dataclass(frozen=True)
class ScoreReport:
    """Scores of a pipeline on some texts.

    pipeline (str | None): The name, the version and the hash of the pipeline.
    docs (int): The number of texts.
    conditions (list[str]): Settings of `evaluate` that change predictions.
    scores (Mapping[str, Any]): The scores by task.
    """

    pipeline: str | None
    docs: int
    conditions: list[str]
    scores: Mapping[str, Any]


def read_scores(paths: Iterable[Path]) -> dict[str, ScoreReport]:
    """Read reports of `evaluate`.

    paths (Iterable[Path]): The JSON files.
    RETURNS (dict[str, ScoreReport]): The reports by the name of the file, without suffix.
    RAISES (ValueError): If a file is not a report of `evaluate`, or two have the same name.
    """
    reports: dict[str, ScoreReport] = {}
    for path in paths:
        if path.stem in reports:
            raise ValueError(f"{path}: there must be one file of each name; rename one of them")
        reports[path.stem] = _read(path)
    return reports


def check_scored(reports: Mapping[str, ScoreReport], pipeline: str) -> None:
    """Check that scores are those of a pipeline.

    reports (Mapping[str, ScoreReport]): The reports by name.
    pipeline (str): The name, the version and the hash of the pipeline.
    RAISES (ValueError): If a report is about another pipeline.
    """
    for name, report in reports.items():
        if report.pipeline != pipeline:
            raise ValueError(
                f"{name}: the scores must be those of this pipeline ({pipeline}), got those of "
                f"{report.pipeline}; run evaluate with this pipeline"
            )


def _read(path: Path) -> ScoreReport:
    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    try:
        report = srsly.read_json(path)
        docs, model = report["docs"]["all"], report["model"]
        read = ScoreReport(report["pipeline"], docs, [*_list_conditions(report)], model)
        for task in ALL_TASKS:
            if model[task] is not None:
                _ = model[task]["strict"]["micro"]["f"], model[task]["strict"]["macro_f"]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path}: the file must be a report of evaluate --output, got something else"
        ) from error
    return read


def _list_conditions(report: Mapping[str, Any]) -> Iterable[str]:
    for name, score in report["min_scores"].items():
        if score is not None:
            yield f"minimum {name} score {score:g}"
    yield from sorted({*report["model"]["precision"].values()} - {"float32"})
