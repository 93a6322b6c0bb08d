"""What setup.cfg, pyproject.toml, the Makefile and constraints.txt say of versions and packages."""

import re
import tomllib
from collections.abc import Iterator
from configparser import RawConfigParser
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
# Only the builds of PyTorch for CUDA ask for these, and the one that is installed may not.
FOR_CUDA = ("cuda-", "nvidia-", "triton")


def read_setup() -> RawConfigParser:
    setup = RawConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    return setup


def read_tool(name: str) -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"][name]


def read_makefile(name: str) -> list[str]:
    """The words, or the parts between commas, of a variable."""
    text = (ROOT / "Makefile").read_text("utf-8")
    [value] = re.findall(rf"^{name} = (.*)$", text, flags=re.MULTILINE)
    return re.split(r"[ ,]", value)


def read_requirements() -> list[Requirement]:
    """What setup.cfg asks for, with the extras that `make` installs."""
    setup = read_setup()
    extras = setup["options.extras_require"]
    asked = [setup["options"]["install_requires"], *(extras[e] for e in read_makefile("EXTRAS"))]
    return [Requirement(line) for part in asked for line in part.strip().splitlines()]


def read_pins() -> dict[str, Requirement]:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pins = [Requirement(line) for line in lines if not line.startswith("#")]
    return {canonicalize_name(pin.name): pin for pin in pins}


def holds(requirement: Requirement, extras: set[str]) -> bool:
    """Tell if this Python and system, with these extras, need a requirement."""
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": each}) for each in {"", *extras})


def list_needed(requirements: list[Requirement]) -> Iterator[str]:
    """The names of requirements, and of what the installed packages in turn require."""
    waiting = [(each, frozenset[str]()) for each in requirements]
    seen = set()
    while waiting:
        requirement, extras = waiting.pop()
        key = (canonicalize_name(requirement.name), frozenset(requirement.extras))
        if key in seen or not holds(requirement, {*extras}):
            continue
        seen.add(key)
        yield key[0]
        asked = distribution(key[0]).requires or []
        waiting += [(Requirement(each), key[1]) for each in asked]


def is_installed(name: str) -> bool:
    try:
        return bool(distribution(name))
    except PackageNotFoundError:
        return False


PYTHONS = read_makefile("PYTHONS")


def test_the_classifiers_are_the_versions_that_make_takes() -> None:
    named = re.findall(
        r"Python :: (3\.\d+)$", read_setup()["metadata"]["classifiers"], re.MULTILINE
    )
    assert named == PYTHONS


def test_pip_takes_these_versions_alone() -> None:
    allowed = SpecifierSet(read_setup()["options"]["python_requires"])
    assert [f"3.{minor}" for minor in range(30) if f"3.{minor}.5" in allowed] == PYTHONS


def test_the_checks_are_for_the_oldest_version() -> None:
    oldest = PYTHONS[0]
    assert read_tool("ruff")["target-version"] == f"py{oldest.replace('.', '')}"
    assert read_tool("mypy")["python_version"] == oldest


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_the_readme_names_the_versions(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    assert re.findall(r"Python (3\.\d+) \S+ (3\.\d+)", text) == [(PYTHONS[0], PYTHONS[-1])]


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_the_readme_lists_the_extras(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    [table] = re.findall(r"pretrain\]'`[:：]\n\n\|.*\n\|---\|---\|\n((?:\|.*\n)+)", text)
    listed = [
        each for row in table.splitlines() for each in re.findall("`(.+?)`", row.split("|")[1])
    ]
    assert sorted(listed) == sorted(read_setup()["options.extras_require"])


def test_make_installs_the_encoder_of_the_extra() -> None:
    [wanted] = read_setup()["options.extras_require"]["minilm"].strip().splitlines()
    installed = Requirement(" ".join(read_makefile("MINILM")))
    [pin] = installed.specifier
    assert installed.name == Requirement(wanted).name
    assert pin.operator == "==" and pin.version in Requirement(wanted).specifier


def test_every_requirement_has_a_pin_that_it_allows() -> None:
    pins = read_pins()
    for requirement in read_requirements():
        [pin] = pins[canonicalize_name(requirement.name)].specifier
        assert pin.operator == "=="
        assert pin.version in requirement.specifier, requirement


def test_all_that_is_needed_is_pinned() -> None:
    assert {*list_needed(read_requirements())} <= {*read_pins()}


def test_all_that_is_pinned_is_needed() -> None:
    """Pins for other systems and other versions of Python are not looked at."""
    here = {name for name, pin in read_pins().items() if holds(pin, set())}
    spare = here - {*list_needed(read_requirements())}
    assert {name for name in spare if is_installed(name) or not name.startswith(FOR_CUDA)} == set()
