"""The whole demo at a reduced size, and every command and snippet of the README."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import spacy
from spacy.util import load_config

ROOT = Path(__file__).parent.parent
FOLDERS = ("assets", "configs", "scripts")
# What makes training short enough for a test; everything else is as shipped.
SHORT = {"training": {"max_steps": 4, "max_epochs": 0, "eval_frequency": 2}}

pytestmark = pytest.mark.slow


def run(command: list[str], folder: Path) -> str:
    binaries = Path(sys.executable).parent
    path = f"{binaries}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "HF_HUB_OFFLINE": "1"}
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, f"{command}\n{result.stdout}\n{result.stderr}"
    return result.stdout + result.stderr


def run_workflow(folder: Path, *arguments: str) -> str:
    return run([sys.executable, "-m", "spacy", "project", "run", *arguments], folder)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with a few texts and a few steps, run from end to end."""
    folder = tmp_path_factory.mktemp("project")
    for name in FOLDERS:
        shutil.copytree(ROOT / name, folder / name)
    shutil.copy(ROOT / "project.yml", folder)
    for path in (folder / "assets" / "coronary").glob("*.json"):
        records = json.loads(path.read_text("utf-8"))
        path.write_text(json.dumps(records[:15] + records[-15:], ensure_ascii=False), "utf-8")
    for path in (folder / "configs").glob("*.cfg"):
        load_config(path).merge(SHORT).to_disk(path)
    run_workflow(folder, "all")
    return folder


def test_the_project_leaves_its_outputs(project: Path) -> None:
    for part in ("test_seen", "test_unseen", "handwritten"):
        scores = json.loads((project / "metrics" / f"{part}.json").read_text("utf-8"))
        for task in ("entities", "relations", "relations_correct_entities"):
            assert scores["model"][task]["strict"]["micro"]["gold"] > 0
            assert scores["other"][task]["strict"]["micro"]["gold"] > 0
    meta = spacy.load(project / "training" / "model-best").meta
    assert meta["labels"]["str_ner"]
    assert len(list(project.glob("packages/*/dist/*.whl"))) == 1


def test_the_package_requires_the_library_and_has_a_model_card(project: Path) -> None:
    [path] = project.glob("packages/zh_coronary_str-*/meta.json")
    meta = json.loads(path.read_text("utf-8"))
    assert any(req.startswith("spacy_str_encoder") for req in meta["requirements"])
    assert "Not for clinical use" in meta["notes"]
    loaded = spacy.load(project / "packages" / "model")
    assert loaded.meta["notes"] == meta["notes"]
    assert loaded.meta["license"] == "MIT"


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
    assert nlp.pipe_names == ["str_encoder", "str_rel", "doc_cleaner"]
    path = project / "metrics" / "only_rc" / "test_seen.json"
    scores = json.loads(path.read_text("utf-8"))["model"]
    assert scores["entities"] is None
    assert scores["relations_correct_entities"]["strict"]["micro"]["gold"] > 0
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


def test_the_snippets_of_the_readme_run(project: Path) -> None:
    run([sys.executable, "-c", "\n".join(readme_blocks("python"))], project)
    assert (project / "records.csv").read_text("utf-8").startswith("doc,record,entity")


def test_pages_are_made_as_the_readme_says(project: Path) -> None:
    [commands] = [block for block in readme_blocks("bash") if "visualize" in block]
    for command in commands.strip().splitlines():
        run(shlex.split(command), project)
    for name in ("page.html", "errors.html"):
        assert "<mark" in (project / name).read_text("utf-8")


def test_training_on_your_own_data_works_as_the_readme_says(project: Path) -> None:
    [record] = readme_blocks("json")
    for name in ("train.jsonl", "dev.jsonl"):
        (project / name).write_text(record * 4, "utf-8")
    [commands] = [block for block in readme_blocks("bash") if "convert" in block]
    for command in commands.strip().splitlines():
        run(command.split(), project)
    doc = spacy.load(project / "training" / "model-last")("Ada works at Acme.")
    assert doc._.relations is not None


def test_the_commands_of_the_guide_to_data_are_those_of_the_readme() -> None:
    commands = [
        command for block in blocks("docs/data.md", "bash") for command in block.split("\n")
    ]
    known = [command for block in readme_blocks("bash") for command in block.split("\n")]
    assert len(commands) > 3
    assert set(commands) <= set(known)


def test_an_encoder_is_made_and_pretrained_as_the_readme_says(project: Path) -> None:
    texts = [f"Ada works at number {number} of Acme.\n" for number in range(40)]
    (project / "reports.txt").write_text("".join(texts), "utf-8")
    for command in [block for block in readme_blocks("bash") if "encoders/mine" in block]:
        run(command.split(), project)
    assert (project / "encoders" / "mine" / "config.json").is_file()
    assert (project / "encoders" / "reports" / "pretraining.json").is_file()


def blocks(name: str, language: str) -> list[str]:
    text = (ROOT / name).read_text("utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


def readme_blocks(language: str) -> list[str]:
    return blocks("README.md", language)
