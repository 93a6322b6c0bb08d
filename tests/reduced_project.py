"""A copy of the project with a few texts and a few steps, and what runs in it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from spacy.util import load_config

ROOT = Path(__file__).parent.parent
FOLDERS = ("assets", "configs", "scripts")
# What makes training short enough for a test; everything else is as shipped.
SHORT = {"training": {"max_steps": 4, "max_epochs": 0, "eval_frequency": 2}}


def copy_project(folder: Path) -> None:
    """Copy what commands of the project read, and make it small."""
    folder.mkdir(exist_ok=True)
    for name in FOLDERS:
        shutil.copytree(ROOT / name, folder / name)
    shutil.copy(ROOT / "project.yml", folder)
    for path in (folder / "assets" / "coronary").glob("*.json"):
        records = json.loads(path.read_text("utf-8"))
        path.write_text(json.dumps(records[:15] + records[-15:], ensure_ascii=False), "utf-8")
    for path in (folder / "configs").glob("*.cfg"):
        load_config(path).merge(SHORT).to_disk(path)


def run(command: list[str], folder: Path) -> str:
    """Run a command in a folder, and return what it printed. It has to succeed."""
    binaries = Path(sys.executable).parent
    path = f"{binaries}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "HF_HUB_OFFLINE": "1"}
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, f"{command}\n{result.stdout}\n{result.stderr}"
    return result.stdout + result.stderr


def run_workflow(folder: Path, *arguments: str) -> str:
    """Run a workflow of the project, and return what it printed."""
    return run([sys.executable, "-m", "spacy", "project", "run", *arguments], folder)
