"""What is behind the comparison of a fresh and a pretrained encoder on few annotated texts."""

import json
from importlib import import_module
from itertools import product
from pathlib import Path
from statistics import mean, stdev
from types import ModuleType

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
    scripts: dict[str, ModuleType], tmp_path: Path
) -> None:
    # Without any pipeline, corpus or encoder: there is nothing left to train.
    scores = {}
    for i, (encoder, percent, seed) in enumerate(product(["fresh", "old"], PERCENTS, range(2))):
        name = {"old": "pretrained"}.get(encoder, encoder)
        scores[name, percent, seed] = {"entities": i / 20, "relations": i / 40}
        path = tmp_path / "runs" / f"{name}-{percent}-{seed}.json"
        path.parent.mkdir(exist_ok=True)
        found = {"settings": {"paths.encoder": encoder}, "scores": scores[name, percent, seed]}
        path.write_text(json.dumps(found), "utf-8")
    options = ["--fresh", "fresh", "--pretrained", "old", "-o", tmp_path, "--seeds", 2]
    printed = invoke(scripts["label_efficiency"], "no.cfg", "nowhere", *options)
    for name, percent, task in product(["fresh", "pretrained"], PERCENTS, ["entities"]):
        values = [100 * scores[name, percent, seed][task] for seed in range(2)]
        assert f"{mean(values):.1f} ± {stdev(values):.1f}" in printed
    rows = json.loads((tmp_path / "label_efficiency.json").read_text("utf-8"))
    assert len(rows) == 12
    for row in rows:
        expected = scores[row["encoder"], row["percent"], row["seed"]]
        assert {task: row[task] for task in expected} == expected
    assert (tmp_path / "label_efficiency.png").read_bytes().startswith(b"\x89PNG\r\n")
