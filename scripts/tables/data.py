"""Data of tables, saved beside them, so that they can be written again."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from spacy_str_encoder.files.whole import write_json_lines

from .results import Results
from .settings import TableSettings


@dataclass(frozen=True)
class TableData:
    """Results of trials, and their settings: tables and plots are written from these alone.

    results (Mapping[str, Sequence[Kept]]): The results of each system, one a seed.
    settings (TableSettings): What they were made with.
    layers (int): The layers of the encoder.
    focus_layers (Sequence[int]): The values of K to compare.
    """

    results: Results
    settings: TableSettings
    layers: int
    focus_layers: Sequence[int]


def save_data(path: Path, data: TableData) -> None:
    """Save the data of tables as JSON lines: the settings, and then each trial.

    path (Path): The file.
    data (TableData): The data.
    """
    settings = data.settings
    paths = {"base": str(settings.base), "corpus": str(settings.corpus)}
    head = {
        "settings": {**asdict(settings), **paths},
        "layers": data.layers,
        "focus_layers": list(data.focus_layers),
    }
    trials = ({"system": name, **kept} for name, all in data.results.items() for kept in all)
    write_json_lines(path, chain([head], trials))


def read_data(path: Path) -> TableData:
    """Read the data of tables.

    path (Path): The file.
    RETURNS (TableData): The data.
    """
    # The floats that srsly reads are not exact to the last digit.
    head, *trials = map(json.loads, path.read_text("utf-8").splitlines())
    results: dict[str, list[Any]] = {}
    for trial in trials:
        results.setdefault(trial.pop("system"), []).append(trial)
    settings = head.pop("settings")
    for name in ("base", "corpus"):
        settings[name] = Path(settings[name])
    for name in ("tests", "focus_layers"):
        settings[name] = settings[name] and tuple(settings[name])
    return TableData(results, TableSettings(**settings), **head)
