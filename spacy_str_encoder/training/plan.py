"""The callback that chooses the number of updates by the size of the training data."""

from collections.abc import Callable
from math import ceil
from pathlib import Path

from spacy.language import Language
from spacy.util import dot_to_object, resolve_dot_names
from thinc.api import Config

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
        config = nlp.config.interpolate()
        if _is_open(config) and _has_data(config):
            updates = config["training"]["max_steps"] or choose(nlp, config)
            nlp.config["training"]["optimizer"]["learn_rate"]["total_steps"] = updates
            if not nlp.config.interpolate()["training"]["max_steps"]:
                # It does not follow total_steps, and training would not end.
                nlp.config["training"]["max_steps"] = updates
        return nlp

    def choose(nlp: Language, config: Config) -> int:
        size = _batch_size(config)
        batches = ceil(_count_texts(nlp, config) / size)
        if passes := config["training"]["max_epochs"]:
            return int(passes * batches)
        updates = max(min_steps, epochs * batches)
        return updates if max_steps is None else min(updates, max_steps)

    return plan_updates


def _is_open(config: Config) -> bool:
    rate = config["training"]["optimizer"].get("learn_rate")
    return isinstance(rate, dict) and rate.get("total_steps") == 0


def _has_data(config: Config) -> bool:
    # Without it, the pipeline is initialized with other examples.
    settings = dot_to_object(config, config["training"]["train_corpus"])
    path = settings.get("path") if isinstance(settings, dict) else None
    return path is not None and Path(path).exists()


def _count_texts(nlp: Language, config: Config) -> int:
    [read] = resolve_dot_names(config, [config["training"]["train_corpus"]])
    return sum(1 for _ in read(nlp))


def _batch_size(config: Config) -> int:
    batcher, epochs = config["training"]["batcher"], config["training"]["max_epochs"]
    size: int | None = batcher.get("size")
    if batcher.get("@batchers") != BATCHER or not isinstance(size, int) or epochs < 0:
        raise ValueError(
            f"{TOTAL} must be set to a number of updates, got 0: it can be chosen by the size of "
            f"the training data only for the batcher {BATCHER} with a fixed size, and for data "
            "that ends (max_epochs not -1)."
        )
    return size
