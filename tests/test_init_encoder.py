import inspect
import json
import re
import subprocess
import sys
import unicodedata
from pathlib import Path
from typing import Any

import pytest
import spacy
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import DocBin
from transformers import AutoModel, AutoTokenizer, BertTokenizerFast
from typer.testing import CliRunner, Result

from spacy_str_encoder.cli import app
from spacy_str_encoder.cli.init_encoder import init_encoder_command
from spacy_str_encoder.init_encoder import (
    MAX_RUN_LENGTH,
    PRINTABLE_ASCII,
    SPECIAL_PIECES,
    build_tokenizer,
    build_vocabulary,
    init_encoder,
)

TEXTS = ["前降支近段30-40％狭窄", "LAD：３０－４０％，TIMI3级", "无发热"]
# Extension B, the gap between BERT's ranges of extensions D and E, compatibility ideographs,
# Kangxi radical, ideographic zero, kana, hangul, marks, emoji with joiner and selector, private use
HAZARDS = (
    "𠀀\U0002b820豈⼀〇あｱ한％①Ⅲé\u0301\u20e3🙂👩\u200d⚕\ufe0f\ue000\u3000\x85\u2028\x1c\x00\ufffd"
)
SIZES: dict[str, Any] = {"layers": 1, "width": 8, "heads": 2, "intermediate": 12, "max_length": 16}
SIZE_OPTIONS = [
    "--layers", "1", "--width", "8", "--heads", "2", "--intermediate", "12", "--max-length", "16",
]  # fmt: skip


def pieces_of(tokenizer: BertTokenizerFast, text: str) -> list[str]:
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    return list(tokenizer.convert_ids_to_tokens(ids))


def may_be_dropped(character: str) -> bool:
    """Spaces, controls, and U+FFFD, which BERT drops as well."""
    return (
        character.isspace()
        or unicodedata.category(character).startswith("C")
        or character == "\ufffd"
    )


def assert_one_piece_per_character(tokenizer: BertTokenizerFast, text: str) -> None:
    encoding = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    offsets = encoding["offset_mapping"]
    starts = [start for start, _ in offsets]
    assert starts == sorted(set(starts))
    assert offsets == [(start, start + 1) for start in starts]
    assert all(may_be_dropped(text[i]) for i in set(range(len(text))) - set(starts))
    pieces = tokenizer.convert_ids_to_tokens(encoding["input_ids"])
    assert [p[2:] if len(p) > 1 else p for p in pieces] == [text[start] for start in starts]
    assert tokenizer.unk_token_id not in encoding["input_ids"]


def text_of(vocabulary: list[str]) -> str:
    return "".join(piece for piece in vocabulary if len(piece) == 1)


utf8_text = st.text(st.characters(codec="utf-8"))
hazard_text = st.lists(st.sampled_from([*HAZARDS, "中", "a", "##", " ", *SPECIAL_PIECES])).map(
    "".join
)


@given(st.lists(utf8_text | hazard_text, max_size=4))
@settings(max_examples=200, deadline=None)
def test_each_character_is_one_piece(texts: list[str]) -> None:
    vocabulary = build_vocabulary(texts)
    tokenizer = build_tokenizer(vocabulary, max_length=512)
    assert len(vocabulary) == len(set(vocabulary)) == len(tokenizer)
    for text in [*texts, "".join(texts), "".join(PRINTABLE_ASCII)]:
        assert_one_piece_per_character(tokenizer, text)


@given(utf8_text | hazard_text)
@settings(max_examples=100, deadline=None)
def test_vocabulary_holds_no_useless_character(text: str) -> None:
    vocabulary = build_vocabulary([text])
    characters = text_of(vocabulary)
    assert characters == "".join(sorted(characters))
    assert set(characters) <= set(text) | set(PRINTABLE_ASCII)
    tokenizer = build_tokenizer(vocabulary, max_length=512)
    assert [pieces_of(tokenizer, char) for char in characters] == [[char] for char in characters]


@pytest.mark.parametrize(
    "text, expected",
    [
        ("30-40％", "3 ##0 - 4 ##0 ％"),
        ("TIMI3", "T ##I ##M ##I ##3"),
        ("LAD", "L ##A ##D"),
        ("３０－４０％", "３ ##０ － ４ ##０ ％"),
        ("前降支LAD狭窄", "前 降 支 L ##A ##D 狭 窄"),
        ("x[SEP]", "x [ S ##E ##P ]"),
        ("①Ⅲ", "① ##Ⅲ"),
    ],
)
def test_special_cases(text: str, expected: str) -> None:
    tokenizer = build_tokenizer(build_vocabulary([text]), max_length=512)
    assert pieces_of(tokenizer, text) == expected.split()


def test_han_characters_have_no_form_inside_of_words() -> None:
    vocabulary = build_vocabulary(["中𠀀豈⼀〇あ한％①🙂\u0301"])
    assert {"中", "𠀀", "豈"}.isdisjoint(piece[2:] for piece in vocabulary)
    assert {f"##{char}" for char in "⼀〇あ한％①🙂\u0301"} <= set(vocabulary)


def test_controls_and_spaces_are_not_in_the_vocabulary() -> None:
    assert build_vocabulary(["\x00\t\n\x0b\x85\u200b\u200d\ue000\ufffd \u3000\u2028"]) == (
        build_vocabulary([])
    )


def test_vocabulary_does_not_depend_on_the_order_of_the_texts() -> None:
    assert build_vocabulary(TEXTS) == build_vocabulary(TEXTS[::-1])
    assert build_vocabulary(TEXTS)[:5] == SPECIAL_PIECES


def write_encoder(output: Path, *, seed: int = 0, texts: list[str] = TEXTS) -> bytes:
    init_encoder(texts, output, **SIZES, seed=seed)
    return (output / "model.safetensors").read_bytes()


def test_same_seed_same_bytes(tmp_path: Path) -> None:
    state = torch.get_rng_state()
    first = write_encoder(tmp_path / "first")
    torch.rand(3)
    assert write_encoder(tmp_path / "again") == first
    assert write_encoder(tmp_path / "other", seed=1) != first
    torch.set_rng_state(state)
    write_encoder(tmp_path / "fourth")
    assert torch.equal(torch.get_rng_state(), state)
    for name in ["vocab.txt", "tokenizer.json", "tokenizer_config.json", "config.json"]:
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_folder_loads_with_the_sizes_asked_for(tmp_path: Path) -> None:
    write_encoder(tmp_path / "encoder", texts=[*TEXTS, HAZARDS])
    model = AutoModel.from_pretrained(tmp_path / "encoder", local_files_only=True)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "encoder", local_files_only=True)
    config = model.config
    assert (config.num_hidden_layers, config.hidden_size, config.num_attention_heads) == (1, 8, 2)
    assert (config.intermediate_size, config.max_position_embeddings) == (12, 16)
    assert tokenizer.model_max_length == 16
    assert config.vocab_size == len(tokenizer) == model.embeddings.word_embeddings.num_embeddings
    assert config.pad_token_id == tokenizer.pad_token_id == 0
    assert_one_piece_per_character(tokenizer, "".join(PRINTABLE_ASCII) + HAZARDS)
    batch = tokenizer(TEXTS, padding=True, truncation=True, return_tensors="pt")
    assert batch["input_ids"][0, 0] == tokenizer.cls_token_id
    assert batch["input_ids"].shape == (3, 16)
    assert model(**batch).last_hidden_state.shape == (3, 16, 8)


def test_files_of_the_folder(tmp_path: Path) -> None:
    write_encoder(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        "config.json",
        "model.safetensors",
        "special_tokens_map.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "vocab.txt",
    }
    assert (tmp_path / "vocab.txt").read_text("utf8").splitlines() == build_vocabulary(TEXTS)


def test_long_runs_stay_characters_and_fast(tmp_path: Path) -> None:
    write_encoder(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path, local_files_only=True)
    assert pieces_of(tokenizer, "A" * MAX_RUN_LENGTH) == ["A"] + ["##A"] * (MAX_RUN_LENGTH - 1)
    assert_one_piece_per_character(tokenizer, "A" * 10_000)  # minutes if runs were not cut
    backend = json.loads((tmp_path / "tokenizer.json").read_text("utf8"))
    assert backend["model"]["max_input_chars_per_word"] == 1_000_000


def test_probabilities_of_dropout_reach_the_config(tmp_path: Path) -> None:
    config = init_encoder(TEXTS, tmp_path, **SIZES, dropout=0.25).config
    assert config.hidden_dropout_prob == config.attention_probs_dropout_prob == 0.25


def test_intermediate_is_four_times_the_width(tmp_path: Path) -> None:
    sizes = {**SIZES, "intermediate": None}
    assert init_encoder(TEXTS, tmp_path, **sizes).config.intermediate_size == 32


def write_texts(path: Path, texts: list[str]) -> Path:
    records = [{"text": text, "entities": []} for text in texts]
    if path.suffix == ".spacy":
        nlp = spacy.blank("zh")
        DocBin(docs=[nlp.make_doc(text) for text in texts]).to_disk(path)
    elif path.suffix == ".json":
        path.write_text(json.dumps(records, ensure_ascii=False, indent=2), "utf8")
    elif path.suffix == ".jsonl":
        path.write_text("\n\n".join(json.dumps(record) for record in records), "utf8")
    else:
        path.write_text("\n\n".join(texts), "utf8")
    return path


def plain(output: str) -> str:
    """Leave out the colours that typer uses where it believes in a terminal."""
    return re.sub(r"\x1b\[[0-9;]*m", "", output)


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["init-encoder", *map(str, arguments)])


def test_command_reads_several_files(tmp_path: Path) -> None:
    suffixes = [".txt", ".jsonl", ".json", ".spacy"]
    names = [tmp_path / f"texts{suffix}" for suffix in suffixes]
    paths = [write_texts(path, [char]) for path, char in zip(names, "前降支近", strict=True)]
    output = tmp_path / "encoder"
    result = run(*paths, "-o", output, *SIZE_OPTIONS)
    assert result.exit_code == 0, result.output
    assert (output / "vocab.txt").read_text("utf8").split() == build_vocabulary(["前降支近"])
    assert result.stdout == f"Wrote {output}: 197 pieces, 2,268 parameters\n"


def test_what_holds_no_text_is_told(tmp_path: Path) -> None:
    good = write_texts(tmp_path / "good.txt", TEXTS)
    blank = write_texts(tmp_path / "blank.txt", [" "])
    result = run(good, blank, "-o", tmp_path / "encoder", *SIZE_OPTIONS)
    assert result.exit_code == 0, result.output
    assert "left out (1): files without texts\n" in result.stdout
    assert (tmp_path / "encoder" / "vocab.txt").exists()


def test_a_bad_file_leaves_nothing_behind(tmp_path: Path) -> None:
    good = write_texts(tmp_path / "good.txt", TEXTS)
    bad = tmp_path / "bad.json"
    bad.write_text('[{"text": "a"}, {}]', "utf-8")
    result = run(good, bad, "-o", tmp_path / "encoder", *SIZE_OPTIONS)
    assert_one_line_error(result, f"{bad}, text 2: the field 'text' is missing")
    assert not (tmp_path / "encoder").exists()


def assert_one_line_error(result: Result, message: str) -> None:
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    assert result.stderr.startswith(f"Error: {message}")
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""


def test_missing_file_and_folder_as_input(tmp_path: Path) -> None:
    missing = tmp_path / "missing.txt"
    result = run(missing, "-o", tmp_path / "encoder")
    assert_one_line_error(result, f"{missing}: no such file")
    missing.mkdir()
    result = run(missing, "-o", tmp_path / "encoder")
    assert_one_line_error(result, f"{missing}: no file in this folder ends in .csv, .json")


@pytest.mark.parametrize(
    "options, message",
    [
        (["--width", "10", "--heads", "4"], "heads (4) must divide width (10)"),
        (["--dropout", "1"], "dropout (1.0) must be at least 0 and below 1"),
        (["--dropout", "nan"], "dropout (nan) must be at least 0 and below 1"),
    ],
)
def test_impossible_sizes(tmp_path: Path, options: list[str], message: str) -> None:
    path = write_texts(tmp_path / "texts.txt", TEXTS)
    assert_one_line_error(run(path, "-o", tmp_path / "encoder", *options), message)
    assert not (tmp_path / "encoder").exists()


@pytest.mark.parametrize("option", ["layers", "width", "heads", "intermediate", "max-length"])
def test_sizes_are_at_least_one(tmp_path: Path, option: str) -> None:
    path = write_texts(tmp_path / "texts.txt", TEXTS)
    result = run(path, "-o", tmp_path / "encoder", f"--{option}", "0")
    assert result.exit_code == 2
    assert isinstance(result.exception, SystemExit)
    assert option in plain(result.stderr)
    sizes = {**SIZES, option.replace("-", "_"): 0}
    with pytest.raises(ValueError, match=option.replace("-", "_")):
        init_encoder(TEXTS, tmp_path / "encoder", **sizes)


def test_output_is_not_overwritten_without_force(tmp_path: Path) -> None:
    path = write_texts(tmp_path / "texts.txt", TEXTS)
    output = tmp_path / "encoder"
    output.mkdir()
    assert run(path, "-o", output, *SIZE_OPTIONS).exit_code == 0
    (output / "notes.md").write_text("keep")
    assert_one_line_error(run(path, "-o", output), f"{output}: the folder is not empty")
    result = run(path, "-o", output, "--force", "--seed", "1", *SIZE_OPTIONS)
    assert result.exit_code == 0
    assert (output / "notes.md").read_text() == "keep"
    assert (output / "model.safetensors").read_bytes() == write_encoder(tmp_path / "one", seed=1)


def test_output_is_a_file(tmp_path: Path) -> None:
    path = write_texts(tmp_path / "texts.txt", TEXTS)
    for options in [[], ["--force"]]:
        assert_one_line_error(
            run(path, "-o", path, *options), f"{path}: the output must be a folder, but is a file"
        )


def test_command_has_the_defaults_of_the_function() -> None:
    command = inspect.signature(init_encoder_command).parameters
    for name, parameter in inspect.signature(init_encoder).parameters.items():
        assert command[name].default == parameter.default


def test_help_shows_an_example() -> None:
    result = CliRunner(env={"COLUMNS": "100"}).invoke(app, ["init-encoder", "--help"])
    assert result.exit_code == 0
    example = "spacy-str-encoder init-encoder train.json reports.txt -o encoder"
    assert example in plain(result.output)


def test_a_command_is_mandatory() -> None:
    result = CliRunner().invoke(app, [])
    assert result.exit_code == 2
    assert "init-encoder" in plain(result.output)


def test_runs_as_a_module() -> None:
    command = [sys.executable, "-m", "spacy_str_encoder", "--help"]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "python -m spacy_str_encoder" in plain(result.stdout)
    assert "init-encoder" in plain(result.stdout)
