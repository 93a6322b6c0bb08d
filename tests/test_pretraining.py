"""Pretraining: what is read, what is masked, and what comes of it."""

import json
import math
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from transformers import (
    AutoModelForMaskedLM,
    AutoTokenizer,
    BertForMaskedLM,
    RobertaConfig,
    RobertaModel,
)
from typer.testing import CliRunner, Result

from spacy_str_encoder.cli import app
from spacy_str_encoder.encoders import find_window_length, load_encoder
from spacy_str_encoder.formats.annotated_text import AnnotatedText
from spacy_str_encoder.formats.raw_texts import read_raw_texts
from spacy_str_encoder.formats.report import ConversionReport
from spacy_str_encoder.init_encoder import build_tokenizer, build_vocabulary, init_encoder
from spacy_str_encoder.pretraining import Settings, Summary, pretrain
from spacy_str_encoder.pretraining.batches import BATCHES_IN_GROUP, MaskedBatches, batch_by_length
from spacy_str_encoder.pretraining.checkpoints import CHECKPOINTS, WHOLE, find_last_step
from spacy_str_encoder.pretraining.masking import (
    IGNORED,
    MaskedWindows,
    Masking,
    make_masking,
    mask_once,
)
from spacy_str_encoder.pretraining.model import load_masked_model
from spacy_str_encoder.pretraining.run import HELD_OUT_RATE, HELD_OUT_SEED, METRICS
from spacy_str_encoder.pretraining.texts import hold_out
from spacy_str_encoder.pretraining.training import train as train_model
from spacy_str_encoder.pretraining.windows import Window, cut_texts
from spacy_str_encoder.pretraining.words import find_given_words, find_own_words

Offsets = list[tuple[int, int]]
# Each vessel has a stretch and a finding of its own, so that one tells the others.
FINDINGS = [("前降支", "近段", "狭窄"), ("回旋支", "远段", "通畅"), ("右冠脉", "中段", "闭塞")]
TEXTS = [f"{v}{p}{f}，TIMI{i}级。" for i in range(10) for v, p, f in FINDINGS]
SETTINGS = Settings(steps=12, batch_size=4, learn_rate=1e-2, save_every=4)
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
    encoder: Path, texts: Path, output: Path, settings: Settings = SETTINGS, **options: Any
) -> Summary:
    report = ConversionReport()
    return pretrain(
        str(encoder), [texts], output, settings, report, **{"held_out": "0.2", **options}
    )


def weights(folder: Path) -> bytes:
    return (folder / "model.safetensors").read_bytes()


# Words


@st.composite
def cut_text(draw: st.DrawFn) -> tuple[int, Offsets]:
    """A length, and the offsets of what a text of that length is cut into, less some."""
    length = draw(st.integers(1, 12))
    cuts = sorted({0, length, *draw(st.lists(st.integers(0, length)))})
    spans = list(pairwise(cuts))
    return length, [span for span in spans if draw(st.booleans())]


@given(cut_text(), cut_text())
def test_pieces_belong_together_if_words_connect_them(
    pieces_of: tuple[int, Offsets], words_of: tuple[int, Offsets]
) -> None:
    pieces, words = pieces_of[1], words_of[1]
    touched = [{i for i, word in enumerate(words) if overlap(piece, word)} for piece in pieces]
    numbers = find_given_words(pieces, words)
    groups = [set(each) for each in touched]
    for _ in pieces:
        for first in groups:
            for second in groups:
                if first & second:
                    first |= second
                    second |= first
    for i, first in enumerate(groups):
        assert (numbers[i] == -1) == (not first)
        for j, second in enumerate(groups):
            if first and second:
                assert (numbers[i] == numbers[j]) == bool(first & second)


def overlap(first: tuple[int, int], second: tuple[int, int]) -> bool:
    return max(first[0], second[0]) < min(first[1], second[1])


def own_words(text: str) -> list[list[str]]:
    """The pieces of each word of the tokenizer."""
    tokenizer = build_tokenizer(build_vocabulary([text]), max_length=64)
    [window] = cut(tokenizer, AnnotatedText(text, [], []), length=64)
    pieces = tokenizer.convert_ids_to_tokens(window.pieces.tolist())
    numbers = window.words.tolist()
    return [
        [piece for piece, other in zip(pieces, numbers, strict=True) if other == number]
        for number in sorted(set(numbers) - {-1})
    ]


def cut(tokenizer: Any, record: AnnotatedText, *, length: int) -> list[Window]:
    return cut_texts([record], tokenizer, ConversionReport(), length=length)


def test_words_of_the_tokenizer_are_used_where_none_are_given() -> None:
    assert own_words("LAD 30%") == [["L", "##A", "##D"], ["3", "##0"], ["%"]]
    assert own_words("近段LAD") == [["近"], ["段"], ["L", "##A", "##D"]]


def test_a_sentence_without_spaces_is_no_word() -> None:
    # As SentencePiece cuts, and numbers words: one of [CLS], three of the sentence, one after it.
    text = "前降支50狭窄ab cd"
    pieces = [(0, 0), (0, 3), (3, 4), (4, 5), (5, 7), (7, 8), (8, 9), (9, 10), (10, 12)]
    numbers = find_own_words(text, pieces, [None, *[0] * 6, 1, 1])
    assert numbers == [-1, 1, 2, 2, 3, 4, 4, -1, 6]


def test_given_words_are_masked_whole_in_chinese() -> None:
    text = "前降支近段狭窄"
    tokenizer = build_tokenizer(build_vocabulary([text]), max_length=64)
    [window] = cut(
        tokenizer, AnnotatedText(text, [], [], tokens=[(0, 3), (3, 5), (5, 7)]), length=64
    )
    assert window.words.tolist() == [-1, 0, 0, 0, 1, 1, 2, 2, -1]


# Windows


@given(st.text(st.sampled_from("前降支ABé𠀀\x00 \u0301[]MASK"), max_size=60), st.integers(3, 9))
def test_windows_hold_all_pieces_of_a_text_once(text: str, length: int) -> None:
    tokenizer = build_tokenizer(build_vocabulary(["前降支ABMSK"]), max_length=64)
    windows = cut(tokenizer, AnnotatedText(text + "前", [], []), length=length)
    assert all(len(window.pieces) == len(window.words) <= length for window in windows)
    found = [piece for window in windows for piece in window.pieces[1:-1].tolist()]
    unknown = tokenizer.unk_token_id
    pieces = tokenizer(text + "前", add_special_tokens=False)["input_ids"]
    assert [piece for piece in found if piece != unknown] == [
        piece for piece in pieces if piece != unknown
    ]


def test_special_and_unknown_pieces_have_no_word() -> None:
    tokenizer = build_tokenizer(build_vocabulary(["前"]), max_length=64)
    [window] = cut(tokenizer, AnnotatedText("前龘前", [], [], tokens=[(0, 3)]), length=64)
    assert window.words.tolist() == [-1, 0, -1, 0, -1]


def test_windows_that_cannot_be_masked_are_counted() -> None:
    tokenizer = build_tokenizer(build_vocabulary([]), max_length=64)
    report = ConversionReport()
    windows = cut_texts([AnnotatedText("龘", [], [])], tokenizer, report, length=64)
    assert windows == []
    assert report.losses == {"windows without maskable pieces": 1}


def test_the_longest_window_fits_the_positions_of_roberta() -> None:
    config = RobertaConfig(
        vocab_size=9,
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=1,
        intermediate_size=8,
        max_position_embeddings=20,
    )
    tokenizer = build_tokenizer(build_vocabulary([]), max_length=1000)
    length = find_window_length(tokenizer, config)
    model = RobertaModel(config)
    model(torch.full((1, length), 5))
    with pytest.raises((IndexError, RuntimeError)):
        model(torch.full((1, length + 1), 5))


# Masks


def make_window(lengths: list[int]) -> Window:
    """A window with words of so many pieces, between `[CLS]` and `[SEP]`."""
    words = [number for number, length in enumerate(lengths) for _ in range(length)]
    return Window(numpy.array([2, *range(10, 10 + len(words)), 3]), numpy.array([-1, *words, -1]))


MASKING = Masking(mask_piece=4, ordinary_pieces=numpy.arange(100, 200), rate=0.15)


@given(st.lists(st.integers(1, 5), min_size=1, max_size=20), st.integers(0, 1000))
def test_all_pieces_of_a_word_are_masked_or_none(lengths: list[int], seed: int) -> None:
    window = make_window(lengths)
    example = MASKING.mask(window, numpy.random.default_rng(seed))
    pieces, inputs, labels = window.pieces.tolist(), example["input_ids"], example["labels"]
    hidden = [label != IGNORED for label in labels]
    for number in range(len(lengths)):
        assert len({h for h, word in zip(hidden, window.words, strict=True) if word == number}) == 1
    assert any(hidden) and not hidden[0] and not hidden[-1]
    for piece, put, label in zip(pieces, inputs, labels, strict=True):
        assert label in (piece, IGNORED)
        assert put == piece or label == piece


def test_the_share_of_masked_pieces_and_what_becomes_of_them() -> None:
    window = make_window([1, 2, 3] * 60)
    examples = mask_once([window] * 500, MASKING, seed=0)
    pieces = [piece for _ in examples for piece in window.pieces.tolist()]
    inputs = [piece for example in examples for piece in example["input_ids"]]
    labels = [label for example in examples for label in example["labels"]]
    hidden = [
        (piece, put)
        for piece, put, label in zip(pieces, inputs, labels, strict=True)
        if label != IGNORED
    ]
    assert len(hidden) / len(pieces) == pytest.approx(0.15, abs=0.005)
    shares = [put == 4 for _, put in hidden], [put >= 100 and put != piece for piece, put in hidden]
    masked, replaced = (sum(share) / len(hidden) for share in shares)
    kept = sum(piece == put for piece, put in hidden) / len(hidden)
    assert masked == pytest.approx(0.8, abs=0.01)
    # Pieces of 100 to 199 are in the window too: a random piece may be the piece itself.
    assert replaced == pytest.approx(0.1, abs=0.01)
    assert kept == pytest.approx(0.1, abs=0.01)


def test_every_window_has_something_to_guess() -> None:
    for example in mask_once([make_window([1])] * 50, replace(MASKING, rate=1e-9), seed=0):
        assert example["labels"] == [IGNORED, 10, IGNORED]


def test_random_pieces_are_ordinary_ones() -> None:
    tokenizer = build_tokenizer(build_vocabulary(["前"]), max_length=64)
    masking = make_masking(tokenizer, rate=0.9)
    assert masking.mask_piece == tokenizer.mask_token_id
    assert set(masking.ordinary_pieces.tolist()) | set(tokenizer.all_special_ids) == set(
        range(len(tokenizer))
    )
    assert set(masking.ordinary_pieces.tolist()).isdisjoint(tokenizer.all_special_ids)


def test_masks_change_from_epoch_to_epoch_and_with_nothing_else() -> None:
    windows = [make_window([1] * 20)] * 3
    masked = MaskedWindows(windows, MASKING, seed=0)
    first = [masked[i] for i in range(3)]
    assert first[0] != first[1]
    masked.set_epoch(1)
    assert [masked[i] for i in range(3)] != first
    masked.set_epoch(0)
    assert [masked[i] for i in (2, 1, 0)] == first[::-1]
    assert [MaskedWindows(windows, MASKING, seed=1)[i] for i in range(3)] != first


@given(st.lists(st.integers(3, 30), min_size=1, max_size=300), st.integers(1, 3))
def test_batches_have_every_window_once_beside_its_like(lengths: list[int], size: int) -> None:
    windows = [make_window([1] * (length - 2)) for length in lengths]
    batches = MaskedBatches(MaskedWindows(windows, MASKING, seed=0), size=size, seed=0)
    for epoch in range(2):
        batches.set_epoch(epoch)
        found = [[len(each["input_ids"]) for each in batches[i]] for i in range(len(batches))]
        assert sorted(chain(*found)) == sorted(lengths)
        assert sorted(map(len, found))[1:] == [size] * (len(found) - 1)
        for start in range(0, len(found), BATCHES_IN_GROUP):
            group = list(chain(*found[start : start + BATCHES_IN_GROUP]))
            assert group == sorted(group)


def test_batches_change_from_epoch_to_epoch_and_with_the_seed() -> None:
    windows = MaskedWindows([make_window([1] * n) for n in range(1, 500)], MASKING, seed=0)

    def draw(*, seed: int, epoch: int) -> list[list[int]]:
        batches = MaskedBatches(windows, size=4, seed=seed)
        batches.set_epoch(epoch)
        return [[len(each["input_ids"]) for each in batches[i]] for i in range(len(batches))]

    first = draw(seed=0, epoch=0)
    assert draw(seed=0, epoch=0) == first
    assert draw(seed=0, epoch=1) != first != draw(seed=1, epoch=0)


def test_held_out_windows_are_batched_by_length() -> None:
    examples = [{"input_ids": [1] * n, "labels": [1] * n} for n in (3, 1, 2, 5, 4)]
    batches = batch_by_length(examples, size=2)
    assert [[len(each["labels"]) for each in batch] for batch in batches] == [[1, 2], [3, 4], [5]]


# Texts


def test_a_share_of_the_texts_is_held_out() -> None:
    records = [AnnotatedText(str(i // 2), [], []) for i in range(100)]
    kept, held_out = hold_out(records, "0.2", seed=0, report=ConversionReport())
    assert len(held_out) == 20 and len(kept) == 80
    assert {r.text for r in kept}.isdisjoint(r.text for r in held_out)
    assert hold_out(records, "0.2", seed=1, report=ConversionReport())[1] != held_out


def test_texts_of_a_held_out_file_are_not_trained_on(tmp_path: Path) -> None:
    (tmp_path / "test.txt").write_text("a\nb", "utf-8")
    records = [AnnotatedText(text, [], []) for text in "abc"]
    report = ConversionReport()
    kept, held_out = hold_out(records, str(tmp_path / "test.txt"), seed=0, report=report)
    assert [r.text for r in kept] == ["c"]
    assert [r.text for r in held_out] == ["a", "b"]
    assert report.losses == {"texts that are also held out": 2}


# Training


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
    windows = [make_window([1, 2, 1])] * 4
    masked = MaskedWindows(windows, make_masking(model.tokenizer, rate=0.15), seed=0)
    settings = Settings(epochs=3, batch_size=4)
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


# The command


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
    assert "left out: 1 blank texts" in printed
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
            "there are 1 different texts, and 'held-out' would be empty",
        ),
        ("unknown.txt", "龘\n龘龘\n龘龘龘", "the encoder has no pieces for this text"),
        ("syntax.jsonl", "{", "line 1, column 2: not JSON"),
        ("number.jsonl", '{"text": 1}', "unsupported file; must be texts"),
        ("tokens.jsonl", '{"text": "a", "tokens": ["b"]}', "must continue with the token"),
        ("table.csv", "text\n前降支", "unsupported file; must be texts"),
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
        ("--gpu-id", "99", "PyTorch can't find GPU 99"),
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
