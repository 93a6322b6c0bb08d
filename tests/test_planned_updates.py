"""The number of updates, chosen by the size of the training data."""

from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.cli.train import train
from spacy.language import Language
from spacy.tokens import DocBin
from spacy.util import load_config, load_model_from_config
from typer.testing import CliRunner

from spacy_str_encoder.check_data import create_plan
from spacy_str_encoder.cli import app

from .pipelines import ANNOTATIONS, make_example

CONFIG = Path(__file__).parents[1] / "configs" / "chinese.cfg"
TOTAL = "training.optimizer.learn_rate.total_steps"
PLAN = "initialize.after_init"


def write_corpus(path: Path, count: int) -> str:
    nlp = spacy.blank("zh")
    docs = [make_example(nlp, ANNOTATIONS[i % 4]).reference for i in range(count)]
    DocBin(docs=docs, store_user_data=True).to_disk(path)
    return str(path)


@pytest.fixture
def settings(encoder_path: Path, tmp_path: Path) -> dict[str, Any]:
    """Of a training on 10 texts, and so on batches of 4, 4 and 2."""
    return {
        "paths.encoder": str(encoder_path),
        "paths.train": write_corpus(tmp_path / "train.spacy", 10),
        "paths.dev": write_corpus(tmp_path / "dev.spacy", 4),
    }


def choose(settings: dict[str, Any], **plan: Any) -> int:
    """The number of updates of a pipeline that was initialized."""
    config = load_config(CONFIG, overrides=settings)
    nlp = load_model_from_config(config, auto_fill=True)
    assert create_plan(**plan)(nlp) is nlp
    training = nlp.config.interpolate()["training"]
    assert training["optimizer"]["learn_rate"]["total_steps"] == training["max_steps"]
    return int(training["max_steps"])


@pytest.mark.parametrize(
    ("plan", "updates"),
    [
        ({"epochs": 1}, 3),
        ({"epochs": 5}, 15),
        ({"epochs": 5, "min_steps": 15}, 15),
        ({"epochs": 5, "min_steps": 16}, 16),
        ({"epochs": 5, "max_steps": 15}, 15),
        ({"epochs": 5, "max_steps": 14}, 14),
        ({"epochs": 5, "min_steps": 7, "max_steps": 7}, 7),
    ],
)
def test_training_passes_so_often_over_its_data_within_limits(
    settings: dict[str, Any], plan: dict[str, int], updates: int
) -> None:
    assert choose(settings, **plan) == updates


def test_batches_of_another_size_change_the_number(settings: dict[str, Any]) -> None:
    assert choose({**settings, "training.batcher.size": 5}, epochs=5) == 10


def test_texts_that_are_not_read_do_not_count(settings: dict[str, Any]) -> None:
    assert choose({**settings, "corpora.train.limit": 4}, epochs=5) == 5


def test_training_that_ends_after_some_passes_has_their_updates(settings: dict[str, Any]) -> None:
    given = {"training.max_epochs": 2}
    assert choose({**settings, **given}, epochs=5, min_steps=50) == 6


@pytest.mark.parametrize(("every", "count"), [(15, 0), (16, 1)])
def test_planned_updates_have_to_be_evaluated(
    settings: dict[str, Any], recwarn: pytest.WarningsRecorder, every: int, count: int
) -> None:
    choose({**settings, "training.eval_frequency": every}, epochs=5)
    told = "training.eval_frequency is 16, but training ends after 15 updates: "
    assert [str(each.message).startswith(told) for each in recwarn] == [True] * count


def test_training_ends_even_if_max_steps_does_not_follow(settings: dict[str, Any]) -> None:
    assert choose({**settings, "training.max_steps": 0}, epochs=5) == 15


@pytest.mark.parametrize("given", [{TOTAL: 99}, {"training.max_steps": 99}])
def test_a_number_that_is_set_stays(settings: dict[str, Any], given: dict[str, int]) -> None:
    assert choose({**settings, **given}, epochs=5) == 99


def test_without_training_data_nothing_is_chosen(settings: dict[str, Any]) -> None:
    assert choose({**settings, "paths.train": "nowhere.spacy"}, epochs=5) == 0


def test_a_constant_rate_needs_no_number(settings: dict[str, Any]) -> None:
    config = load_config(CONFIG, overrides=settings)
    config["training"]["optimizer"]["learn_rate"] = 0.001
    config["training"]["max_steps"] = 0
    nlp = load_model_from_config(config, auto_fill=True)
    create_plan(5)(nlp)
    assert nlp.config["training"]["optimizer"]["learn_rate"] == 0.001


@pytest.mark.parametrize(
    "changed",
    [
        {"training.batcher": {"@batchers": "spacy.batch_by_words.v1", "size": 500}},
        {"training.max_epochs": -1},
    ],
)
def test_where_updates_can_not_be_counted_that_is_said(
    settings: dict[str, Any], changed: dict[str, Any]
) -> None:
    config = load_config(CONFIG, overrides=settings)
    for name, value in changed.items():
        config["training"][name.rpartition(".")[2]] = value
    nlp = load_model_from_config(config, auto_fill=True)
    with pytest.raises(ValueError, match=f"{TOTAL} must be set to a number of updates, got 0"):
        create_plan(5)(nlp)


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        ({"epochs": 0}, "epochs must be at least 1, min_steps 0, got 0 and 0"),
        ({"epochs": 1, "min_steps": -1}, "got 1 and -1"),
        ({"epochs": 1, "max_steps": 0}, "plan_updates: its max_steps must be at least 1"),
        ({"epochs": 1, "min_steps": 8, "max_steps": 7}, r"at least its min_steps \(8\), got 7"),
    ],
)
def test_wrong_plans_are_refused(plan: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        create_plan(**plan)


@pytest.mark.slow
@pytest.mark.parametrize("command", ["spacy", "ours"])
def test_a_training_has_as_many_updates(
    settings: dict[str, Any], tmp_path: Path, command: str
) -> None:
    settings |= {f"{PLAN}.epochs": 2, f"{PLAN}.min_steps": 0}
    output = tmp_path / "output"
    if command == "spacy":
        train(CONFIG, output, overrides=settings)
    else:
        given = [part for name, value in settings.items() for part in (f"--{name}", str(value))]
        result = CliRunner().invoke(app, ["train", str(CONFIG), "-o", str(output), *given])
        assert result.exit_code == 0, result.output
        assert "Updates: 6" in result.output
    saved: Language = spacy.load(output / "model-last")
    assert saved.config.interpolate()["training"]["max_steps"] == 6
    assert saved.config["training"]["optimizer"]["learn_rate"]["total_steps"] == 6


def test_without_a_plan_training_says_what_to_set(settings: dict[str, Any], tmp_path: Path) -> None:
    given = [part for name, value in settings.items() for part in (f"--{name}", str(value))]
    arguments = ["train", str(CONFIG), "-o", str(tmp_path / "output"), *given]
    result = CliRunner().invoke(app, [*arguments, f"--{PLAN}", "null"])
    assert result.exit_code == 1
    assert "total_steps of the learning rate must be set before training, got 0" in result.stderr
