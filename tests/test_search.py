"""The recipe with Optuna: with a small stand-in, or with Optuna itself (`make check-recipes`)."""

import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import spacy

from .reduced_project import ROOT


class Pruned(Exception):  # noqa: N818
    """Ends a trial early."""


class Trial:
    """Suggests the middle of each range, and is pruned if its number is odd."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.reported: list[tuple[float, int]] = []

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        return (low * high) ** 0.5 if log else (low + high) / 2

    def report(self, score: float, step: int) -> None:
        self.reported.append((score, step))

    def should_prune(self) -> bool:
        return bool(self.number % 2)


class Study:
    """Runs trials one by one."""

    def __init__(self, **options: Any) -> None:
        assert options["direction"] == "maximize"
        self.values: list[float | None] = []
        self.best_params: dict[str, float] = {}

    def optimize(self, objective: Callable[[Trial], float], n_trials: int) -> None:
        for number in range(n_trials):
            try:
                self.values.append(objective(Trial(number)))
            except Pruned:
                self.values.append(None)

    @property
    def best_value(self) -> float:
        return max(value for value in self.values if value is not None)


def make_optuna() -> ModuleType:
    module: Any = ModuleType("optuna")
    module.TrialPruned = Pruned
    module.pruners = SimpleNamespace(MedianPruner=lambda **options: None)
    module.create_study = lambda **options: Study(**options)
    return module  # type: ignore[no-any-return]


@pytest.fixture
def folder(
    trained_project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    shutil.copytree(trained_project, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    try:
        import optuna  # type: ignore[import-not-found] # noqa: F401
    except ImportError:
        monkeypatch.setitem(sys.modules, "optuna", make_optuna())
    yield tmp_path


def test_settings_are_searched(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = (ROOT / "docs" / "recipes.md").read_text("utf-8")
    [code] = re.findall(r"^```python search.py\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    shorter = '4,\n    "training.optimizer.learn_rate.min_warmup_steps": 1'
    for whole, part in ((": 800", f": {shorter}"), (": 100", ": 2"), ("trials=20", "trials=2")):
        assert code.count(whole) == 1
        code = code.replace(whole, part)
    exec(code, {"__name__": "__main__"})
    *_, printed = capsys.readouterr().out.splitlines()
    first, *_ = printed.split()
    assert 0 <= float(first) <= 1
    config = spacy.load(folder / "training" / "search" / "0" / "model-best").config
    assert 0.2 <= config["components"]["str_rel"]["negative_rate"] <= 1.0
    assert 5e-4 <= config["training"]["optimizer"]["learn_rate"]["initial_rate"] <= 5e-3
    assert (folder / "training" / "search" / "1").exists()
