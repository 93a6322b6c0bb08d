"""Rows of the encoder, doc by doc."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import numpy
from spacy_transformers.data_classes import TransformerData, WordpieceBatch
from thinc.types import Ints1d, Ragged
from transformers.utils import ModelOutput

from ..arrays import BoolArray, IntArray
from .packing import batch_rows
from .windows import Windows


@dataclass(frozen=True)
class DocRows:
    """Rows of the docs of a batch. Each doc has as many rows as it has windows, times the length of
    its longest window, so that it can be seen as an array of windows.

    windows (Windows): The windows of the docs.
    """

    windows: Windows

    @cached_property
    def n_windows(self) -> IntArray:
        """RETURNS (IntArray): Number of windows of each doc. *Shape:* (docs,)."""
        return numpy.array(list(map(len, self.windows.spans)), dtype="int64")

    @cached_property
    def lengths(self) -> IntArray:
        """RETURNS (IntArray): Number of pieces of each window. *Shape:* (windows,)."""
        return self.windows.pieces.attention_mask.astype("int64").sum(axis=1)

    @cached_property
    def doc_lengths(self) -> IntArray:
        """RETURNS (IntArray): Number of pieces of the longest window of each doc. *Shape:*
        (docs,).
        """
        longest = numpy.zeros_like(self.n_windows)
        numpy.maximum.at(longest, self._docs, self.lengths)
        return longest

    @property
    def _docs(self) -> IntArray:
        return numpy.repeat(numpy.arange(len(self.n_windows)), self.n_windows)

    @cached_property
    def first_rows(self) -> IntArray:
        """RETURNS (IntArray): First row of each window, and the number of all rows. *Shape:*
        (windows + 1,).
        """
        return numpy.cumsum([0, *self.doc_lengths[self._docs]])

    @cached_property
    def slices(self) -> list[slice]:
        """RETURNS (list[slice]): The rows of each doc."""
        ends = numpy.cumsum(self.n_windows * self.doc_lengths).tolist()
        return [slice(start, end) for start, end in zip([0, *ends], ends, strict=False)]

    @cached_property
    def present(self) -> BoolArray:
        """RETURNS (BoolArray): Mask of the pieces that are not padding. *Shape:* (windows,
        length).
        """
        return numpy.arange(self.windows.pieces.input_ids.shape[1]) < self.lengths[:, None]

    def pieces(self, *, first_position: int) -> IntArray:
        """Lay out the pieces.

        first_position (int): Position of the first piece of a window.
        RETURNS (IntArray): Id, position and type of each row. *Shape:* (3, rows).
        """
        present, wordpieces = self.present, self.windows.pieces
        pieces = numpy.zeros((3, int(self.first_rows[-1])), dtype="int64")
        rows = batch_rows(self.first_rows, present)
        pieces[0, rows] = wordpieces.input_ids[present]
        pieces[1, rows] = first_position + numpy.nonzero(present)[1]
        if wordpieces.token_type_ids is not None:
            pieces[2, rows] = wordpieces.token_type_ids[present]
        return pieces

    @cached_property
    def align(self) -> Ragged:
        """RETURNS (Ragged): The rows of each token."""
        align = self.windows.align
        window, column = numpy.divmod(numpy.asarray(align.dataXd), self.present.shape[1])
        rows = (self.first_rows[window] + column).astype("int32")
        return Ragged(cast(Ints1d, rows), align.lengths)

    def split(self, states: Mapping[str, Any]) -> list[TransformerData]:
        """Split states by doc.

        states (Mapping[str, Floats2d]): The states by name. *Shape:* (rows, width) each.
        RETURNS (list[TransformerData]): The states of each doc.
        """
        return [
            TransformerData(wordpieces, _slice(states, rows, wordpieces), align)
            if len(wordpieces)
            else TransformerData.empty()
            for wordpieces, rows, align in zip(
                self._split_pieces(), self.slices, self._split_align(), strict=True
            )
        ]

    def _split_pieces(self) -> Iterator[WordpieceBatch]:
        pieces, start = self.windows.pieces, 0
        for count, length in zip(self.n_windows.tolist(), self.doc_lengths.tolist(), strict=True):
            part = pieces[start : start + count]
            types = part.token_type_ids
            yield WordpieceBatch(
                [strings[:length] for strings in part.strings],
                part.input_ids[:, :length],
                part.attention_mask[:, :length],
                part.lengths,
                None if types is None else types[:, :length],
            )
            start += count

    def _split_align(self) -> Iterator[Ragged]:
        lengths, rows = self.align.lengths, self.align.dataXd
        first_token = first_piece = 0
        for spans, of_doc in zip(self.windows.spans, self.slices, strict=True):
            end_token = first_token + (len(spans[0].doc) if spans else 0)
            of_tokens = lengths[first_token:end_token]
            end_piece = first_piece + int(of_tokens.sum())
            yield Ragged(rows[first_piece:end_piece] - of_doc.start, of_tokens)
            first_token, first_piece = end_token, end_piece


def _slice(states: Mapping[str, Any], rows: slice, wordpieces: WordpieceBatch) -> ModelOutput:
    shape = wordpieces.input_ids.shape
    return ModelOutput({name: state[rows].reshape((*shape, -1)) for name, state in states.items()})
