"""Alignment of tokens with pieces. NumPy only, no loop over tokens."""

from itertools import chain
from typing import cast

import numpy
from spacy.tokens import Doc, Span
from thinc.types import Ints1d, Ragged

from ..arrays import IntArray
from .packing import ranges


def align_pieces(docs: list[Doc], spans: list[list[Span]], offsets: IntArray) -> Ragged:
    """Find the pieces of each token: those that share a character with it or with the space after
    it. The result is that of `get_alignment_via_offset_mapping` of `spacy-transformers`.

    docs (list[Doc]): The docs.
    spans (list[list[Span]]): The windows of each doc.
    offsets (IntArray): Start and end character of each piece in its window; equal if the piece has
        no characters. *Shape:* (windows, length, 2).
    RETURNS (Ragged): The pieces of each token, as indices of the pieces of all windows.
    """
    windows = list(chain.from_iterable(spans))
    # With the space after the last token of each window.
    origins = numpy.cumsum([0, *(span.end_char - span.start_char + 1 for span in windows)])[:-1]
    tokens, token_starts = _lay_out_tokens(docs, spans, origins)
    start, end = (offsets + origins[:, None, None]).reshape(-1, 2).T
    first, last = numpy.searchsorted(token_starts, [start, end - 1], "right") - 1
    pieces, places = ranges(first, numpy.where(start < end, last - first + 1, 0))
    order = numpy.argsort(tokens[places], kind="stable")
    lengths = numpy.bincount(tokens[places], minlength=sum(map(len, docs)))
    return Ragged(*(cast(Ints1d, part.astype("int32")) for part in (pieces[order], lengths)))


def _lay_out_tokens(
    docs: list[Doc], spans: list[list[Span]], origins: IntArray
) -> tuple[IntArray, IntArray]:
    """Lay the tokens of all windows end to end.

    origins (IntArray): First character of each window, with the texts of all windows end to end.
        *Shape:* (windows,).
    RETURNS (tuple[IntArray, IntArray]): Each token, as an index of the tokens of all docs, and its
        first character. *Shape:* (tokens of windows,) each.
    """
    before = numpy.cumsum([0, *map(len, docs)])[:-1]
    owned = [(n, span) for n, own in zip(before, spans, strict=True) for span in own]
    first, counts = numpy.array([(n + span.start, len(span)) for n, span in owned]).T
    characters = numpy.concatenate([doc.to_array("IDX") for doc in docs]).astype("int64")
    window, tokens = ranges(first, counts)
    return tokens, characters[tokens] + (origins - characters[first])[window]
