"""Trains trials without a result, and saves the results."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import typer

from spacy_str_encoder.doc.plurals import count_noun
from spacy_str_encoder.evaluation.outcomes import TASKS
from spacy_str_encoder.files.locks import locked

from .commit import find_commit
from .results import find_result, keep_result
from .trials import Trial
from .workers import Outcome

# Trains trials, and yields their outcomes.
Engine = Callable[[Sequence[Trial]], Iterator[Outcome]]


def run_trials(trials: Sequence[Trial], folder: Path, engine: Engine) -> list[str]:
    """Train the trials that have no result yet. If one fails, the others go on.

    trials (Sequence[Trial]): The trials.
    folder (Path): The folder with the folders of the trials.
    engine (Callable[[Sequence[Trial]], Iterator[Outcome]]): Trains trials.
    RETURNS (list[str]): The names of the trials that failed.
    RAISES (ValueError): If another process trains in the folder.
    """
    commit = find_commit()
    failed = []
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder, run="trains"):
        due = _find_due(trials, folder)
        for number, outcome in enumerate(engine(due), start=1):
            _keep(outcome, folder / outcome.trial.name, commit=commit)
            typer.echo(f"{number} of {len(due)}: {_describe(outcome)}")
            if outcome.result is None:
                failed.append(outcome.trial.name)
    return failed


def exit_if_failed(failed: Sequence[str], trials: Sequence[Trial], folder: Path) -> None:
    """Print the logs of failed trials and exit, if there are any.

    failed (Sequence[str]): The names of the trials that failed.
    trials (Sequence[Trial]): All trials.
    folder (Path): The folder with the folders of the trials.
    RAISES (typer.Exit): If any trial failed.
    """
    if failed:
        logs = "".join(f"\n{folder / name / 'log.txt'}" for name in failed)
        typer.echo(f"{len(failed)} of {count_noun(len(trials), 'trial')} failed:{logs}", err=True)
        raise typer.Exit(1)


def _find_due(trials: Sequence[Trial], folder: Path) -> list[Trial]:
    due = []
    for trial in trials:
        kept, reason = find_result(trial, folder / trial.name)
        if kept is None:
            due.append(trial)
        if reason:
            typer.echo(f"{trial.name} is trained again, because {reason}")
    typer.echo(f"{len(due)} of {count_noun(len(trials), 'trial')} to train, in {folder}")
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
