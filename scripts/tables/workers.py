"""Processes that train trials, several at a time on this machine."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import srsly

from .commit import ROOT, find_commit
from .train import MODEL, Result
from .trials import Trial

BEGUN = "begun.json"


@dataclass(frozen=True)
class Outcome:
    """The outcome of a trial.

    trial (Trial): The trial.
    result (Result | None): The result; None if the trial failed.
    log (str): The output of its process.
    """

    trial: Trial
    result: Result | None
    log: str


def run_here(
    trials: Sequence[Trial], folder: Path, *, workers: int | None = None, keep_models: bool = False
) -> Iterator[Outcome]:
    """Train trials on this machine.

    trials (Sequence[Trial]): The trials.
    folder (Path): The folder with the folders of the trials.
    workers (int | None): The number of trials to train at a time; if None, one per core, or one on
        a GPU.
    keep_models (bool): Whether to keep the trained pipelines.
    YIELDS (Outcome): The outcome of each trial, in the order they end.
    """
    cores = os.cpu_count() or 1
    workers = workers or (1 if any(trial.gpu_id >= 0 for trial in trials) else cores)
    threads = max(1, cores // workers)
    executor = ThreadPoolExecutor(workers)
    try:
        futures = {
            executor.submit(
                run_apart, trial, folder / trial.name, threads=threads, keep_model=keep_models
            ): trial
            for trial in trials
        }
        for future in as_completed(futures):
            yield _get_outcome(future, futures[future])
    finally:
        # After an interrupt, no further trial may start.
        executor.shutdown(cancel_futures=True)


def _get_outcome(future: Future[Outcome], trial: Trial) -> Outcome:
    try:
        return future.result()
    except (OSError, ValueError) as error:
        return Outcome(trial, None, str(error))


def run_apart(trial: Trial, folder: Path, *, threads: int = 1, keep_model: bool = False) -> Outcome:
    """Train a trial in its own process, so that a crash does not affect other trials.

    trial (Trial): The trial.
    folder (Path): The folder of the trial. If the same trial was interrupted there, it goes on from
        its last evaluation. Otherwise the folder is emptied first.
    threads (int): The number of threads to compute with.
    keep_model (bool): Whether to keep the trained pipeline.
    RETURNS (Outcome): The outcome.
    """
    _prepare(trial, folder)
    parts = [f"{name}={path}" for name, path in trial.parts.items()]
    command = [sys.executable, "-m", "scripts.tables.train", "--", str(folder), str(trial.gpu_id)]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    with (folder / "log.txt").open("w", encoding="utf-8") as log:
        # The process ends when its standard input does: a trial must not outlive its parent and
        # write to the folder of the next run.
        training = subprocess.Popen(
            [*command, *parts],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        with training:
            training.wait()
    if not keep_model:
        shutil.rmtree(folder / MODEL, ignore_errors=True)
    result = srsly.read_json(folder / "result.json") if training.returncode == 0 else None
    log_text = (folder / "log.txt").read_text("utf-8", errors="replace")
    # A process that is killed by the system leaves no message.
    return Outcome(trial, result, f"{log_text}\nExit status: {training.returncode}\n")


def _prepare(trial: Trial, folder: Path) -> None:
    begun = {"fingerprint": trial.fingerprint, "commit": find_commit()}
    if _read_begun(folder) != begun:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / "config.cfg").write_text(trial.config, "utf-8")
        srsly.write_json(folder / BEGUN, begun)


def _read_begun(folder: Path) -> Any:
    try:
        return srsly.read_json(folder / BEGUN)
    except ValueError:
        return None
