"""Trials as Ray tasks, on this machine or on a cluster."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from .trials import Trial
from .workers import Outcome, run_apart

try:
    import ray
except ImportError as error:
    raise ImportError("--ray needs Ray: pip install 'spacy_str_encoder[ray]'") from error


def run_on_ray(trials: Sequence[Trial], *, address: str | None = None) -> Iterator[Outcome]:
    """Train trials as Ray tasks. Each gets one core, and one GPU if it trains on a GPU.

    Every node of a cluster needs the folder of the project with the installed library, the corpus
    and the encoder under the same path, and `ray start` must be called there.

    trials (Sequence[Trial]): The trials.
    address (str | None): The address of a cluster, or `auto`; if None, Ray is started on this
        machine.
    YIELDS (Outcome): The outcome of each trial, in the order they end.
    """
    # Without "local", Ray would try to connect to a cluster started here earlier.
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
    # A task only sees the GPU that Ray assigns to it, as number 0.
    visible = replace(trial, gpu_id=0) if uses_gpu else trial
    task = ray.remote(num_cpus=1, num_gpus=int(uses_gpu), max_retries=0)(run_aside)
    return task.remote(visible)


def run_aside(trial: Trial) -> Outcome:
    """Train a trial in a temporary folder.

    trial (Trial): The trial.
    RETURNS (Outcome): The outcome.
    """
    with TemporaryDirectory() as folder:
        return run_apart(trial, Path(folder) / trial.name)


def _get_outcome(task: "ray.ObjectRef[Outcome]", trial: Trial) -> Outcome:
    try:
        outcome: Outcome = ray.get(task)
    except ray.exceptions.RayError as error:
        return Outcome(trial, None, str(error))
    return outcome
