"""Every shipped config resolves."""

import re
from pathlib import Path

import pytest
import spacy
from spacy import registry
from spacy.schemas import ConfigSchemaTraining
from spacy.util import dict_to_dot, load_config, load_model_from_config

from scripts.merge_config import merge_overlays

FOLDER = Path(__file__).parent.parent / "configs"
DATA = FOLDER.parent / "docs" / "data.md"
CONFIGS = sorted(FOLDER.glob("*.cfg"))
SYSTEMS = sorted((FOLDER / "systems").glob("*.cfg"))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_a_shipped_config_resolves(path: Path) -> None:
    nlp = load_model_from_config(load_config(path), auto_fill=True, validate=True)
    records = ["str_records"] if path.stem == "coronary" else []
    assert nlp.pipe_names == ["str_encoder", "str_ner", "str_rel", *records, "str_cleaner"]
    # Nothing had to be filled in on the way to the training section.
    registry.resolve(nlp.config.interpolate()["training"], schema=ConfigSchemaTraining)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_training_can_be_resumed(path: Path) -> None:
    nlp = load_model_from_config(load_config(path), auto_fill=True)
    assert nlp.create_optimizer().learn_rate >= 0


@pytest.mark.parametrize("base", ["coronary", "english"])
@pytest.mark.parametrize("system", SYSTEMS, ids=lambda path: path.stem)
def test_a_system_resolves_with_every_base(base: str, system: Path) -> None:
    config = merge_overlays(FOLDER / f"{base}.cfg", [system])
    nlp = load_model_from_config(config, auto_fill=True, validate=True)
    own = load_config(system).get("nlp", load_config(FOLDER / f"{base}.cfg")["nlp"])
    assert nlp.pipe_names == own["pipeline"]
    assert set(nlp.config["components"]) == set(nlp.pipe_names)
    training = registry.resolve(nlp.config.interpolate()["training"], schema=ConfigSchemaTraining)
    shipped = load_config(FOLDER / f"{base}.cfg", interpolate=True)
    assert training["max_steps"] == shipped["training"]["max_steps"]


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda path: path.stem)
def test_a_system_is_selected_by_the_scores_that_it_has(system: Path) -> None:
    config = merge_overlays(FOLDER / "coronary.cfg", [system])
    nlp = load_model_from_config(config, auto_fill=True)
    found = {assigned for name in nlp.pipe_names for assigned in nlp.get_pipe_meta(name).assigns}
    weights = config["training"]["score_weights"]
    assert bool(weights["ents_f"]) == ("doc.ents" in found)
    assert bool(weights["rels_f"]) == ("doc._.relations" in found)
    # What finds no entities is scored on gold ones.
    assert config["corpora"]["dev"].get("gold_entities", False) == ("doc.ents" not in found)


def test_chinese_and_english_are_trained_alike() -> None:
    english, chinese = (
        dict_to_dot(load_config(FOLDER / f"{name}.cfg")) for name in ("english", "chinese")
    )
    assert {key for key in english | chinese if english.get(key) != chinese.get(key)} == {
        "paths.encoder",
        "nlp.lang",
        *(f"nlp.tokenizer.{name}" for name in ("@tokenizers", "segmenter")),
        # Windows are counted in tokens, of which words have more pieces than characters.
        *(f"components.str_encoder.model.get_spans.{name}" for name in ("window", "stride")),
        # Chinese has no capitals.
        *(key for key in english if key.startswith("components.str_ner.model.features.")),
    }


def test_a_pipeline_can_cut_at_white_space_alone(tmp_path: Path) -> None:
    """By the options that the documentation names."""
    arguments = re.findall(r"--(nlp\.tokenizer\.\S+) ([^\s`]+)", DATA.read_text("utf-8"))
    overrides = {name: {"false": False}.get(value, value) for name, value in arguments}
    assert overrides.keys() == {"nlp.tokenizer.@tokenizers", "nlp.tokenizer.use_pyvi"}
    config = load_config(FOLDER / "english.cfg", overrides=overrides)
    tokenizer = load_model_from_config(config, auto_fill=True).tokenizer
    tokenizer.to_disk(tmp_path / "tokenizer")
    tokenizer.from_disk(tmp_path / "tokenizer")
    assert [token.text for token in tokenizer("to Boise.  Don't , ever")] == [
        *("to", "Boise.", " ", "Don't", ",", "ever")
    ]


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
