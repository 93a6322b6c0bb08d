"""Pretraining: learning, interruptions, checkpoints, and the command."""

import json
import math
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import (
    AutoModelForMaskedLM,
    AutoTokenizer,
    BertForMaskedLM,
)
from typer.testing import CliRunner, Result

from spacy_str_encoder.cli import app
from spacy_str_encoder.encoders import load_encoder
from spacy_str_encoder.formats.raw_texts import read_raw_texts
from spacy_str_encoder.formats.report import ConversionReport
from spacy_str_encoder.init_encoder import init_encoder
from spacy_str_encoder.pretraining import PretrainingSettings, Summary, pretrain
from spacy_str_encoder.pretraining.batches import MaskedBatches
from spacy_str_encoder.pretraining.checkpoints import CHECKPOINTS, WHOLE, find_last_step
from spacy_str_encoder.pretraining.masking import IGNORED, MaskedWindows, make_masking, mask_once
from spacy_str_encoder.pretraining.model import load_masked_model
from spacy_str_encoder.pretraining.run import HELD_OUT_RATE, HELD_OUT_SEED, METRICS
from spacy_str_encoder.pretraining.texts import hold_out
from spacy_str_encoder.pretraining.training import train as train_model
from spacy_str_encoder.pretraining.windows import Window, cut_texts

# Each vessel has a stretch and a finding of its own, so that one tells the others.
FINDINGS = [("前降支", "近段", "狭窄"), ("回旋支", "远段", "通畅"), ("右冠脉", "中段", "闭塞")]


TEXTS = [f"{v}{p}{f}，TIMI{i}级。" for i in range(10) for v, p, f in FINDINGS]


SETTINGS = PretrainingSettings(steps=12, batch_size=4, learn_rate=1e-2, save_every=4)


WINDOW_LENGTH = 24


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny BERT with dropout, and without a head that guesses pieces."""
    path = tmp_path_factory.mktemp("encoders") / "tiny"
    init_encoder(TEXTS, path, layers=2, width=16, heads=2, max_length=WINDOW_LENGTH)
    return path


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("texts") / "texts.txt"
    path.write_text("\n".join(TEXTS), "utf-8")
    return path


@pytest.fixture(scope="module")
def unbroken(encoder: Path, texts: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a run of all steps writes."""
    output = tmp_path_factory.mktemp("unbroken") / "output"
    train(encoder, texts, output)
    return output


def train(
    encoder: Path,
    texts: Path,
    output: Path,
    settings: PretrainingSettings = SETTINGS,
    **options: Any,
) -> Summary:
    report = ConversionReport()
    return pretrain(
        str(encoder), [texts], output, settings, report, **{"held_out": "0.2", **options}
    )


def weights(folder: Path) -> bytes:
    return (folder / "model.safetensors").read_bytes()


@pytest.mark.slow
def test_perplexity_falls_on_texts_that_can_be_learned(
    encoder: Path, texts: Path, tmp_path: Path
) -> None:
    settings = replace(SETTINGS, steps=None, epochs=15, save_every=30)
    summary = train(encoder, texts, tmp_path / "output", settings)
    evaluations = summary["evaluations"]
    assert [each["step"] for each in evaluations] == [0, 30, 60, 90]
    assert evaluations[0]["perplexity"] > 50
    assert evaluations[-1]["perplexity"] < 15
    losses = [each["loss"] for each in evaluations]
    assert losses[0] is None and losses[1] > losses[-1] > 0  # type: ignore[operator]


def test_the_result_is_an_encoder_with_other_weights(encoder: Path, unbroken: Path) -> None:
    before, after = (
        load_encoder(str(name), focus_layers=2, tokenizer_config={}, transformer_config={})
        for name in (encoder, unbroken)
    )
    assert after.tokenizer.get_vocab() == before.tokenizer.get_vocab()
    state = after.transformer.state_dict()
    model = AutoModelForMaskedLM.from_pretrained(unbroken)
    for name, tensor in before.transformer.state_dict().items():
        assert torch.equal(state[name], model.base_model.state_dict()[name])
        assert not torch.equal(state[name], tensor)
    assert model.get_output_embeddings().weight is model.get_input_embeddings().weight


def test_the_tokenizer_stays_as_it_was(encoder: Path, unbroken: Path) -> None:
    for name in ("tokenizer.json", "tokenizer_config.json", "vocab.txt"):
        assert (unbroken / name).read_bytes() == (encoder / name).read_bytes()


def test_training_masks_anew_in_each_epoch(encoder: Path, tmp_path: Path) -> None:
    model = load_masked_model(str(encoder), seed=0)
    words = numpy.array([-1, 0, 1, 1, 2, -1])
    windows = [Window(numpy.array([2, 10, 11, 12, 13, 3]), words)] * 4
    masked = MaskedWindows(windows, make_masking(model.tokenizer, rate=0.15), seed=0)
    settings = PretrainingSettings(epochs=3, batch_size=4)
    batches = MaskedBatches(masked, size=4, seed=0)
    train_model(model, batches, [[masked[0]]], settings, folder=tmp_path)
    assert masked.epoch == 2


def test_perplexity_is_that_of_plain_transformers(
    texts: Path, unbroken: Path, encoder: Path
) -> None:
    reported = json.loads((unbroken / METRICS).read_text("utf-8"))["evaluations"][-1]
    assert reported["step"] == SETTINGS.steps
    records = read_raw_texts([texts], ConversionReport())
    _, held_out = hold_out(records, "0.2", seed=0, report=ConversionReport())
    tokenizer = AutoTokenizer.from_pretrained(unbroken)
    windows = cut_texts(held_out, tokenizer, ConversionReport(), length=WINDOW_LENGTH)
    model = BertForMaskedLM.from_pretrained(unbroken).eval()
    losses = []
    masking = make_masking(tokenizer, rate=HELD_OUT_RATE)
    for example in mask_once(windows, masking, seed=HELD_OUT_SEED):
        scores = model(torch.tensor([example["input_ids"]])).logits[0].log_softmax(dim=1)
        for piece_scores, label in zip(scores, example["labels"], strict=True):
            if label != IGNORED:
                losses.append(-piece_scores[label].item())
    assert reported["perplexity"] == pytest.approx(math.exp(sum(losses) / len(losses)), rel=1e-4)


@pytest.mark.slow
def test_the_seed_decides_the_weights(
    encoder: Path, texts: Path, unbroken: Path, tmp_path: Path
) -> None:
    torch.rand(3)
    train(encoder, texts, tmp_path / "same")
    assert weights(tmp_path / "same") == weights(unbroken)
    train(encoder, texts, tmp_path / "other", replace(SETTINGS, seed=1))
    assert weights(tmp_path / "other") != weights(unbroken)


def test_training_that_diverges_ends_before_it_is_saved(
    encoder: Path, texts: Path, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=r"diverged.* after step 4; lower the learning rate"):
        train(encoder, texts, tmp_path, replace(SETTINGS, learn_rate=1e30))
    assert find_last_step(tmp_path / CHECKPOINTS) == 0


def interrupt_at(step: int) -> Callable[[int, int, float | None], None]:
    def show(reached: int, steps: int, perplexity: float | None) -> None:
        if reached == step and perplexity is None:
            raise KeyboardInterrupt

    return show


def interrupt(encoder: Path, texts: Path, output: Path, **options: Any) -> None:
    """Stop in the second epoch, two steps after the checkpoint of step 8."""
    with pytest.raises(KeyboardInterrupt):
        train(encoder, texts, output, show=interrupt_at(10), **options)
    assert not (output / "config.json").exists()


@pytest.mark.slow
def test_an_interrupted_run_ends_as_an_unbroken_one(
    encoder: Path, texts: Path, unbroken: Path, tmp_path: Path
) -> None:
    interrupt(encoder, texts, tmp_path)
    summary = train(encoder, texts, tmp_path)
    assert summary["resumed_at"] == 8
    assert weights(tmp_path) == weights(unbroken)
    expected = json.loads((unbroken / METRICS).read_text("utf-8"))["evaluations"]
    for actual, each in zip(summary["evaluations"], expected, strict=True):
        assert actual == pytest.approx(each)
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in unbroken.iterdir()}


@pytest.mark.slow
def test_a_checkpoint_that_was_cut_short_is_not_gone_on_from(
    encoder: Path, texts: Path, unbroken: Path, tmp_path: Path
) -> None:
    interrupt(encoder, texts, tmp_path)
    [whole] = (tmp_path / CHECKPOINTS).glob("checkpoint-*")
    half = Path(shutil.copytree(whole, whole.with_name("checkpoint-12")))
    (half / WHOLE).unlink()
    (half / "trainer_state.json").unlink()
    (half / "optimizer.pt").write_bytes(b"")
    assert train(encoder, texts, tmp_path)["resumed_at"] == 8
    assert weights(tmp_path) == weights(unbroken)


@pytest.mark.slow
@pytest.mark.parametrize("steps", [10, 12])
def test_a_run_that_was_stopped_at_its_very_end_is_completed(
    encoder: Path, texts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    """In the middle of an epoch, and at its end."""

    def stop(*folders: Path) -> None:
        raise KeyboardInterrupt

    settings = replace(SETTINGS, steps=steps)
    unbroken = train(encoder, texts, tmp_path / "unbroken", settings)
    broken = tmp_path / "broken"
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("spacy_str_encoder.pretraining.run.publish", stop)
        train(encoder, texts, broken, settings)
    summary = train(encoder, texts, broken, settings)
    assert summary["resumed_at"] == 8
    assert summary["evaluations"] == unbroken["evaluations"]
    assert weights(broken) == weights(tmp_path / "unbroken")


@pytest.mark.slow
def test_checkpoints_of_another_run_are_kept_unless_forced(
    encoder: Path, texts: Path, unbroken: Path, tmp_path: Path
) -> None:
    interrupt(encoder, texts, tmp_path)
    with pytest.raises(ValueError, match="learn_rate, seed changed"):
        train(encoder, texts, tmp_path, replace(SETTINGS, learn_rate=1e-3, seed=2))
    with pytest.raises(ValueError, match="texts changed"):
        train(encoder, texts, tmp_path, held_out="0.3")
    with pytest.raises(ValueError, match="encoder changed"):
        train(unbroken, texts, tmp_path)
    other = replace(SETTINGS, steps=2)
    assert train(encoder, texts, tmp_path, other, force=True)["resumed_at"] == 0


def test_a_head_that_the_encoder_has_is_used(texts: Path, unbroken: Path, tmp_path: Path) -> None:
    before = json.loads((unbroken / METRICS).read_text("utf-8"))
    summary = train(unbroken, texts, tmp_path / "output", replace(SETTINGS, steps=1))
    assert before["has_fresh_head"] and not summary["has_fresh_head"]
    assert summary["evaluations"][0]["perplexity"] == pytest.approx(
        before["evaluations"][-1]["perplexity"], rel=1e-5
    )


def run(*arguments: object) -> Result:
    return CliRunner(env={"COLUMNS": "100"}).invoke(app, ["pretrain", *map(str, arguments)])


def assert_fails(result: Result, *words: str) -> None:
    assert result.exit_code == 1, result.output
    assert result.stdout == ""
    message = result.stderr.rstrip("\n")
    assert message.startswith("Error: ") and len(message.splitlines()) == 1
    for word in words:
        assert word in message


def test_the_command_shows_what_was_done(encoder: Path, tmp_path: Path) -> None:
    texts = tmp_path / "texts.txt"
    texts.write_text("\n".join([*TEXTS, "", "前降支龘"]), "utf-8")
    output = tmp_path / "new" / "output"
    options = ["--steps", 3, "--save-every", 2, "--batch-size", 2, "--held-out", "0.1"]
    result = run(encoder, texts, "-o", output, *options)
    assert result.exit_code == 0, result.output
    printed = " ".join(result.stdout.split())
    assert "left out (1): blank texts" in printed
    assert "28 texts in 28 windows" in printed and "3 texts held out" in printed
    assert "unknown to the encoder" in printed
    assert "was given a new one" in printed
    summary = json.loads((output / METRICS).read_text("utf-8"))
    for each in summary["evaluations"]:
        assert f"{each['perplexity']:.2f}" in printed
        assert f"step {each['step']}: perplexity" in result.stderr
    assert [each["step"] for each in summary["evaluations"]] == [0, 2, 3]
    assert result.stdout.endswith(f"Wrote {output}\n")


def test_files_of_a_folder_are_replaced_only_if_forced(
    encoder: Path, texts: Path, unbroken: Path, tmp_path: Path
) -> None:
    (tmp_path / "notes.md").write_text("keep")
    (tmp_path / "config.json").write_text("old")
    options = [encoder, texts, "-o", tmp_path, "--steps", 1]
    assert_fails(run(*options), f"{tmp_path}: the folder is not empty", "--force")
    assert run(*options, "--force").exit_code == 0
    assert (tmp_path / "notes.md").read_text() == "keep"
    assert json.loads((tmp_path / "config.json").read_text())["model_type"] == "bert"
    assert not (tmp_path / CHECKPOINTS).exists()


def without_a_layer(encoder: Path, folder: Path) -> Path:
    init_encoder(TEXTS, folder, layers=2, width=16, heads=2, max_length=WINDOW_LENGTH)
    tensors = load_file(folder / "model.safetensors")
    del tensors["encoder.layer.1.output.dense.weight"]
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    return folder


def test_an_encoder_that_lacks_weights_is_refused(
    encoder: Path, texts: Path, tmp_path: Path
) -> None:
    broken = without_a_layer(encoder, tmp_path / "broken")
    message = "lacks 1 of its weights, such as encoder.layer.1.output.dense.weight"
    assert_fails(run(broken, texts, "-o", tmp_path / "output"), message)
    assert not (tmp_path / "output").exists()


def test_an_unknown_encoder_is_named(texts: Path, tmp_path: Path) -> None:
    assert_fails(run("./nowhere", texts, "-o", tmp_path / "output"), "./nowhere", "no such folder")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.txt", "\n \n", "no texts found"),
        ("missing.txt", None, "no such file or folder"),
        (
            "one.txt",
            "前降支",
            "with 1 different text, 'held-out' would be empty",
        ),
        ("unknown.txt", "龘\n龘龘\n龘龘龘", "the encoder has no pieces for this text"),
        ("syntax.jsonl", "{", "line 1, column 2: not JSON"),
        ("number.jsonl", '{"text": 1}', "unsupported file; must be texts"),
        ("tokens.jsonl", '{"text": "a", "tokens": ["b"]}', "must continue with the token"),
        ("table.rtf", "text\n前降支", "unsupported file; must be texts"),
    ],
)
def test_texts_that_cannot_be_used_are_named(
    name: str, content: str | None, message: str, encoder: Path, tmp_path: Path
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_text(content, "utf-8")
    assert_fails(run(encoder, path, "-o", tmp_path / "output", "--held-out", 0.4), message)
    assert not (tmp_path / "output").exists()


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--held-out", "0", "held-out (0) must be a file, or a share above 0 and below 1"),
        ("--held-out", "1", "held-out (1)"),
        ("--held-out", "nan", "held-out (nan)"),
        ("--held-out", "nowhere.txt", "nowhere.txt: no such file"),
        ("--epochs", "0", "epochs (0.0) must be above 0"),
        ("--epochs", "inf", "epochs (inf) must be above 0"),
        ("--learn-rate", "-1", "learn_rate (-1.0) must be above 0"),
        ("--mask-rate", "1", "mask_rate (1.0) must be above 0 and below 1"),
        ("--gpu-id", "99", "there is no GPU 99 that PyTorch can use"),
    ],
)
def test_impossible_values_are_named(
    option: str, value: str, message: str, encoder: Path, texts: Path, tmp_path: Path
) -> None:
    assert_fails(run(encoder, texts, "-o", tmp_path / "output", option, value), message)
    assert not (tmp_path / "output").exists()


def test_an_output_that_is_a_file_is_named(encoder: Path, texts: Path) -> None:
    assert_fails(
        run(encoder, texts, "-o", texts), f"{texts}: the output must be a folder, but is a file"
    )


def test_a_missing_library_is_named(
    texts: Path, encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("spacy_str_encoder.pretraining")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "accelerate", None)
    result = run(encoder, texts, "-o", tmp_path / "output")
    assert_fails(result, "pip install 'spacy_str_encoder[pretrain]'")


def test_help_has_an_example() -> None:
    assert "Example: spacy-str-encoder pretrain" in " ".join(run("--help").stdout.split())
