"""Everything that the result of a training depends on, to compare it before a run is resumed."""

from collections.abc import Iterable
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from spacy.language import Language
from spacy.training import Example
from thinc.api import get_current_ops

from .state import SCHEMA
from .tensors import collect_weights

LIBRARIES = ("spacy_str_encoder", "spacy", "thinc", "torch", "transformers")
# What does not change the weights.
LOGGER = "training.logger"
MAX_STEPS = "training.max_steps"
LONGER = (
    "a run can't be made longer or shorter afterwards, since its learning rates follow from its "
    "length"
)
# Maximum number of settings to list.
SHOWN = 5
HASHED = ("code", "training data", "dev data", "initial weights")


def describe_run(
    nlp: Language, train: Iterable[Example], dev: Iterable[Example], *, code: Path | None
) -> dict[str, Any]:
    """Describe a training before its first update.

    nlp (Language): The initialized pipeline.
    train (Iterable[Example]): The training data, in order.
    dev (Iterable[Example]): The dev data, in order.
    code (Path | None): The file of Python code that the config needs.
    RETURNS (dict[str, Any]): The description, as plain data. Runs are the same if it is.
    """
    return {
        "state format": SCHEMA,
        **{f"version of {name}": version(name) for name in LIBRARIES},
        "device": get_current_ops().name,
        "config": dict(_flatten(nlp.config.interpolate())),
        "code": None if code is None else sha256(code.read_bytes()).hexdigest(),
        "training data": _hash_examples(train),
        "dev data": _hash_examples(dev),
        "initial weights": _hash_weights(nlp),
    }


def find_changes(earlier: dict[str, Any], run: dict[str, Any]) -> str:
    """Compare two runs.

    earlier (dict[str, Any]): The earlier run.
    run (dict[str, Any]): This run.
    RETURNS (str): The differences, in words; empty if there are none.
    """
    # The first difference is told, since others follow from it.
    changed = [name for name in {**run, **earlier} if earlier.get(name) != run.get(name)]
    return _describe(changed[0], earlier, run) if changed else ""


def _describe(name: str, earlier_run: dict[str, Any], run: dict[str, Any]) -> str:
    earlier: Any = earlier_run.get(name)
    now: Any = run.get(name)
    if name == "config":
        changed = [key for key in {**earlier, **now} if earlier.get(key) != now.get(key)]
        told = [f"{key} was {earlier.get(key)}, and is {now.get(key)}" for key in changed[:SHOWN]]
        more = [f"{len(changed) - SHOWN} more changed"] if len(changed) > SHOWN else []
        steps = [LONGER] if MAX_STEPS in changed else []
        return "; ".join([*told, *more, *steps])
    return f"the {name} changed" if name in HASHED else f"the {name} was {earlier}, and is {now}"


def _flatten(config: dict[str, Any], prefix: str = "") -> Iterable[tuple[str, str]]:
    for name, value in config.items():
        key = f"{prefix}{name}"
        if isinstance(value, dict) and value:
            yield from _flatten(value, f"{key}.") if key != LOGGER else ()
        else:
            yield key, repr(value)


def _hash_examples(examples: Iterable[Example]) -> str:
    digest = sha256()
    for example in examples:
        doc = example.reference
        # The strings come from a set, whose order differs between processes. Their hashes remain.
        digest.update(doc.to_bytes(exclude=["strings", "user_data"]))
        # As plain text, since a reader of one's own may put anything there.
        digest.update(repr(doc.user_data).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def _hash_weights(nlp: Language) -> str:
    digest = sha256()
    for name, tensor in collect_weights(nlp).items():
        digest.update(name.encode())
        digest.update(tensor.flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()
