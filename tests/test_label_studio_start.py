"""Starting a real Label Studio for `make check-label-studio`."""

from pathlib import Path

import pytest

from scripts.label_studio.studio import run_studio


def test_the_command_may_be_a_relative_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder := tmp_path / "data").mkdir()
    (command := tmp_path / "label-studio").write_text("#!/bin/sh\necho here > started\n")
    command.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    with run_studio(Path("label-studio"), folder):
        pass
    assert (folder / "started").read_text() == "here\n"
