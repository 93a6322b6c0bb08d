"""Trials as tasks of Ray, on this machine or on a cluster."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from .trials import Trial
from .workers import Outcome, run_apart

try:
    import ray
except ImportError as error:
    raise ImportError(
        "--ray needs Ray; install it with pip install 'spacy_str_encoder[ray]'"
    ) from error


def run_on_ray(trials: Sequence[Trial], *, address: str | None = None) -> Iterator[Outcome]:
    """Train trials as tasks of Ray, each with a core of its own, and a GPU if they train on one.

    Results come back with the tasks. Every node of a cluster needs the project's folder with the
    library installed, the corpus and the encoder, in the same place, where `ray start` is called.

    trials (Sequence[Trial]): The trials.
    address (str | None): The address of a cluster, or `auto`; Ray is started on this machine if
        None.
    YIELDS (Outcome): How a trial ended, in the order in which they do.
    """
    # Without "local", Ray would wait for a cluster that was started here at some time.
    ray.init(address=address or "local", include_dashboard=False, log_to_driver=False)
    try:
        pending = {_submit(trial): trial for trial in trials}
        while pending:
            [task], _ = ray.wait(list(pending), num_returns=1)
            yield _get_outcome(task, pending.pop(task))
    finally:
        ray.shutdown()


def _submit(trial: Trial) -> "ray.ObjectRef[Outcome]":
    uses_gpu = trial.gpu_id >= 0
    # The GPU that Ray gives a task is the only one that the task sees.
    visible = replace(trial, gpu_id=0) if uses_gpu else trial
    task = ray.remote(num_cpus=1, num_gpus=int(uses_gpu), max_retries=0)(run_aside)
    return task.remote(visible)


def run_aside(trial: Trial) -> Outcome:
    """Train a trial in a folder that is removed afterwards.

    trial (Trial): The trial.
    RETURNS (Outcome): How it ended.
    """
    with TemporaryDirectory() as folder:
        return run_apart(trial, Path(folder) / trial.name)


def _get_outcome(task: "ray.ObjectRef[Outcome]", trial: Trial) -> Outcome:
    try:
        outcome: Outcome = ray.get(task)
    except ray.exceptions.RayError as error:
        return Outcome(trial, None, str(error))
    return outcome
