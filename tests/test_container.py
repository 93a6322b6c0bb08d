"""The files that build and run a container: they fit each other, and the library as it is."""

import re
from configparser import RawConfigParser
from pathlib import Path

import srsly

ROOT = Path(__file__).parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
ARGUMENTS = dict(re.findall(r"^ARG (\w+)=(\S+)$", DOCKERFILE, re.MULTILINE))
[SERVICE] = srsly.read_yaml(ROOT / "compose.yaml")["services"].values()


def test_the_wheel_of_the_library_has_its_version() -> None:
    setup = RawConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    version = setup["metadata"]["version"]
    assert ARGUMENTS["LIBRARY"] == f"dist/spacy_str_encoder-{version}-py3-none-any.whl"


def test_both_files_name_the_same_wheels() -> None:
    assert SERVICE["build"]["args"] == ARGUMENTS
    assert Path(ARGUMENTS["PIPELINE"]).name.startswith(f"{ARGUMENTS['MODEL']}-")


def test_docker_sees_what_it_copies_and_nothing_else() -> None:
    first, *kept = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert first == "*"
    patterns = [each.removeprefix("!") for each in kept]
    for copied in ("constraints.txt", ARGUMENTS["LIBRARY"], ARGUMENTS["PIPELINE"]):
        assert any(Path(copied).match(pattern) for pattern in patterns)


def test_the_service_runs_without_rights_and_writes_nowhere_else() -> None:
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", DOCKERFILE, re.MULTILINE)
    assert SERVICE["read_only"] and SERVICE["cap_drop"] == ["ALL"]
    [port] = SERVICE["ports"]
    assert port.startswith("127.0.0.1:")
    assert "/ready" in DOCKERFILE


def test_the_options_of_the_service_are_those_of_the_command() -> None:
    command = (ROOT / "spacy_str_encoder" / "cli" / "serve.py").read_text("utf-8")
    for option in SERVICE["command"]:
        name = option.removeprefix("--").replace("-", "_")
        assert not option.startswith("--") or f"    {name}: Annotated" in command
