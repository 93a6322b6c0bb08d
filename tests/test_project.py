"""The whole demo at a reduced size."""

import json
import re
import shutil
import sys
from pathlib import Path

import pytest
import spacy

from .reduced_project import run, run_workflow

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def project(trained_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with a few texts and a few steps, run from end to end."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copytree(trained_project, folder, dirs_exist_ok=True)
    run_workflow(folder, "all")
    return folder


def test_the_project_leaves_its_outputs(project: Path) -> None:
    for part in ("test_seen", "test_unseen", "handwritten"):
        scores = json.loads((project / "metrics" / f"{part}.json").read_text("utf-8"))
        for task in ("entities", "relations", "relations_gold_entities"):
            assert scores["model"][task]["strict"]["micro"]["gold"] > 0
            assert scores["other"][task]["strict"]["micro"]["gold"] > 0
    meta = spacy.load(project / "training" / "model-best").meta
    assert meta["labels"]["str_ner"]
    assert len(list(project.glob("packages/*/dist/*.whl"))) == 1


def test_the_package_requires_the_library_and_has_a_model_card(project: Path) -> None:
    [path] = project.glob("packages/zh_coronary_str-*/meta.json")
    meta = json.loads(path.read_text("utf-8"))
    assert any(req.startswith("spacy_str_encoder") for req in meta["requirements"])
    assert (meta["version"], meta["license"]) == ("0.1.0", "MIT")
    card = (path.parent / "README.md").read_text("utf-8")
    assert "Not for clinical use" in card and "TODO" not in card
    assert card == (project / "packages" / "model" / "README.md").read_text("utf-8")
    for part in ("test_seen", "test_unseen", "handwritten"):
        assert f"| {part} | " in card


def test_a_second_run_skips_what_is_up_to_date(project: Path) -> None:
    output = run_workflow(project, "all")
    skipped = re.findall(r"Skipping '(\w+)'", output)
    assert skipped == ["corpus", "encoder", "fit", "evaluate", "package"]


def test_the_train_workflow_runs_as_the_readme_says(project: Path) -> None:
    assert "Skipping 'fit'" in run_workflow(project, "train")


def test_the_encoder_is_pretrained(project: Path) -> None:
    sizes = ["--vars.reports", "20", "--vars.pretrain_steps", "2"]
    for command in ("reports", "pretrain"):
        run_workflow(project, command, ".", *sizes)
    summary = json.loads((project / "encoders" / "pretrained" / "pretraining.json").read_text())
    assert [each["step"] for each in summary["evaluations"]] == [0, 2]
    assert summary["sizes"]["texts"] == 19


def test_a_system_is_trained_and_scored_by_name(project: Path) -> None:
    run_workflow(project, "system", ".", "--vars.system", "only_rc")
    nlp = spacy.load(project / "training" / "only_rc" / "model-best")
    assert nlp.pipe_names == ["str_encoder", "str_rel", "str_cleaner"]
    # An ablation of the paper's model, not of the demo's.
    assert not nlp.config["components"]["str_rel"]["model"]["pool_entities"]
    path = project / "metrics" / "only_rc" / "test_seen.json"
    scores = json.loads(path.read_text("utf-8"))["model"]
    assert scores["entities"] is None
    assert scores["relations_gold_entities"]["strict"]["micro"]["gold"] > 0
    assert "Skipping 'evaluate'" in run_workflow(project, "all")


def test_the_workflows_of_the_tables_write_them(project: Path) -> None:
    for workflow, folder in (("tables", "metrics"), ("tables-quick", "metrics/quick")):
        printed = run_workflow(project, workflow, "--dry")
        [command] = re.findall(r"Running command: (.* scripts\.tables .*)", printed)
        options = ["--system", "only_ner", "--seeds", "1", "--steps", "2"]
        run([*command.split(), *options], project)
        assert "## Table VI" in (project / folder / "tables.md").read_text("utf-8")


def test_the_result_is_shown(project: Path) -> None:
    output = run([sys.executable, "scripts/show.py", "training/model-best", "metrics"], project)
    assert "左主干未见明显狭窄" in output
    assert "RC, predicted entities" in output
    assert "Records:" in output
