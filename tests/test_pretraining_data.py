"""Data of pretraining: words, windows, masks, and texts that are held out."""

from dataclasses import replace
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import (
    RobertaConfig,
    RobertaModel,
)

from spacy_str_encoder.encoders import find_window_length
from spacy_str_encoder.formats.annotated_text import AnnotatedText
from spacy_str_encoder.formats.report import ConversionReport
from spacy_str_encoder.init_encoder import build_tokenizer, build_vocabulary
from spacy_str_encoder.pretraining.batches import BATCHES_IN_GROUP, MaskedBatches, batch_by_length
from spacy_str_encoder.pretraining.masking import (
    IGNORED,
    MaskedWindows,
    Masking,
    make_masking,
    mask_once,
)
from spacy_str_encoder.pretraining.texts import hold_out
from spacy_str_encoder.pretraining.windows import Window, cut_texts
from spacy_str_encoder.pretraining.words import find_given_words, find_own_words

Offsets = list[tuple[int, int]]


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
