"""What a set of tables is made with."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spacy.util import load_config
from thinc.api import Config

TESTS = ("test_seen", "test_unseen")
SEEDS = 3
# What `--quick` trains: enough to tell systems apart, in 15 minutes on two cores.
QUICK_STEPS = 300
QUICK_SEEDS = 1
# How often a training of another length than the config's is evaluated.
EVALUATIONS = 6


@dataclass(frozen=True)
class Settings:
    """What all trials have in common.

    base (Path): The config of the STR-encoder, which overlays are merged onto.
    encoder (str): The encoder, as in `paths.encoder`.
    corpus (Path): The folder with train.spacy, dev.spacy and the test sets.
    tests (tuple[str, ...]): The names of the test sets.
    seeds (int): How often each system is trained.
    steps (int | None): How many updates; those of the config if None.
    """

    base: Path
    encoder: str
    corpus: Path
    tests: tuple[str, ...]
    seeds: int
    steps: int | None

    @property
    def name(self) -> str:
        """RETURNS (str): The name of the folder for the trials: other data, and other test sets,
        have another one.
        """
        steps = "" if self.steps is None else f"-{self.steps}-steps"
        data = "\0".join([self.encoder, str(self.corpus.resolve()), *self.tests])
        return f"{self.base.stem}{steps}-{hashlib.sha256(data.encode()).hexdigest()[:8]}"

    @property
    def is_quick(self) -> bool:
        """RETURNS (bool): Whether systems are trained for less than the config says."""
        steps = self._training["max_steps"]
        return self.steps is not None and (not steps or self.steps < steps)

    @property
    def updates(self) -> str:
        """RETURNS (str): How long systems are trained, in words."""
        steps = self.steps or self._training["max_steps"]
        return f"{steps} updates" if steps else f"{self._training['max_epochs']} epochs"

    @property
    def _training(self) -> dict[str, Any]:
        training: dict[str, Any] = load_config(self.base)["training"]
        return training

    def part(self, name: str) -> Path:
        """RETURNS (Path): The file of a part of the corpus."""
        return self.corpus / f"{name}.spacy"

    def overrides(self, config: Config) -> dict[str, Any]:
        """Say what the settings change in the config of a system.

        config (Config): The config.
        RETURNS (dict[str, Any]): The new values, by their path.
        """
        paths = {
            "paths.encoder": self.encoder,
            "paths.train": str(self.part("train")),
            "paths.dev": str(self.part("dev")),
        }
        return paths if self.steps is None else {**paths, **_shorten(config, self.steps)}


def _shorten(config: Config, steps: int) -> dict[str, Any]:
    # Rounded down: the last evaluation comes at the end, where the weights are best.
    evaluation = max(1, steps // EVALUATIONS)
    overrides = {"training.max_steps": steps, "training.eval_frequency": evaluation}
    learn_rate = config.interpolate()["training"]["optimizer"]["learn_rate"]
    schedule = learn_rate if isinstance(learn_rate, dict) else {}
    if "total_steps" in schedule:
        overrides["training.optimizer.learn_rate.total_steps"] = steps
    # Fresh weights need as many updates to warm up, however few come after: with 30 in place of
    # 250, the encoder of the demo does not learn to find entities alone.
    if "warmup_steps" in schedule:
        warmup = min(schedule["warmup_steps"], steps // 2)
        overrides["training.optimizer.learn_rate.warmup_steps"] = warmup
    return overrides
