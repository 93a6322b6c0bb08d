"""Cut texts into windows, the pieces that the encoder reads at once."""

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

    pieces (IntArray): The ids of the pieces, including `[CLS]` and `[SEP]`. *Shape:* (pieces,).
    words (IntArray): The number of each piece's word, or -1 for pieces that are never masked:
        `[CLS]`, `[SEP]`, `[UNK]` and whitespace. *Shape:* (pieces,).
    """

    pieces: IntArray
    words: IntArray


def cut_texts(
    texts: Iterable[AnnotatedText], tokenizer: Any, report: ConversionReport, *, length: int
) -> list[Window]:
    """Cut texts into consecutive windows that cover all of a text.

    texts (Iterable[AnnotatedText]): The texts, with or without tokens.
    tokenizer (PreTrainedTokenizerFast): The tokenizer of the encoder.
    report (ConversionReport): The report, to count windows that are left out since none of their
        pieces can be masked.
    length (int): The maximum number of pieces in a window.
    RETURNS (list[Window]): The windows.
    """
    windows = []
    for annotated in texts:
        for window in _cut_text(annotated, tokenizer, length=length):
            if (window.words != NO_WORD).any():
                windows.append(window)
            else:
                case = repr(annotated.text[:40])
                report.lose_other("windows without maskable pieces", annotated.place, case)
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
    """Count the pieces that are unknown to the encoder.

    windows (Iterable[Window]): The windows.
    tokenizer (PreTrainedTokenizerFast): The tokenizer.
    RETURNS (int): The number of unknown pieces.
    """
    return sum(int((window.pieces == tokenizer.unk_token_id).sum()) for window in windows)
