"""Settings of a set of tables."""

import hashlib
import json
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spacy.util import load_config
from thinc.api import Config

from spacy_str_encoder.doc.plurals import count_noun

TESTS = ("test_seen", "test_unseen")
SEEDS = 3
# For `--quick`: enough to tell systems apart, in 15 minutes on two cores.
QUICK_STEPS = 300
QUICK_SEEDS = 1
# The number of evaluations on dev if `--steps` replaces the steps of the config.
EVALUATIONS = 6
CHANGE = re.compile(r"([^:]+):([^=]+)=(.*)")


@dataclass(frozen=True)
class TableSettings:
    """Settings that all trials share.

    base (Path): The config of the STR-encoder, into which overlays are merged.
    encoder (str): The encoder, as in `paths.encoder`.
    corpus (Path): The folder with train.spacy, dev.spacy and the test sets.
    tests (tuple[str, ...]): The names of the test sets.
    seeds (int): The number of seeds per system.
    steps (int | None): The number of updates; if None, that of the config.
    focus_layers (tuple[int, ...] | None): The values of K to train; if None, each that the encoder
        has layers for.
    changes (Mapping[str, Mapping[str, Any]]): Values that replace those of the config, by system
        and path.
    """

    base: Path
    encoder: str
    corpus: Path
    tests: tuple[str, ...]
    seeds: int
    steps: int | None
    focus_layers: tuple[int, ...] | None = None
    changes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """RETURNS (str): The name of the folder for the trials, which depends on the data and the
        test sets.
        """
        steps = "" if self.steps is None else f"-{self.steps}-steps"
        data = "\0".join([self.encoder, str(self.corpus.resolve()), *self.tests])
        return f"{self.base.stem}{steps}-{hashlib.sha256(data.encode()).hexdigest()[:8]}"

    @property
    def is_quick(self) -> bool:
        """RETURNS (bool): Whether systems are trained no longer than with `--quick`."""
        return self.steps is not None and self.steps <= QUICK_STEPS

    @property
    def updates(self) -> str:
        """RETURNS (str): The length of a training, in words."""
        steps = self.steps or self._training["max_steps"]
        if steps:
            return count_noun(steps, "update")
        return count_noun(self._training["max_epochs"] or self._planned_epochs, "epoch")

    @property
    def command(self) -> str:
        """RETURNS (str): The command that trains all systems with these settings."""
        given: dict[str, Sequence[Any]] = {
            "base": [self.base],
            "encoder": [self.encoder],
            "corpus": [self.corpus],
            "test": self.tests,
            "focus-layers": [",".join(map(str, self.focus_layers))] if self.focus_layers else [],
            "seeds": [self.seeds],
            "steps": [self.steps] if self.steps else [],
            "set": list_changes(self.changes),
        }
        options = [word for name, each in given.items() for x in each for word in (f"--{name}", x)]
        return shlex.join(["python", "-m", "scripts.tables", *map(str, options)])

    @property
    def _training(self) -> dict[str, Any]:
        training: dict[str, Any] = load_config(self.base, interpolate=True)["training"]
        return training

    @property
    def _planned_epochs(self) -> int:
        epochs: int = load_config(self.base)["initialize"]["after_init"]["epochs"]
        return epochs

    def part(self, name: str) -> Path:
        """RETURNS (Path): The file of a part of the corpus."""
        return self.corpus / f"{name}.spacy"

    def overrides(self, config: Config) -> dict[str, Any]:
        """Collect the values that the settings change in the config of a system.

        config (Config): The config.
        RETURNS (dict[str, Any]): The new values by path.
        """
        paths = {
            "paths.encoder": self.encoder,
            "paths.train": str(self.part("train")),
            "paths.dev": str(self.part("dev")),
        }
        return paths if self.steps is None else {**paths, **_shorten(config, self.steps)}


def list_changes(changes: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """RETURNS (list[str]): Changes as on the command line, such as `cnn:training.dropout=0.2`."""
    return [
        f"{system}:{path}={json.dumps(value)}"
        for system, values in changes.items()
        for path, value in values.items()
    ]


def parse_changes(given: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Parse changes of the command line.

    given (Iterable[str]): The changes, each `SYSTEM:SETTING=VALUE`, with a JSON value.
    RETURNS (dict[str, dict[str, Any]]): The values, by system and path.
    RAISES (ValueError): If a change has another form.
    """
    changes: dict[str, dict[str, Any]] = {}
    for change in given:
        match = CHANGE.fullmatch(change)
        try:
            system, path, value = match.groups() if match else ()
            changes.setdefault(system, {})[path] = json.loads(value)
        except ValueError:
            raise ValueError(
                "--set must be SYSTEM:SETTING=VALUE with a JSON value, such as "
                f"cnn:training.dropout=0.2, got {change}"
            ) from None
    return changes


def _shorten(config: Config, steps: int) -> dict[str, Any]:
    # Rounded down, so that the last evaluation comes at the end, where the weights are best.
    evaluation = max(1, steps // EVALUATIONS)
    overrides = {"training.max_steps": steps, "training.eval_frequency": evaluation}
    learn_rate = config.interpolate()["training"]["optimizer"]["learn_rate"]
    schedule = learn_rate if isinstance(learn_rate, dict) else {}
    if "total_steps" in schedule:
        overrides["training.optimizer.learn_rate.total_steps"] = steps
    # The schedule refuses a training that is all warm-up.
    if "min_warmup_steps" in schedule:
        warmup = min(schedule["min_warmup_steps"], steps // 2)
        overrides["training.optimizer.learn_rate.min_warmup_steps"] = warmup
    return overrides
