"""Overlays: what of a config they change, and what they leave."""

from pathlib import Path

import pytest
import typer
from spacy.util import load_config
from typer.testing import CliRunner

from scripts.merge_config import main, merge_overlays

BASE = """
[paths]
encoder = "mine"

[nlp]
pipeline = ["encoder","tagger","relations"]

[components]

[components.encoder]
factory = "encoder"

[components.encoder.model]
@architectures = "Encoder.v1"
name = ${paths.encoder}
window = 128

[components.tagger]
factory = "tagger"

[components.relations]
factory = "relations"

[training]
annotating_components = ["encoder","tagger"]
frozen_components = ["relations"]
steps = 10

[initialize]

[initialize.components]

[initialize.components.tagger]
labels = "labels"

[initialize.components.encoder]
labels = null
"""
NO_TAGGER = """
[nlp]
pipeline = ["encoder","relations"]
"""


def write(path: Path, text: str) -> Path:
    path.write_text(text, "utf-8")
    return path


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return write(tmp_path / "base.cfg", BASE)


def test_an_overlay_changes_what_it_names_and_nothing_else(base: Path, tmp_path: Path) -> None:
    overlay = write(tmp_path / "overlay.cfg", "[training]\nsteps = 20\n")
    expected = load_config(base, interpolate=False)
    expected["training"]["steps"] = 20
    assert merge_overlays(base, [overlay]) == expected


def test_a_block_of_the_same_function_is_merged(base: Path, tmp_path: Path) -> None:
    text = """
    [components]
    [components.encoder]
    [components.encoder.model]
    @architectures = "Encoder.v1"
    window = 64
    """
    overlay = write(tmp_path / "overlay.cfg", text)
    assert merge_overlays(base, [overlay])["components"]["encoder"] == {
        "factory": "encoder",
        "model": {"@architectures": "Encoder.v1", "name": "${paths.encoder}", "window": 64},
    }


def test_a_block_of_another_function_takes_the_place_of_the_whole_block(
    base: Path, tmp_path: Path
) -> None:
    text = """
    [components]
    [components.encoder]
    [components.encoder.model]
    @architectures = "BiLSTM.v1"
    depth = 2
    """
    overlay = write(tmp_path / "overlay.cfg", text)
    assert merge_overlays(base, [overlay])["components"]["encoder"] == {
        "factory": "encoder",
        "model": {"@architectures": "BiLSTM.v1", "depth": 2},
    }


def test_components_that_are_not_in_the_pipeline_are_dropped_everywhere(
    base: Path, tmp_path: Path
) -> None:
    config = merge_overlays(base, [write(tmp_path / "overlay.cfg", NO_TAGGER)])
    assert set(config["components"]) == {"encoder", "relations"}
    assert set(config["initialize"]["components"]) == {"encoder"}
    assert config["training"]["annotating_components"] == ["encoder"]
    assert config["training"]["frozen_components"] == ["relations"]


def test_the_last_overlay_counts(base: Path, tmp_path: Path) -> None:
    overlays = [
        write(tmp_path / f"{steps}.cfg", f"[training]\nsteps = {steps}\n") for steps in (30, 40)
    ]
    assert merge_overlays(base, overlays)["training"]["steps"] == 40
    assert merge_overlays(base, overlays[::-1])["training"]["steps"] == 30


def run(*arguments: object) -> int:
    app = typer.Typer()
    app.command()(main)
    return CliRunner().invoke(app, [str(argument) for argument in arguments]).exit_code


def test_references_stay_so_that_settings_can_be_given_in_training(
    base: Path, tmp_path: Path
) -> None:
    overlay, output = write(tmp_path / "overlay.cfg", NO_TAGGER), tmp_path / "new" / "merged.cfg"
    assert run(base, overlay, "--output", output) == 0
    config = load_config(output, overrides={"paths.encoder": "another"}, interpolate=True)
    assert config["components"]["encoder"]["model"]["name"] == "another"


def test_a_missing_overlay_is_an_error(base: Path, tmp_path: Path) -> None:
    assert run(base, tmp_path / "missing.cfg", "--output", tmp_path / "merged.cfg") == 2
    assert not (tmp_path / "merged.cfg").exists()
