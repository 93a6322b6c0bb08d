"""State of a training: one file, which is written whole or not at all."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from spacy.language import Language
from thinc.api import Optimizer

from ..files.whole import written_whole
from .randomness import collect_random, restore_random
from .tensors import (
    collect_gradients,
    collect_optimizer,
    collect_weights,
    restore_optimizer,
    restore_weights,
)

STATE = "training-state.safetensors"
SCHEMA = 1


@dataclass(frozen=True)
class Evaluation:
    """An evaluation on the dev data.

    step (int): The number of the update, from 0.
    score (float): The weighted score.
    other_scores (dict[str, Any]): All scores.
    losses (dict[str, float]): The losses since the previous evaluation.
    """

    step: int
    score: float
    other_scores: dict[str, Any]
    losses: dict[str, float]


@dataclass
class State:
    """Progress of a training.

    run (dict[str, Any]): Everything that the result depends on, see `describe_run`.
    evaluations (list[Evaluation]): All evaluations; the state is that after the last one.
    is_finished (bool): Whether the training has ended. The tensors are then gone.
    numbers (dict[str, Any]): Random states, and counts of the optimizer.
    """

    run: dict[str, Any]
    evaluations: list[Evaluation] = field(default_factory=list)
    is_finished: bool = False
    numbers: dict[str, Any] = field(default_factory=dict)

    @property
    def step(self) -> int:
        """RETURNS (int): The update of the last evaluation; -1 before the first."""
        return self.evaluations[-1].step if self.evaluations else -1

    @property
    def best_step(self) -> int:
        """RETURNS (int): The update of the best pipeline, the latest if several are."""
        return max((each.score, each.step) for each in self.evaluations)[1]


def save_state(folder: Path, state: State, nlp: Language, optimizer: Optimizer) -> None:
    """Save the state of a training that goes on.

    folder (Path): The output of the training.
    state (State): The state. Its numbers are replaced.
    nlp (Language): The pipeline.
    optimizer (Optimizer): The optimizer.
    """
    arrays, counts = collect_optimizer(nlp, optimizer)
    state.numbers = {"random": collect_random(nlp), "counts": counts}
    tensors = {f"optimizer/{name}": tensor for name, tensor in arrays.items()}
    tensors |= {f"weights/{name}": tensor for name, tensor in collect_weights(nlp).items()}
    tensors |= {f"gradients/{name}": tensor for name, tensor in collect_gradients(nlp).items()}
    _write(folder, state, tensors)


def save_begun(folder: Path, state: State) -> None:
    """Save that a training has begun, so that pipelines without a state are those of another one.

    folder (Path): The output of the training.
    state (State): The state.
    """
    _write(folder, state, {})


def save_finished(folder: Path, state: State) -> None:
    """Save that a training has ended, and drop what only its continuation needs.

    folder (Path): The output of the training.
    state (State): The state.
    """
    state.is_finished, state.numbers = True, {}
    _write(folder, state, {})


def read_state(folder: Path) -> State | None:
    """Read the state of a training, without its tensors.

    folder (Path): The output of the training.
    RETURNS (State | None): The state; None if there is none.
    RAISES (ValueError): If the file is damaged, or of another version.
    """
    path = folder / STATE
    if not path.exists():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            plain = json.loads(file.metadata()["state"])
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path}: the file is damaged ({error}); train again with --overwrite"
        ) from error
    if (schema := plain["run"]["state format"]) != SCHEMA:
        raise ValueError(
            f"{path}: the state must have format {SCHEMA}, got {schema}; resume with version "
            f"{plain['run']['version of spacy_str_encoder']} of spacy_str_encoder, or train again "
            "with --overwrite"
        )
    evaluations = [Evaluation(**each) for each in plain.pop("evaluations")]
    return State(evaluations=evaluations, **plain)


def restore_state(folder: Path, state: State, nlp: Language, optimizer: Optimizer) -> None:
    """Set weights, optimizer and random states.

    folder (Path): The output of the training.
    state (State): The state that was read from it.
    nlp (Language): The pipeline, initialized in the same way.
    optimizer (Optimizer): The optimizer.
    """
    groups: dict[str, dict[str, torch.Tensor]] = {"weights": {}, "gradients": {}, "optimizer": {}}
    with safe_open(folder / STATE, framework="pt") as file:
        for key in file.keys():  # noqa: SIM118 (it is no mapping)
            group, _, name = key.partition("/")
            groups[group][name] = file.get_tensor(key)
    restore_weights(nlp, groups["weights"], groups["gradients"])
    restore_optimizer(nlp, optimizer, groups["optimizer"], state.numbers["counts"])
    restore_random(nlp, state.numbers["random"])


def _write(folder: Path, state: State, tensors: dict[str, torch.Tensor]) -> None:
    plain = json.dumps(asdict(state), default=_to_plain)
    with written_whole(folder / STATE) as unfinished:
        save_file(tensors, unfinished, metadata={"state": plain})


def _to_plain(item: Any) -> Any:
    # Scores may be numbers of NumPy.
    return item.item() if isinstance(item, numpy.generic) else str(item)
