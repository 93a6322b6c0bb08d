"""Simulated rounds of annotation: what each trains on, and how a run goes on."""

import json
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree, rmtree
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import DocBin
from thinc.api import Config
from typer import Typer
from typer.testing import CliRunner, Result

from scripts.selection import rounds
from scripts.selection.__main__ import CONTEXT, main
from scripts.tables.trials import Trial
from scripts.tables.workers import Outcome

from .pipelines import ANNOTATIONS, make_example
from .trials import make_result

ROOT = Path(__file__).parents[1]


class Trainer:
    """Trains nothing: the pipeline is always the same, and scores what its round says."""

    def __init__(self, model: Path) -> None:
        self.model = model
        self.failing = ""
        self.trained: list[str] = []
        self.texts: dict[str, list[str]] = {}

    def __call__(self, trial: Trial, folder: Path, **options: Any) -> Outcome:
        rmtree(folder, ignore_errors=True)
        copytree(self.model, folder / "model" / "model-best")
        self.trained.append(trial.name)
        config = Config().from_str(trial.config)
        assert config["training"]["max_steps"] == 30
        docs = DocBin().from_disk(config["paths"]["train"]).get_docs(spacy.blank("zh").vocab)
        self.texts[trial.name] = [doc.text for doc in docs]
        f1 = 10 * len(self.texts[trial.name]) + trial.seed
        result = make_result(f1, f1 / 2)
        result["scores"] = {"test": result["scores"]["dev"]}
        return Outcome(trial, None if trial.name == self.failing else result, "log")


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Twelve different texts to choose from."""
    nlp = spacy.blank("zh")
    annotations = [(f"{text}{i}", *rest) for i in range(3) for text, *rest in ANNOTATIONS]
    docs = [make_example(nlp, annotation).reference for annotation in annotations]
    (tmp_path / "corpus").mkdir()
    for part in ("train", "dev", "test"):
        DocBin(docs=docs, store_user_data=True).to_disk(tmp_path / "corpus" / f"{part}.spacy")
    return tmp_path / "corpus"


def run(corpus: Path, encoder: Path, *options: object) -> Result:
    app = Typer()
    app.command(context_settings=CONTEXT)(main)
    sizes = ["--start", 3, "--step", 2, "--rounds", 2, "--encoder", encoder]
    output = ["-o", corpus.parent / "out", *sizes, *options]
    arguments = [ROOT / "configs" / "coronary.cfg", corpus, *output]
    return CliRunner().invoke(app, [*map(str, arguments)])


@pytest.fixture
def trainer(nlp: Language, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Trainer]:
    nlp.to_disk(tmp_path / "model")
    monkeypatch.setenv("COLUMNS", "200")
    trainer = Trainer(tmp_path / "model")
    monkeypatch.setattr(rounds, "run_apart", trainer)
    return trainer


NAMES = [f"{name}-seed0" for name in ("start", "selected-1", "selected-2", "random-1", "random-2")]


def test_each_round_adds_texts_to_those_of_the_round_before(
    corpus: Path, encoder_path: Path, trainer: Trainer
) -> None:
    result = run(corpus, encoder_path, "--seeds", 1, "--steps", 30)
    assert result.exit_code == 0, result.output
    assert trainer.trained == NAMES
    texts = trainer.texts
    for way in ("selected", "random"):
        names = ["start-seed0", f"{way}-1-seed0", f"{way}-2-seed0"]
        for before, after, size in zip(names, names[1:], (5, 7), strict=False):
            assert texts[after][: len(texts[before])] == texts[before]
            assert len({*texts[after]}) == size
    left = {*texts["random-2-seed0"]} - {*texts["start-seed0"]}
    assert len(left) == 4


def test_select_chooses_the_texts_that_are_added(
    corpus: Path, encoder_path: Path, trainer: Trainer, tmp_path: Path
) -> None:
    from spacy_str_encoder.cli import app

    run(corpus, encoder_path, "--seeds", 1, "--steps", 30)
    start, first = (trainer.texts[name] for name in NAMES[:2])
    docs = DocBin().from_disk(corpus / "train.spacy").get_docs(spacy.blank("zh").vocab)
    left = [{"text": doc.text} for doc in docs if doc.text not in start]
    (tmp_path / "left.jsonl").write_text("\n".join(map(json.dumps, left)))
    arguments = [
        trainer.model,
        tmp_path / "left.jsonl",
        "-o",
        tmp_path / "next.jsonl",
        "--count",
        2,
    ]
    CliRunner().invoke(app, ["select", *map(str, arguments)])
    lines = (tmp_path / "next.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line)["text"] for line in lines] == first[3:]


def test_settings_of_the_config_are_changed(
    corpus: Path, encoder_path: Path, trainer: Trainer
) -> None:
    run(corpus, encoder_path, "--seeds", 1, "--steps", 30, "--components.str_ner.spans_key", "sc")
    config = trainer.model.parent / "out" / "texts"
    assert len([*config.iterdir()]) == 5
    scores = json.loads((corpus.parent / "out" / "start-seed0" / "scores.json").read_text())
    before = scores["fingerprint"]
    run(corpus, encoder_path, "--seeds", 1, "--steps", 30)
    assert trainer.trained == NAMES * 2
    scores = json.loads((corpus.parent / "out" / "start-seed0" / "scores.json").read_text())
    assert scores["fingerprint"] != before


def test_a_run_goes_on_where_another_one_stopped(
    corpus: Path, encoder_path: Path, trainer: Trainer
) -> None:
    trainer.failing = "selected-2-seed0"
    result = run(corpus, encoder_path, "--seeds", 2, "--steps", 30)
    assert result.exit_code == 1
    assert "selected-2-seed0 failed; see" in result.stderr
    assert trainer.trained == NAMES[:3]
    trainer.failing, trainer.trained = "", []
    assert run(corpus, encoder_path, "--seeds", 2, "--steps", 30).exit_code == 0
    second = [name.replace("seed0", "seed1") for name in NAMES]
    assert trainer.trained == [*NAMES[2:], *second]
    trainer.trained = []
    assert run(corpus, encoder_path, "--seeds", 2, "--steps", 30).exit_code == 0
    assert trainer.trained == []
    assert not [*(corpus.parent / "out").rglob("model-best")]
    # Seeds begin with texts of their own.
    assert trainer.texts["start-seed0"] != trainer.texts["start-seed1"]


def test_figures_of_all_rounds_are_written(
    corpus: Path, encoder_path: Path, trainer: Trainer
) -> None:
    result = run(corpus, encoder_path, "--seeds", 2, "--steps", 30)
    lines = (corpus.parent / "out" / "figures.jsonl").read_text("utf-8").splitlines()
    rows = [*map(json.loads, lines)]
    assert [(row["way"], row["number"], row["seed"], row["texts"]) for row in rows] == [
        (way, number, seed, 3 + 2 * number)
        for seed in range(2)
        for way in ("selected", "random")
        for number in range(3)
    ]
    last = rows[-1]
    assert last["f1"] == {"entities": pytest.approx(71), "relations": pytest.approx(35.5)}
    assert last["tokens"] == sum(
        len(text.replace(" ", "")) for text in trainer.texts["random-2-seed1"]
    )
    assert (corpus.parent / "out" / "curves.png").read_bytes().startswith(b"\x89PNG\r\n")
    [cells] = [
        line.split() for line in result.stdout.splitlines() if "NER" in line and "random" in line
    ]
    assert " ".join(cells) == "NER random 30.5 ± 0.7 50.5 ± 0.7 70.5 ± 0.7"


def test_a_corpus_that_is_too_small_is_refused(
    corpus: Path, encoder_path: Path, trainer: Trainer
) -> None:
    result = run(corpus, encoder_path, "--step", 5)
    assert result.exit_code == 1
    assert "there must be more than 13 texts, for all rounds to differ; got 12" in result.stderr


@pytest.mark.slow
def test_rounds_are_trained_and_scored(corpus: Path, encoder_path: Path) -> None:
    result = run(corpus, encoder_path, "--seeds", 1, "--steps", 4, "--rounds", 1)
    assert result.exit_code == 0, result.output
    rows = [*map(json.loads, (corpus.parent / "out" / "figures.jsonl").read_text().splitlines())]
    assert [(row["way"], row["texts"]) for row in rows] == [
        ("selected", 3),
        ("selected", 5),
        ("random", 3),
        ("random", 5),
    ]
    assert all(0 <= row["f1"]["entities"] <= 100 for row in rows)
