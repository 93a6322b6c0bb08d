"""Finding interpreters for `make pythons`, and what it makes of those that fail."""

import sys
from pathlib import Path

import pytest

from scripts import check_pythons
from scripts.check_pythons import find_python


@pytest.fixture
def pyenv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for versions, where nothing else is found."""
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "none"))
    return tmp_path / "versions"


def write_python(path: Path, release: str, exit_code: int = 0) -> Path:
    """Write a script that answers as an interpreter of a release."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho {release}\nexit {exit_code}\n", "utf-8")
    path.chmod(0o755)
    return path


def test_the_newest_release_of_pyenv_is_found(pyenv: Path) -> None:
    for release in ("3.12.9", "3.12.10", "3.13.1", "3.1.2"):
        write_python(pyenv / release / "bin" / "python", release)
    assert find_python("3.12") == (pyenv / "3.12.10" / "bin" / "python", "3.12.10")


def test_path_comes_before_pyenv(pyenv: Path) -> None:
    write_python(pyenv / "3.12.9" / "bin" / "python", "3.12.9")
    on_path = write_python(pyenv.parent / "path" / "python3.12", "3.12.1")
    assert find_python("3.12") == (on_path, "3.12.1")


def test_a_command_that_does_not_run_is_passed_over(pyenv: Path) -> None:
    python = write_python(pyenv / "3.12.9" / "bin" / "python", "3.12.9")
    write_python(pyenv.parent / "path" / "python3.12", "", exit_code=127)
    assert find_python("3.12") == (python, "3.12.9")


def test_a_version_that_is_missing_is_named(
    pyenv: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["check_pythons.py", "3.12"])
    check_pythons.main()
    assert capsys.readouterr().out.split("\n")[-2].split()[:4] == ["3.12", "-", "-", "not"]


def test_a_version_that_fails_is_an_error(
    pyenv: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_python(pyenv / "3.12.9" / "bin" / "python", "3.12.9")
    monkeypatch.setattr(sys, "argv", ["check_pythons.py", "3.12", "3.13"])
    monkeypatch.setattr(check_pythons, "try_in", lambda *_: "failed: check requirements")
    with pytest.raises(SystemExit) as stop:
        check_pythons.main()
    assert stop.value.code == 1
    printed = capsys.readouterr().out
    assert "failed: check requirements" in printed
    assert "not tested" in printed


def test_steps_stop_at_the_first_that_fails(
    pyenv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = write_python(pyenv / "3.12.9" / "bin" / "python", "", exit_code=1)
    assert check_pythons.try_in(tmp_path, python, "") == "failed: make an environment"
