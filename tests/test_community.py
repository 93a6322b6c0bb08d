"""What contributors are told, and what runs for them: it parses, and it agrees with the project."""

import re
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest
import srsly

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "spacy_str_encoder"
GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
FORMS = sorted(path for path in (GITHUB / "ISSUE_TEMPLATE").glob("*.yml") if path.stem != "config")
YAML = [
    ROOT / ".pre-commit-config.yaml",
    ROOT / "CITATION.cff",
    GITHUB / "ISSUE_TEMPLATE" / "config.yml",
    *WORKFLOWS,
    *FORMS,
]
PAGES = [
    ROOT / "CODE_OF_CONDUCT.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "SECURITY.md",
    GITHUB / "PULL_REQUEST_TEMPLATE.md",
]
FENCE = re.compile(r"^ *```.*?^ *```$", flags=re.DOTALL | re.MULTILINE)
SPAN = re.compile(r"`([^`]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
FILE = re.compile(r"[\w./-]+(/|\.(cff|cfg|md|py|toml|txt|yml))")
# What saved pipelines have, and the project does not.
ELSEWHERE = {"config.cfg"}
EXPRESSION = re.compile(r"\$\{\{.*?\}\}")


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def read_setup() -> ConfigParser:
    setup = ConfigParser(delimiters=("=",))
    setup.read(ROOT / "setup.cfg", "utf-8")
    return setup


def supported_pythons() -> set[str]:
    """The versions of Python that the classifiers list."""
    return {
        *re.findall(r"Python :: (3\.\d+)$", read_setup()["metadata"]["classifiers"], flags=re.M)
    }


def jobs_of(path: Path) -> dict[str, Any]:
    return dict(srsly.read_yaml(path)["jobs"])


def pythons_of(job: dict[str, Any]) -> set[str]:
    """The versions of Python that a job sets up, in a matrix or in a list."""
    settings = [step.get("with", {}) for step in job["steps"]]
    given = " ".join(str(each.get("python-version", "")) for each in settings)
    matrix = job.get("strategy", {}).get("matrix", {}).get("python", [])
    return {*EXPRESSION.sub(" ", given).split(), *matrix}


def commands_of(path: Path) -> list[str]:
    """The commands that a workflow runs, or that a page names in code."""
    if path in WORKFLOWS:
        steps = [step for job in jobs_of(path).values() for step in job["steps"]]
        lines = [line for step in steps for line in step.get("run", "").splitlines()]
        return [EXPRESSION.sub("", line) for line in lines]
    text = path.read_text("utf-8")
    blocks = [line.partition("#")[0] for block in FENCE.findall(text) for line in block.split("\n")]
    return [*blocks, *spans_of(text)]


def spans_of(text: str) -> list[str]:
    return [" ".join(span.split()) for span in SPAN.findall(FENCE.sub("", text))]


def targets_of(path: Path) -> set[str]:
    """What `make` is asked for; settings such as PYTHON=python3.12 are none."""
    words = [command.split() for command in commands_of(path)]
    asked = [each[1:] for each in words if each[:1] == ["make"]]
    return {word for each in asked for word in each if "=" not in word}


def files_of(path: Path) -> set[str]:
    """The files and folders that a page names in code, and those that it links to."""
    text = path.read_text("utf-8")
    words = {word for command in commands_of(path) for word in command.split()}
    links = {link.partition("#")[0] for link in LINK.findall(text) if "://" not in link}
    return ({word for word in words if FILE.fullmatch(word)} | links) - {"", *ELSEWHERE}


@pytest.mark.parametrize("path", YAML, ids=name_of)
def test_yaml_can_be_read(path: Path) -> None:
    assert isinstance(srsly.read_yaml(path), dict)


def test_workflows_and_forms_are_found() -> None:
    assert {path.stem for path in WORKFLOWS} >= {"ci", "pythons"}
    assert {path.stem for path in FORMS} == {"bug", "feature", "question"}


def test_every_supported_python_is_tested() -> None:
    expected = supported_pythons()
    assert expected
    assert pythons_of(jobs_of(GITHUB / "workflows" / "ci.yml")["test"]) == expected
    assert pythons_of(jobs_of(GITHUB / "workflows" / "pythons.yml")["pythons"]) == expected


@pytest.mark.parametrize("path", WORKFLOWS, ids=name_of)
def test_no_workflow_uses_a_python_that_is_not_supported(path: Path) -> None:
    for job in jobs_of(path).values():
        assert pythons_of(job) <= supported_pythons()


@pytest.mark.parametrize("path", WORKFLOWS, ids=name_of)
def test_workflows_may_only_read(path: Path) -> None:
    assert srsly.read_yaml(path)["permissions"] == {"contents": "read"}
    assert not any("permissions" in job for job in jobs_of(path).values())


@pytest.mark.parametrize("path", FORMS, ids=name_of)
def test_every_form_keeps_texts_of_patients_out(path: Path) -> None:
    assert "Never paste text from real patients" in path.read_text("utf-8")


def test_the_citation_is_that_of_this_version() -> None:
    citation, metadata = srsly.read_yaml(ROOT / "CITATION.cff"), read_setup()["metadata"]
    for field, name in (("title", "name"), ("version", "version"), ("license", "license")):
        assert citation[field] == metadata[name]


@pytest.mark.parametrize("path", [*PAGES, *WORKFLOWS], ids=name_of)
def test_every_target_of_make_is_there(path: Path) -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = {*re.findall(r"^([\w-]+):", makefile, flags=re.MULTILINE)}
    assert targets_of(path) <= targets


def test_targets_are_found_in_pages_and_workflows() -> None:
    assert targets_of(ROOT / "CONTRIBUTING.md") >= {"install", "quick", "test", "check-wheels"}
    assert targets_of(GITHUB / "workflows" / "ci.yml") >= {"quick", "test", "check-wheels"}


@pytest.mark.parametrize("path", [*PAGES, *FORMS], ids=name_of)
def test_every_path_that_a_page_names_is_there(path: Path) -> None:
    """Paths count from the folder of the project, or from that of the package."""
    for file in files_of(path):
        assert (ROOT / file).exists() or (PACKAGE / file).exists(), file


def test_paths_are_found_in_code_and_links() -> None:
    found = files_of(ROOT / "CONTRIBUTING.md")
    assert {"LICENSE", "tests/saved/", "formats/registry.py", "tests/test_gradients.py"} <= found


def test_the_picture_shows_every_room() -> None:
    rooms = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    blocks = FENCE.findall((ROOT / "CONTRIBUTING.md").read_text("utf-8"))
    [picture] = [block for block in blocks if "┌" in block]
    assert {*re.findall(r"\w+", picture)} >= rooms
