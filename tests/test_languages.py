"""An unknown language is answered with the code that was probably meant."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from spacy_str_encoder.cli import app
from spacy_str_encoder.formats.docs import make_tokenizer

CONFIG = Path(__file__).parents[1] / "configs" / "english.cfg"


@pytest.mark.parametrize(
    ("language", "meant"),
    [
        ("cn", "zh"),
        ("CN", "zh"),
        ("jp", "ja"),
        ("ua", "uk"),
        ("english", "en"),
        ("Chinese", "zh"),
        # By its letters.
        ("zhx", "zh"),
    ],
)
def test_the_code_that_was_meant_is_named(language: str, meant: str) -> None:
    with pytest.raises(ValueError, match=rf"got '{language}'\. Did you mean {meant}\? \("):
        make_tokenizer(language)


@pytest.mark.parametrize("language", ["klingon", "qq"])
def test_nothing_is_guessed_if_nothing_is_similar(language: str) -> None:
    with pytest.raises(ValueError, match=rf"got '{language}' \("):
        make_tokenizer(language)


@pytest.mark.parametrize("language", ["uk", "en", "zh", None])
def test_a_known_language_is_taken(language: str | None) -> None:
    assert make_tokenizer(language).lang == (language or "xx")


@pytest.mark.parametrize("options", [["--lang", "cn"], ["-c", str(CONFIG), "--nlp.lang", "cn"]])
def test_commands_answer_in_one_line(tmp_path: Path, options: list[str]) -> None:
    path = tmp_path / "train.jsonl"
    path.write_text('{"text": "a", "entities": [], "relations": []}\n', "utf-8")
    result = CliRunner().invoke(app, ["debug-data", str(path), *options])
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert "got 'cn'. Did you mean zh?" in result.stderr
