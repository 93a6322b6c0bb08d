"""Every shipped config resolves."""

from pathlib import Path

import pytest
import spacy
from spacy import registry
from spacy.schemas import ConfigSchemaTraining
from spacy.util import load_config, load_model_from_config

CONFIGS = sorted((Path(__file__).parent.parent / "configs").glob("*.cfg"))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_a_shipped_config_resolves(path: Path) -> None:
    nlp = load_model_from_config(load_config(path), auto_fill=True, validate=True)
    assert nlp.pipe_names == ["str_encoder", "str_ner", "str_rel", "doc_cleaner"]
    # Nothing had to be filled in on the way to the training section.
    registry.resolve(nlp.config.interpolate()["training"], schema=ConfigSchemaTraining)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_training_can_be_resumed(path: Path) -> None:
    config = load_config(path)
    nlp = load_model_from_config(config, auto_fill=True)
    assert nlp.create_optimizer().learn_rate >= 0
    steps = config["training"]["optimizer"]["learn_rate"]
    if isinstance(steps, dict):
        assert steps["total_steps"] == config["training"]["max_steps"]


def test_the_paper_has_its_own_settings() -> None:
    config = load_config(next(path for path in CONFIGS if path.stem == "paper"), interpolate=True)
    assert config["components"]["str_encoder"]["model"]["name"] == "bert-base-chinese"
    assert config["components"]["str_rel"]["negative_rate"] == 0.15
    assert config["training"]["optimizer"]["learn_rate"] == 1e-5
    assert config["training"]["batcher"]["size"] == 64


@pytest.mark.parametrize("factory", ["str_encoder", "str_ner", "str_rel"])
def test_a_component_needs_no_settings(factory: str) -> None:
    nlp = spacy.blank("zh")
    nlp.add_pipe(factory)
    assert nlp.get_pipe_config(factory)["factory"] == factory
