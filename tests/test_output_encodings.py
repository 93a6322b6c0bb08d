"""Output whose encoding lacks characters: every command prints, and replaces the others."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import DocBin
from typer.testing import CliRunner, Result

from spacy_str_encoder.cli import app

from .pipelines import TEXTS, make_examples

ENCODINGS = ["cp1252", "gbk", "ascii"]
# gbk has Chinese characters, but no emoji.
LABEL = "身体😀"


def run(encoding: str, *arguments: str | Path) -> Result:
    result = CliRunner(charset=encoding).invoke(app, [*map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def write_gold(folder: Path) -> Path:
    """An annotated file, in a folder with a Chinese name."""
    text = {"text": "左主干狭窄", "entities": [{"start": 0, "end": 3, "label": LABEL}]}
    path = folder / LABEL / "报告.jsonl"
    path.parent.mkdir()
    path.write_text(json.dumps({**text, "relations": []}) + "\n", "utf-8")
    return path


@pytest.fixture
def model(nlp: Language, tmp_path: Path) -> Path:
    nlp.to_disk(tmp_path / "模型")
    return tmp_path / "模型"


@pytest.fixture
def gold(nlp: Language, tmp_path: Path) -> Path:
    docs = [example.reference for example in make_examples(nlp)]
    docs[0].set_ents([*docs[0].ents[:1], spacy.tokens.Span(docs[0], 4, 5, LABEL)])
    docs[0]._.relations = []
    DocBin(docs=docs, store_user_data=True).to_disk(tmp_path / "金.spacy")
    return tmp_path / "金.spacy"


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_labels_are_printed(encoding: str, tmp_path: Path) -> None:
    result = run(encoding, "debug-data", write_gold(tmp_path), "--lang", "zh")
    assert result.exit_code == 0
    emoji = "\\U0001f600"
    shown = {"cp1252": f"\\u8eab\\u4f53{emoji}", "ascii": f"\\u8eab\\u4f53{emoji}"}
    assert shown.get(encoding, f"身体{emoji}") in result.stdout_bytes.decode(encoding)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_json_can_be_read_in_any_encoding(encoding: str, tmp_path: Path) -> None:
    result = run(encoding, "debug-data", write_gold(tmp_path), "--lang", "zh", "--json")
    report = json.loads(result.stdout_bytes)
    assert report["splits"]["train"]["entity_labels"] == [{"label": LABEL, "count": 1}]


def test_json_is_readable_in_utf8(tmp_path: Path) -> None:
    result = run("utf-8", "debug-data", write_gold(tmp_path), "--lang", "zh", "--json")
    assert f'"label": "{LABEL}"' in result.stdout


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_files_that_are_written_are_named(encoding: str, tmp_path: Path) -> None:
    output = tmp_path / "语料😀"
    arguments = "convert", write_gold(tmp_path), "-o", output, "--lang", "zh"
    assert run(encoding, *arguments).exit_code == 0
    (tmp_path / "文.txt").write_text("狭窄\n\n", "utf-8")
    arguments = "init-encoder", tmp_path / "文.txt", "-o", tmp_path / "编码器😀", "--width", "8"
    assert run(encoding, *arguments).exit_code == 0


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize(
    "command", [["convert", "-o", "x"], ["debug-data"], ["annotate", "无", "-o", "x"]], ids=str
)
def test_errors_are_printed(encoding: str, command: list[str], tmp_path: Path) -> None:
    result = run(encoding, *command, tmp_path / "没有😀.jsonl")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_pipelines_are_run(encoding: str, model: Path, gold: Path, tmp_path: Path) -> None:
    texts = tmp_path / "文😀.txt"
    texts.write_text("\n".join(TEXTS), "utf-8")
    few = "--samples", "1", "--details"
    assert run(encoding, "evaluate", model, gold, *few).exit_code == 0
    assert run(encoding, "annotate", model, texts, "-o", tmp_path / "出😀").exit_code == 0
    assert run(encoding, "visualize", model, texts, "-o", tmp_path / "页😀.html").exit_code == 0


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_help_is_printed(encoding: str) -> None:
    assert run(encoding, "--help").exit_code == 0


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_pretrained_encoder_is_named(encoding: str, encoder_path: Path, tmp_path: Path) -> None:
    (tmp_path / "文.txt").write_text("\n".join(TEXTS), "utf-8")
    output = tmp_path / "编码器😀"
    few = "--steps", "1", "--held-out", "0.5"
    arguments = "pretrain", encoder_path, tmp_path / "文.txt", "-o", output, *few
    assert run(encoding, *arguments).exit_code == 0


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_process_of_its_own_prints(encoding: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "spacy_str_encoder", "debug-data", "--lang", "zh"]
    done = subprocess.run(
        [*command, write_gold(tmp_path)],
        env={**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert b"\\U0001f600" in done.stdout
