"""What is behind the comparison of a fresh and a pretrained encoder on few annotated texts."""

import json
from importlib import import_module
from itertools import product
from pathlib import Path
from statistics import mean, stdev
from types import ModuleType
from typing import Any

import pytest
import spacy
from spacy.tokens import Doc
from typer import Typer
from typer.testing import CliRunner

ROOT = Path(__file__).parents[1]
ASSETS = ROOT / "assets" / "coronary"
PERCENTS = (10, 30, 100)


@pytest.fixture(scope="module")
def scripts() -> dict[str, ModuleType]:
    names = ("label_efficiency", "unlabelled_reports", "generate_coronary")
    return {name: import_module(f"scripts.{name}") for name in names}


def invoke(script: ModuleType, *arguments: object) -> str:
    app = Typer()
    app.command()(script.main)
    result = CliRunner().invoke(app, list(map(str, arguments)), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_reports_are_new_and_half_of_them_unlike_the_training_texts(
    scripts: dict[str, ModuleType], tmp_path: Path
) -> None:
    path = tmp_path / "new" / "reports.txt"
    invoke(scripts["unlabelled_reports"], ASSETS, "-o", path, "--size", 200)
    sentences = path.read_text("utf-8").splitlines()
    assert len(set(sentences)) == 200
    masked = scripts["generate_coronary"].masked
    annotated = [
        record for file in ASSETS.glob("*.json") for record in json.loads(file.read_text("utf-8"))
    ]
    assert {masked(text) for text in sentences}.isdisjoint(masked(r["text"]) for r in annotated)
    train = [masked(r["text"]) for r in annotated if r.get("unseen") is False]
    words = {masked(word) for r in annotated if r.get("unseen") for *_, word, _ in r["entities"]}
    new = [word for word in words if not any(word in text for text in train)]
    assert 20 < sum(any(word in masked(text) for word in new) for text in sentences) < 120


def test_smaller_shares_are_parts_of_larger_ones_and_seeds_differ(
    scripts: dict[str, ModuleType],
) -> None:
    module, nlp = scripts["label_efficiency"], spacy.blank("zh")
    docs = [nlp.make_doc(str(i)) for i in range(50)]

    def choose(percent: int, seed: int) -> list[Doc]:
        return list(module.choose_docs(docs, module.Run("fresh", percent, seed)))

    chosen = {percent: choose(percent, 0) for percent in PERCENTS}
    assert [len(each) for each in chosen.values()] == [5, 15, 50]
    assert {d.text for d in chosen[10]} < {d.text for d in chosen[30]}
    assert {d.text for d in choose(10, 1)} != {d.text for d in chosen[10]}


def test_finished_runs_are_skipped_and_summed_up(
    scripts: dict[str, ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("config.cfg", "train.spacy", "dev.spacy", "test_unseen.spacy", "fresh", "pretrained")
    for name in names:
        (tmp_path / name).write_text(name)
    module, trained = scripts["label_efficiency"], []

    def train_and_score(run: Any, *args: Any, **options: Any) -> dict[str, float]:
        trained.append((run.encoder, run.percent, run.seed))
        return {"entities": len(trained) / 20, "relations": len(trained) / 40}

    def repeat() -> str:
        trained.clear()
        encoders = (f"--{name}={tmp_path / name}" for name in names[4:])
        paths = tmp_path / names[0], tmp_path
        return invoke(module, *paths, *encoders, "-o", tmp_path / "out", "--seeds", 2)

    monkeypatch.setattr(module, "train_and_score", train_and_score)
    printed = repeat()
    runs = list(product(["fresh", "pretrained"], PERCENTS, range(2)))
    assert trained == runs
    # Numbered in this order, two seeds of the same share come one after the other.
    for first in range(1, 13, 2):
        values = [100 * first / 20, 100 * (first + 1) / 20]
        assert f"{mean(values):.1f} ± {stdev(values):.1f}" in printed
    rows = json.loads((tmp_path / "out" / "label_efficiency.json").read_text("utf-8"))
    assert [(r["encoder"], r["percent"], r["seed"], r["entities"]) for r in rows] == [
        (*run, number / 20) for number, run in enumerate(runs, start=1)
    ]
    assert (tmp_path / "out" / "label_efficiency.png").read_bytes().startswith(b"\x89PNG\r\n")
    assert repeat() == printed
    assert trained == []
    (tmp_path / "pretrained").write_text("pretrained anew")
    repeat()
    assert trained == [run for run in runs if run[0] == "pretrained"]
