"""Cut docs into windows that fit into an encoder."""

import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, compress, islice
from operator import attrgetter
from typing import Any
from unicodedata import category

import numpy
from spacy.tokens import Doc, Span
from spacy_transformers.data_classes import WordpieceBatch
from spacy_transformers.truncate import truncate_oversize_splits
from thinc.types import Ragged
from tokenizers import Encoding
from transformers import BatchEncoding

from ..arrays import BoolArray, IntArray
from ..doc.plurals import count_noun
from .alignment import align_pieces

SpanGetter = Callable[[Iterable[Doc]], list[list[Span]]]
# Parts of a window overlap by this share of the pieces that fit, as windows of 256 tokens with a
# stride of 192 do.
OVERLAP = 0.25
# Categories of characters that nobody sees: white space, control characters, zero width spaces.
INVISIBLE = {"Cc", "Cf", "Cn", "Cs", "Zl", "Zp", "Zs"}
# Marks that nobody sees: variation selectors, as in emoji, and the combining grapheme joiner.
INVISIBLE_MARKS = {"\u034f", *map(chr, range(0xFE00, 0xFE10)), *map(chr, range(0xE0100, 0xE01F0))}
# transformers would warn that a long text can't be read. It is split.
LENGTH_WARNING = "sequence-length-is-longer-than-the-specified-maximum"


@dataclass(frozen=True)
class Windows:
    """Windows of docs, in pieces.

    spans (list[list[Span]]): The windows of each doc.
    pieces (WordpieceBatch): The pieces of each window.
    align (Ragged): The pieces of each token, as indices of the pieces of all windows.
    """

    spans: list[list[Span]]
    pieces: WordpieceBatch
    align: Ragged


def cut_docs(docs: list[Doc], get_spans: SpanGetter, tokenizer: Any) -> Windows:
    """Cut docs into windows. One with more pieces than the encoder can read is split.

    If a single token has more pieces, its first ones are kept. A warning reports such tokens, and
    visible ones that the tokenizer drops.

    docs (list[Doc]): The docs.
    get_spans (SpanGetter): Function that cuts docs into windows.
    tokenizer (PreTrainedTokenizerFast): The tokenizer of the encoder.
    RETURNS (Windows): The windows.
    RAISES (ValueError): If a token is in no window, or the stride is 0.
    """
    tokenizer.deprecation_warnings[LENGTH_WARNING] = True
    spans = nonempty_spans(docs, get_spans)
    encoded = _tokenize(spans, tokenizer)
    while numpy.any(_can_be_split(spans) & _is_too_long(encoded, tokenizer)):
        spans = _split_spans(spans, encoded, tokenizer)
        encoded = _tokenize(spans, tokenizer)
    pieces = _make_pieces(encoded, tokenizer)
    # Faster than `return_offsets_mapping`.
    offsets = numpy.array([encoding.offsets for encoding in encoded.encodings])
    align = align_pieces(docs, spans, offsets)
    # Checked here, since it takes long even where nothing is too long.
    if pieces.input_ids.shape[1] > tokenizer.model_max_length:
        pieces, align = truncate_oversize_splits(pieces, align, tokenizer.model_max_length)
    _report_cut_tokens(spans, encoded, tokenizer)
    _report_dropped_tokens(docs, align)
    return Windows(spans, pieces, align)


def nonempty_spans(docs: list[Doc], get_spans: SpanGetter) -> list[list[Span]]:
    """Cut docs into windows, in text order. Those without tokens are removed, since
    `spacy-transformers` would mistake them for rows of the next doc.

    docs (list[Doc]): The docs.
    get_spans (SpanGetter): Function that cuts docs into windows.
    RETURNS (list[list[Span]]): The windows of each doc.
    RAISES (ValueError): If a token is in no window, or the stride is 0.
    """
    try:
        windows = [sorted(filter(len, spans), key=attrgetter("start")) for spans in get_spans(docs)]
    except ZeroDivisionError:
        raise ValueError(
            "The stride of the windows (get_spans) must be at least 1, got 0."
        ) from None
    for doc, doc_windows in zip(docs, windows, strict=True):
        token = _first_left_out(doc_windows)
        if token < len(doc):
            raise ValueError(LEAVES_OUT.format(tokens=count_noun(len(doc), "token"), token=token))
    return windows


LEAVES_OUT = (
    "Every token must be in a window (get_spans), but in a doc of {tokens}, token {token} is "
    "not. With strided windows, use a stride that is no larger than the window."
)


def _first_left_out(windows: list[Span]) -> int:
    """RETURNS (int): The first token that is in no window; if none, the end of the last window."""
    end = 0
    for window in windows:
        if window.start > end:
            break
        end = max(end, window.end)
    return end


def _flatten(spans: Iterable[Iterable[Span]]) -> list[Span]:
    return list(chain.from_iterable(spans))


def _tokenize(spans: list[list[Span]], tokenizer: Any) -> BatchEncoding:
    texts = [span.text for span in _flatten(spans)]
    return tokenizer(texts, padding="longest", return_attention_mask=True, return_tensors="np")


def _make_pieces(encoded: BatchEncoding, tokenizer: Any) -> WordpieceBatch:
    ids, index = numpy.unique(encoded["input_ids"], return_inverse=True)
    # Each string is looked up once, in place of once for each piece.
    strings = numpy.array(tokenizer.convert_ids_to_tokens(ids.tolist()), dtype="object")
    encoded["input_texts"] = strings[index.reshape(encoded["input_ids"].shape)].tolist()
    encoded["pad_token"] = tokenizer.pad_token
    return WordpieceBatch.from_batch_encoding(encoded)


def _is_too_long(encoded: BatchEncoding, tokenizer: Any) -> BoolArray:
    """RETURNS (BoolArray): Whether each window has more pieces than fit. *Shape:* (windows,)."""
    return encoded["attention_mask"].sum(axis=1) > tokenizer.model_max_length


def _can_be_split(spans: list[list[Span]]) -> BoolArray:
    """RETURNS (BoolArray): Whether each window has several tokens. *Shape:* (windows,)."""
    return numpy.array([len(span) > 1 for span in _flatten(spans)])


def _split_spans(
    spans: list[list[Span]], encoded: BatchEncoding, tokenizer: Any
) -> list[list[Span]]:
    room = tokenizer.model_max_length - tokenizer.num_special_tokens_to_add()
    is_split = _can_be_split(spans) & _is_too_long(encoded, tokenizer)
    windows = zip(_flatten(spans), encoded.encodings, is_split, strict=True)
    parts = (
        _split_span(span, encoding, room) if must_split else [span]
        for span, encoding, must_split in windows
    )
    return [_flatten(islice(parts, len(doc_spans))) for doc_spans in spans]


def _split_span(span: Span, encoding: Encoding, room: int) -> Iterator[Span]:
    """Split a window into parts whose pieces fit, as far as pieces stay the same. Each part has a
    token that the one before lacks.
    """
    first = _first_pieces(span, encoding)
    start = end = 0
    while end < len(span):
        end = max(start + 1, int(numpy.searchsorted(first, first[start] + room, "right")) - 1)
        yield span[start:end]
        following = first[min(end + 1, len(span))]
        earliest = max(first[end] - int(OVERLAP * room), following - room)
        start = min(end, int(numpy.searchsorted(first, earliest)))


def _first_pieces(span: Span, encoding: Encoding) -> IntArray:
    """RETURNS (IntArray): Number of pieces before each token, and before the end of the window.
    *Shape:* (tokens + 1,).
    """
    is_special = numpy.array(encoding.special_tokens_mask) > 0
    last_character = numpy.array(encoding.offsets)[~is_special, 1] - 1
    token_starts = [token.idx - span.start_char for token in span]
    tokens = numpy.searchsorted(token_starts, last_character, "right") - 1
    return numpy.searchsorted(numpy.maximum.accumulate(tokens), numpy.arange(len(span) + 1))


def _report_cut_tokens(spans: list[list[Span]], encoded: BatchEncoding, tokenizer: Any) -> None:
    for span in compress(_flatten(spans), _is_too_long(encoded, tokenizer)):
        place = {
            "token": span.start,
            "tokens": count_noun(len(span.doc), "token"),
            "characters": len(span.text),
        }
        warnings.warn(TOO_LONG.format(**place), stacklevel=2)


def _report_dropped_tokens(docs: list[Doc], align: Ragged) -> None:
    ends = numpy.cumsum([len(doc) for doc in docs])
    positions = numpy.flatnonzero(align.lengths == 0)
    owners = numpy.searchsorted(ends, positions, "right")
    places = zip(owners, positions - ends[owners], strict=True)
    texts = {docs[owner][position].text for owner, position in places}
    for text in sorted(filter(is_visible, texts)):
        characters = " ".join(f"U+{ord(character):04X}" for character in text)
        warnings.warn(DROPPED.format(characters=characters), stacklevel=2)


def is_visible(text: str) -> bool:
    """RETURNS (bool): Whether a text has a character that somebody can see."""
    # A quick answer for nearly all texts.
    if text.isprintable() and not text.isspace():
        return not INVISIBLE_MARKS.issuperset(text)
    return any(
        category(character) not in INVISIBLE and character not in INVISIBLE_MARKS
        for character in text
    )


TOO_LONG = (
    "Token {token} in a doc of {tokens} has {characters:,} characters: more pieces than the "
    "encoder can read at once, so only the first ones are read. If it is not language, such as an "
    "encoded picture, remove it from the text."
)
# The same for all docs, so that Python shows it once.
DROPPED = (
    "The tokenizer of the encoder drops these characters, so the encoder does not see tokens of "
    "them: {characters}. If they matter, choose another encoder."
)
