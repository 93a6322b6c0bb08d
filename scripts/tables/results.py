"""Results of trials: saved, looked up, and summarized over seeds."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import NamedTuple, cast

import srsly

from spacy_str_encoder.evaluation.outcomes import Task
from spacy_str_encoder.files.whole import written_whole

from .train import Result
from .trials import Trial

FILE = "scores.json"


class Kept(Result):
    """A saved result, with the fingerprint of its trial and the commit it was trained with."""

    fingerprint: str
    commit: str


# The results of each system, one for each seed.
Results = Mapping[str, Sequence[Kept]]


class Spread(NamedTuple):
    """The mean of values, and their sample standard deviation; None for a single value."""

    mean: float
    deviation: float | None

    def __str__(self) -> str:
        mean = f"{self.mean:.1f}"
        return mean if self.deviation is None else f"{mean} ± {self.deviation:.1f}"


# The spreads of precision, recall and F1, in percent.
Spreads = tuple[Spread, Spread, Spread]


def keep_result(result: Result, trial: Trial, folder: Path, *, commit: str) -> None:
    """Save a result. The file is complete or not there at all.

    result (Result): The result.
    trial (Trial): The trial.
    folder (Path): The folder of the trial.
    commit (str): The commit it was trained with.
    """
    kept: Kept = {**result, "fingerprint": trial.fingerprint, "commit": commit}
    with written_whole(folder / FILE) as path:
        srsly.write_json(path, kept)


def find_result(trial: Trial, folder: Path) -> tuple[Kept | None, str]:
    """Look up the result of a trial.

    trial (Trial): The trial.
    folder (Path): The folder of the trial.
    RETURNS (tuple[Kept | None, str]): The result, or None with the reason why there is none. The
        reason is empty if the trial was never trained.
    """
    path = folder / FILE
    if not path.exists():
        return None, ""
    try:
        kept = json.loads(path.read_text("utf-8"))
    except ValueError:
        return None, f"{path} can't be read"
    if not isinstance(kept, dict) or not kept.keys() >= Kept.__required_keys__:
        return None, f"{path} is not a result"
    if kept["fingerprint"] != trial.fingerprint:
        return None, "its settings or data have changed"
    return cast(Kept, kept), ""


def find_results(trials: Iterable[Trial], folder: Path) -> dict[str, list[Kept]]:
    """Look up the results of trials.

    trials (Iterable[Trial]): The trials.
    folder (Path): The folder with the folders of the trials.
    RETURNS (dict[str, list[Kept]]): The results found, by system.
    """
    results: dict[str, list[Kept]] = {}
    for trial in trials:
        kept, _ = find_result(trial, folder / trial.name)
        if kept is not None:
            results.setdefault(trial.system, []).append(kept)
    return results


def sum_up(results: Iterable[Result], part: str, task: Task) -> Spreads | None:
    """Summarize the scores of a system over its seeds.

    results (Iterable[Result]): The results of its trials.
    part (str): The part of the corpus.
    task (Task): The task.
    RETURNS (tuple[Spread, Spread, Spread] | None): Precision, recall and F1; None if there is no
        score.
    """
    scores = [result["scores"][part] for result in results]
    scored = [each[task] for each in scores if task in each]
    if not scored:
        return None
    p, r, f = (spread([100 * figures[name] for figures in scored]) for name in ("p", "r", "f"))
    return p, r, f


def spread(values: Sequence[float]) -> Spread:
    """RETURNS (Spread): The mean and the standard deviation of values."""
    return Spread(fmean(values), stdev(values) if len(values) > 1 else None)
