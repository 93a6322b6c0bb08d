"""Settings of a set of tables."""

import hashlib
from dataclasses import dataclass
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
    """

    base: Path
    encoder: str
    corpus: Path
    tests: tuple[str, ...]
    seeds: int
    steps: int | None
    focus_layers: tuple[int, ...] | None = None

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
        """RETURNS (bool): Whether systems are trained for fewer updates than in the config."""
        steps = self._training["max_steps"]
        return self.steps is not None and (not steps or self.steps < steps)

    @property
    def updates(self) -> str:
        """RETURNS (str): The length of a training, in words."""
        steps = self.steps or self._training["max_steps"]
        if steps:
            return count_noun(steps, "update")
        return count_noun(self._training["max_epochs"], "epoch")

    @property
    def _training(self) -> dict[str, Any]:
        training: dict[str, Any] = load_config(self.base, interpolate=True)["training"]
        return training

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
