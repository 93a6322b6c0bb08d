"""The callback that chooses the number of updates by the size of the training data."""

import warnings
from collections.abc import Callable, Mapping
from math import ceil
from typing import Any

from spacy.language import Language

from .corpora import find_path, read
from .doubts import find_rare_evaluations

TOTAL = "training.optimizer.learn_rate.total_steps"
BATCHER = "spacy.batch_by_sequence.v1"


def create_plan(
    epochs: int, min_steps: int = 0, max_steps: int | None = None
) -> Callable[[Language], Language]:
    """Create a callback for `after_init` of configs. If `total_steps` of the learning rate is 0, it
    becomes so many updates that training passes over its data `epochs` times. If `max_steps` or
    `max_epochs` of [training] ends it elsewhere, it becomes that number.

    epochs (int): The number of passes.
    min_steps (int): The minimum number of updates, for little data.
    max_steps (int | None): The maximum number of updates; None for no maximum.
    RETURNS (Callable[[Language], Language]): The callback.
    RAISES (ValueError): If a number is too low, or the minimum is above the maximum.
    """
    if epochs < 1 or min_steps < 0:
        raise ValueError(
            f"plan_updates: epochs must be at least 1, min_steps 0, got {epochs} and {min_steps}."
        )
    if max_steps is not None and max_steps < max(1, min_steps):
        raise ValueError(
            "plan_updates: its max_steps must be at least 1, and at least its min_steps "
            f"({min_steps:,}), got {max_steps:,}."
        )

    def plan_updates(nlp: Language) -> Language:
        training = nlp.config.interpolate()["training"]
        if _is_open(training) and _has_data(nlp, training["train_corpus"]):
            updates = training["max_steps"] or choose(nlp, training)
            nlp.config["training"]["optimizer"]["learn_rate"]["total_steps"] = updates
            if not nlp.config.interpolate()["training"]["max_steps"]:
                # It does not follow total_steps, and training would not end.
                nlp.config["training"]["max_steps"] = updates
            # A number that was given is checked before, see check_data.
            planned = 0 if training["max_steps"] else updates
            for doubt in find_rare_evaluations(planned, training["eval_frequency"]):
                warnings.warn(doubt, stacklevel=2)
        return nlp

    def choose(nlp: Language, training: Mapping[str, Any]) -> int:
        size = _batch_size(training)
        batches = ceil(sum(1 for _ in read(nlp, training["train_corpus"])) / size)
        if passes := training["max_epochs"]:
            return int(passes * batches)
        updates = max(min_steps, epochs * batches)
        return updates if max_steps is None else min(updates, max_steps)

    return plan_updates


def _is_open(training: Mapping[str, Any]) -> bool:
    rate = training["optimizer"].get("learn_rate")
    return isinstance(rate, dict) and rate.get("total_steps") == 0


def _has_data(nlp: Language, corpus: str) -> bool:
    # Without it, the pipeline is initialized with other examples.
    path = find_path(nlp, corpus)
    return path is not None and path.exists()


def _batch_size(training: Mapping[str, Any]) -> int:
    batcher = training["batcher"]
    size: int | None = batcher.get("size")
    if (
        batcher.get("@batchers") != BATCHER
        or not isinstance(size, int)
        or training["max_epochs"] < 0
    ):
        raise ValueError(
            f"{TOTAL} must be set to a number of updates, got 0: it can be chosen by the size of "
            f"the training data only for the batcher {BATCHER} with a fixed size, and for data "
            "that ends (max_epochs not -1)."
        )
    return size
