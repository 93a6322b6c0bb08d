"""Trains what was not trained yet, and keeps what comes of it."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import typer

from spacy_str_encoder.evaluation.outcomes import TASKS

from .commit import find_commit
from .results import Kept, find_result, keep_result
from .trials import Trial
from .workers import Outcome

# Trains trials, and yields how each ended.
Engine = Callable[[Sequence[Trial]], Iterator[Outcome]]


def run_trials(
    trials: Sequence[Trial], folder: Path, engine: Engine
) -> tuple[dict[str, list[Kept]], list[str]]:
    """Train the trials that have no result yet. One that fails leaves the others alone.

    trials (Sequence[Trial]): The trials.
    folder (Path): Where each has its folder.
    engine (Callable[[Sequence[Trial]], Iterator[Outcome]]): Trains them.
    RETURNS (tuple[dict[str, list[Kept]], list[str]]): The results of each system, and the names of
        the trials that failed.
    """
    due = _find_due(trials, folder)
    commit = find_commit()
    for number, outcome in enumerate(engine(due), start=1):
        _keep(outcome, folder / outcome.trial.name, commit=commit)
        typer.echo(f"{number} of {len(due)}: {_describe(outcome)}")
    results: dict[str, list[Kept]] = {}
    failed = []
    for trial in trials:
        kept, _ = find_result(trial, folder / trial.name)
        if kept is None:
            failed.append(trial.name)
        else:
            results.setdefault(trial.system, []).append(kept)
    return results, failed


def _find_due(trials: Sequence[Trial], folder: Path) -> list[Trial]:
    due = []
    for trial in trials:
        kept, reason = find_result(trial, folder / trial.name)
        if kept is None:
            due.append(trial)
        if reason:
            typer.echo(f"{trial.name} is trained again, since {reason}")
    typer.echo(f"{len(due)} of {len(trials)} trials to train, in {folder}")
    return due


def _keep(outcome: Outcome, folder: Path, *, commit: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "log.txt").write_text(outcome.log, "utf-8")
    if outcome.result is not None:
        keep_result(outcome.result, outcome.trial, folder, commit=commit)


def _describe(outcome: Outcome) -> str:
    if outcome.result is None:
        return f"{outcome.trial.name} failed"
    dev = outcome.result["scores"]["dev"]
    scores = ", ".join(f"{TASKS[task]} {100 * dev[task]['f']:.1f}" for task in dev)
    return f"{outcome.trial.name}: {scores} F1 on dev ({outcome.result['seconds']:.0f} s)"
