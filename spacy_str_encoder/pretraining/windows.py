"""From a text to what the encoder reads at once."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy

from ..arrays import IntArray
from ..formats.annotated_text import AnnotatedText
from ..formats.report import ConversionReport
from .words import NO_WORD, find_given_words, find_own_words


@dataclass(frozen=True)
class Window:
    """Pieces that the encoder reads at once.

    pieces (IntArray): Their ids, with those of `[CLS]` and `[SEP]`. *Shape:* (pieces,).
    words (IntArray): The number of each one's word; -1 if it has none, and is never masked, as
        `[CLS]`, `[SEP]`, `[UNK]` and white space. *Shape:* (pieces,).
    """

    pieces: IntArray
    words: IntArray


def cut_texts(
    texts: Iterable[AnnotatedText], tokenizer: Any, report: ConversionReport, *, length: int
) -> list[Window]:
    """Cut texts into windows, one after the other, so that all of a text is read.

    texts (Iterable[AnnotatedText]): The texts, with their words where they are given.
    tokenizer (PreTrainedTokenizerFast): Makes pieces of them.
    report (ConversionReport): Counts the windows that are left out, since no piece can be masked.
    length (int): Most pieces in a window.
    RETURNS (list[Window]): The windows.
    """
    windows = []
    for annotated in texts:
        for window in _cut_text(annotated, tokenizer, length=length):
            if (window.words != NO_WORD).any():
                windows.append(window)
            else:
                case = repr(annotated.text[:40])
                report.lose("windows without any piece that can be masked", annotated.place, case)
    return windows


def _cut_text(annotated: AnnotatedText, tokenizer: Any, *, length: int) -> Iterator[Window]:
    encoded = tokenizer(
        annotated.text, truncation=True, max_length=length, return_overflowing_tokens=True
    )
    for encoding in encoded.encodings:
        pieces = numpy.array(encoding.ids)
        if annotated.tokens is None:
            numbers = find_own_words(annotated.text, encoding.offsets, encoding.word_ids)
        else:
            numbers = find_given_words(encoding.offsets, annotated.tokens)
        is_special = numpy.isin(pieces, tokenizer.all_special_ids)
        yield Window(pieces, numpy.where(is_special, NO_WORD, numbers))


def count_unknown(windows: Iterable[Window], tokenizer: Any) -> int:
    """Count the pieces that stand for what the encoder has no piece for.

    windows (Iterable[Window]): The windows.
    tokenizer (PreTrainedTokenizerFast): The tokenizer.
    RETURNS (int): How many there are.
    """
    return sum(int((window.pieces == tokenizer.unk_token_id).sum()) for window in windows)
