"""What is behind the comparison of a fresh and a pretrained encoder on few annotated texts."""

import json
from itertools import product
from pathlib import Path
from shutil import copytree
from statistics import mean, stdev

import pytest
import spacy
from spacy.tokens import DocBin
from thinc.api import Config
from typer import Typer
from typer.testing import CliRunner, Result

from scripts import label_efficiency, unlabelled_reports
from scripts.coronary.sentence import mask_digits

from .pipelines import ANNOTATIONS, make_example
from .trials import Engine

ROOT = Path(__file__).parents[1]
ASSETS = ROOT / "assets" / "coronary"


def test_reports_are_new_and_half_of_them_unlike_the_training_texts(tmp_path: Path) -> None:
    path = tmp_path / "new" / "reports.txt"
    unlabelled_reports.main(ASSETS, path, size=200, seed=7)
    sentences = path.read_text("utf-8").splitlines()
    assert len(set(sentences)) == 200
    annotated = [
        record for file in ASSETS.glob("*.json") for record in json.loads(file.read_text("utf-8"))
    ]
    assert {mask_digits(text) for text in sentences}.isdisjoint(
        mask_digits(r["text"]) for r in annotated
    )
    train = [mask_digits(r["text"]) for r in annotated if r.get("unseen") is False]
    words = {
        mask_digits(word) for r in annotated if r.get("unseen") for *_, word, _ in r["entities"]
    }
    new = [word for word in words if not any(word in text for text in train)]
    assert 20 < sum(any(word in mask_digits(text) for word in new) for text in sentences) < 120


def rising(number: int) -> tuple[int, int, int]:
    """The F1 of a trial, told by the order of the trials."""
    return 5 * number, 4 * number, 3 * number


def compare(folder: Path, encoder: Path, *options: object) -> Result:
    """Compare an encoder with a copy of it on the texts that the tests have."""
    nlp = spacy.blank("zh")
    docs = [make_example(nlp, annotation).reference for annotation in ANNOTATIONS]
    for part in ("train", "dev", "test_unseen"):
        DocBin(docs=docs, store_user_data=True).to_disk(folder / f"{part}.spacy")
    copy = folder / "pretrained"
    copytree(encoder, copy, dirs_exist_ok=True)
    app = Typer()
    app.command()(label_efficiency.main)
    encoders = ["--fresh", encoder, "--pretrained", copy, "-o", folder / "out"]
    arguments = [ROOT / "configs" / "coronary.cfg", folder, *encoders, *options]
    return CliRunner().invoke(app, list(map(str, arguments)))


def test_seeds_draw_docs_of_their_own(
    encoder_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine()
    monkeypatch.setattr(label_efficiency, "run_here", engine)
    assert compare(tmp_path, encoder_path, "--seeds", 2, "--steps", 20).exit_code == 0
    found = []
    for trial in engine.trained:
        config = Config().from_str(trial.config)
        reader = config["corpora"]["train"]
        encoder = Path(config["components"]["str_encoder"]["model"]["name"]).name
        found.append((encoder, reader["seed"], reader["share"]))
        assert reader["seed"] == config["training"]["seed"]
        assert config["training"]["max_steps"] == 20
    assert found == list(product([encoder_path.name, "pretrained"], range(2), (0.1, 0.3, 1.0)))


def test_scores_are_summed_up_over_seeds(
    encoder_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(label_efficiency, "run_here", Engine(f1=rising))
    monkeypatch.setenv("COLUMNS", "200")
    result = compare(tmp_path, encoder_path, "--seeds", 2)
    cells = [line.split() for line in result.stdout.splitlines() if line.count("±") == 3]
    # Of each encoder the trials have six numbers in a row, and a share has every third.
    for points, rows in zip((5, 4, 3), (cells[:2], cells[2:4], cells[4:]), strict=True):
        for first, row in zip((1, 7), rows, strict=True):
            pairs = [(points * n, points * (n + 3)) for n in range(first, first + 3)]
            means = [f"{mean(pair):.1f} ± {stdev(pair):.1f}" for pair in pairs]
            assert " ".join(row).endswith(" ".join(means))
    assert result.exit_code == 0
    png = (tmp_path / "out" / "label_efficiency.png").read_bytes()
    assert png.startswith(b"\x89PNG\r\n")


def test_finished_trials_are_skipped_and_failed_ones_named(
    encoder_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = "fresh/30-percent-seed1"
    monkeypatch.setattr(label_efficiency, "run_here", Engine(failing=[failing]))
    result = compare(tmp_path, encoder_path, "--seeds", 2)
    assert result.exit_code == 1
    assert str(tmp_path / "out" / failing / "log.txt") in result.stderr
    engine = Engine()
    monkeypatch.setattr(label_efficiency, "run_here", engine)
    assert compare(tmp_path, encoder_path, "--seeds", 2).exit_code == 0
    assert engine.names == [failing]


def test_an_encoder_that_is_missing_is_told_before_any_training(
    encoder_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine()
    monkeypatch.setattr(label_efficiency, "run_here", engine)
    result = compare(tmp_path, encoder_path, "--pretrained", tmp_path / "nowhere")
    assert result.exit_code == 1
    assert "nowhere" in result.stderr
    assert engine.trained == []
