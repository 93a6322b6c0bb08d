"""All commands: empty arguments, as of a variable of a shell that is not set, and Ctrl-C."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from spacy_str_encoder.cli import app

EMPTY = "the argument after {} must not be empty; is a variable empty?"
CASES = [
    (["debug-data", ""], EMPTY.format("debug-data")),
    (["debug-data", "a.spacy", ""], EMPTY.format("a.spacy")),
    (["debug-data", "a.spacy", "--lang", ""], EMPTY.format("--lang")),
    (["annotate", "model", "a.txt", "-o", ""], EMPTY.format("-o")),
    (["convert", "", "-o", "out"], EMPTY.format("convert")),
    (["corrections", "a", "", "-o", "out"], EMPTY.format("a")),
    (["evaluate", "", "a.spacy"], EMPTY.format("evaluate")),
    (["init-config", "-o", "c.cfg", "--encoder", ""], EMPTY.format("--encoder")),
    (["init-config", "-o", "c.cfg", "--from", ""], EMPTY.format("--from")),
    (["init-config", "-o", "c.cfg", "--lang="], "--lang= must have a value; is a variable empty?"),
    (["init-encoder", "", "-o", "encoder"], EMPTY.format("init-encoder")),
    (["pretrain", "encoder", "", "-o", "out"], EMPTY.format("encoder")),
    (["serve", "model", "--token-file", ""], EMPTY.format("--token-file")),
    (["train", "c.cfg", "--output", ""], EMPTY.format("--output")),
    (["visualize", "model", "Text", "-o", ""], EMPTY.format("-o")),
]


@pytest.mark.parametrize(("arguments", "message"), CASES)
def test_an_empty_argument_is_refused(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, arguments)
    assert (result.exit_code, result.output) == (1, f"Error: {message}\n")
    assert not list(tmp_path.iterdir())


def test_a_command_that_is_stopped_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("spacy_str_encoder.formats.convert.convert", stop)
    result = CliRunner().invoke(app, ["convert", "a.jsonl", "-o", str(tmp_path / "out")])
    assert (result.exit_code, result.output) == (130, "Stopped.\n")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("setting", [["--paths.vectors", ""], ["--paths.vectors="]])
def test_a_setting_of_a_config_may_be_empty(setting: list[str]) -> None:
    result = CliRunner().invoke(app, ["train", "missing.cfg", "-o", "out", *setting])
    assert result.output == "Error: missing.cfg: no such file\n"
