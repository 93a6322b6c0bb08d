"""Scores that the command `evaluate` has written."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import srsly

from ..evaluation.outcomes import ALL_TASKS

# Name of a report, and its scores by task.
Scores = dict[str, Any]


def read_scores(paths: Iterable[Path]) -> dict[str, Scores]:
    """Read reports of `evaluate`.

    paths (Iterable[Path]): The JSON files.
    RETURNS (dict[str, dict]): The scores of the pipeline by the name of the file, without suffix.
    RAISES (ValueError): If a file is not a report of `evaluate`, or two have the same name.
    """
    reports: dict[str, Scores] = {}
    for path in paths:
        if path.stem in reports:
            raise ValueError(f"{path}: there must be one file of each name; rename one of them")
        reports[path.stem] = _read(path)
    return reports


def _read(path: Path) -> Scores:
    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    try:
        report = srsly.read_json(path)
        model: Scores = report["model"]
        for task in ALL_TASKS:
            if model[task] is not None:
                _ = model[task]["strict"]["micro"]["f"], model[task]["strict"]["macro_f"]
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path}: the file must be a report of evaluate --output, got something else"
        ) from error
    return model
