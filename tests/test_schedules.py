"""Learning rates whose warm-up is a share of the updates."""

from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy import registry
from spacy.language import Language
from spacy.schemas import ConfigSchemaTraining
from spacy.util import load_config, load_model_from_config
from thinc.api import Optimizer, warmup_linear

from .pipelines import ANNOTATIONS, make_example

CONFIGS = Path(__file__).parents[1] / "configs"
TOTAL = "training.optimizer.learn_rate.total_steps"


def rates(*, count: int, **settings: Any) -> list[float]:
    """The first rates of the schedule, as a config has it."""
    schedule = {"@schedules": "spacy-str-encoder.warmup_linear.v1", **settings}
    return [*islice(registry.resolve({"schedule": schedule})["schedule"], count)]


@pytest.mark.parametrize(
    ("name", "rate", "warmup", "total"),
    [("coronary", 2e-3, 250, 1250), ("english", 1e-3, 280, 2800), ("chinese", 1e-3, 280, 2800)],
)
def test_the_shipped_configs_have_the_rates_that_figures_were_measured_with(
    name: str, rate: float, warmup: int, total: int
) -> None:
    config = load_config(CONFIGS / f"{name}.cfg", overrides={TOTAL: total}, interpolate=True)
    assert config["training"]["max_steps"] == total
    settings = config["training"]["optimizer"]["learn_rate"]
    old = islice(warmup_linear(rate, warmup, total), total + 2)
    assert rates(count=total + 2, **settings) == [*old]


@pytest.mark.parametrize(
    ("total", "share", "floor", "warmup"),
    [
        (300, 0.2, 60, 60),
        (299, 0.2, 60, 60),
        (1000, 0.2, 60, 200),
        (70, 0.1, 0, 7),
        (61, 0.1, 60, 60),
        # The product is a little below 29.
        (100, 0.29, 0, 29),
        (5, 0.1, 0, 0),
    ],
)
def test_the_rate_is_full_at_the_end_of_the_warm_up(
    total: int, share: float, floor: int, warmup: int
) -> None:
    found = rates(
        count=total + 1,
        initial_rate=1.0,
        total_steps=total,
        warmup_share=share,
        min_warmup_steps=floor,
    )
    assert (found.index(1.0), found[-1]) == (warmup, 0.0)
    assert all(before < after for before, after in pairwise(found[: warmup + 1]))
    assert all(before > after for before, after in pairwise(found[warmup:]))


def test_a_tenth_is_warm_up_by_default() -> None:
    assert rates(count=21, initial_rate=2.0, total_steps=20)[:4] == [0, 1, 2, 2 * 17 / 18]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"warmup_share": 1.0}, "warmup_share must be at least 0 and below 1, got 1.0"),
        ({"warmup_share": -0.1}, "warmup_share must be at least 0 and below 1, got -0.1"),
        ({"min_warmup_steps": 60}, "below total_steps, got 60 and 60. Train for more steps"),
        ({"min_warmup_steps": -1}, "min_warmup_steps must be at least 0 .* got -1 and 60"),
    ],
)
def test_a_warm_up_must_be_shorter_than_the_training(
    settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        rates(count=1, **{"initial_rate": 1.0, "total_steps": 60, **settings})


@pytest.fixture
def nlp(encoder_path: Path) -> Language:
    overrides = {"paths.encoder": str(encoder_path), TOTAL: 300}
    config = load_config(CONFIGS / "coronary.cfg", overrides=overrides)
    return load_model_from_config(config, auto_fill=True)


def warmup_of(optimizer: Optimizer) -> int:
    """Count the updates until the rate falls."""
    found = [optimizer.learn_rate]
    while len(found) < 2 or found[-1] > found[-2]:
        optimizer.step_schedules()
        found.append(optimizer.learn_rate)
    return len(found) - 2


def test_one_setting_sets_the_number_of_updates(nlp: Language) -> None:
    """In `spacy train`, which resolves the whole section."""
    training = registry.resolve(nlp.config.interpolate()["training"], schema=ConfigSchemaTraining)
    assert training["max_steps"] == 300
    assert warmup_of(training["optimizer"]) == 60


def test_a_new_pipeline_and_a_saved_one_know_the_number_too(nlp: Language, tmp_path: Path) -> None:
    """These resolve the optimizer alone."""
    examples = [make_example(nlp, annotation) for annotation in ANNOTATIONS]
    assert warmup_of(nlp.initialize(lambda: examples)) == 60
    nlp.to_disk(tmp_path)
    saved = spacy.load(tmp_path)
    assert saved.config.interpolate()["training"]["max_steps"] == 300
    assert warmup_of(saved.resume_training()) == 60
