"""Tokens as formats have them: strings, or offsets that count tokens."""

import unicodedata
from bisect import bisect_left
from collections.abc import Sequence

from .records import EntityRecord, Record, RecordError, check_string

Offsets = list[tuple[int, int]]


def find_tokens(text: str, tokens: Sequence[str]) -> Offsets:
    """Find tokens in their text.

    text (str): The text.
    tokens (Sequence[str]): Its tokens in order, all but white space. Those of white space are
        left out.
    RETURNS (list[tuple[int, int]]): Their character offsets, the ends exclusive.
    RAISES (RecordError): If the text has something else.
    """
    if not isinstance(tokens, list):
        raise RecordError("the tokens are no list")
    offsets, end = [], 0
    for token in tokens:
        check_string("a token", token)
        if token.strip():
            start = text.find(token, end)
            if start < 0 or text[end:start].strip():
                raise RecordError(f"the text does not go on with the token {token!r} at {end}")
            end = start + len(token)
            offsets.append((start, end))
    return offsets


def join_tokens(tokens: Sequence[str]) -> tuple[str, Offsets]:
    """Make a text of tokens, with a space between two of them unless both are in a script that has
    none between words.

    tokens (Sequence[str]): The tokens.
    RETURNS (tuple[str, list[tuple[int, int]]]): The text, and the character offsets of the tokens.
    RAISES (RecordError): If a token is empty.
    """
    text, offsets = "", []
    for token in tokens:
        check_string("a token", token, empty=False)
        if text and not (_is_wide(text[-1]) and _is_wide(token[0])):
            text += " "
        offsets.append((len(text), len(text) + len(token)))
        text += token
    return text, offsets


def _is_wide(character: str) -> bool:
    # Chinese, Japanese, and their punctuation. Korean is wide too, but has spaces.
    wide = unicodedata.east_asian_width(character) in "WF"
    return wide and not unicodedata.name(character, "").startswith("HANGUL")


def token_texts(record: Record) -> list[str]:
    """The tokens of a record.

    record (Record): A record with tokens.
    RETURNS (list[str]): Their texts.
    """
    return [record.text[start:end] for start, end in record.tokens or []]


def token_span(record: Record, entity: EntityRecord) -> tuple[int, int] | None:
    """Where an entity is, in tokens.

    record (Record): A record with tokens.
    entity (EntityRecord): One of its entities.
    RETURNS (tuple[int, int] | None): Its first token, and the one after its last; None if it does
        not align with tokens.
    """
    tokens = record.tokens or []
    first = bisect_left(tokens, entity.start, key=lambda token: token[0])
    last = bisect_left(tokens, entity.end, key=lambda token: token[1])
    aligned = (
        first <= last < len(tokens)
        and tokens[first][0] == entity.start
        and tokens[last][1] == entity.end
    )
    return (first, last + 1) if aligned else None


def character_span(record_tokens: Offsets, start: int, end: int) -> tuple[int, int]:
    """Where a span of tokens is, in characters.

    record_tokens (list[tuple[int, int]]): The character offsets of the tokens.
    start (int): Its first token.
    end (int): The token after its last.
    RETURNS (tuple[int, int]): Its character offsets, the end exclusive.
    RAISES (RecordError): If there are no such tokens.
    """
    if not (type(start) is type(end) is int and 0 <= start < end <= len(record_tokens)):
        raise RecordError(
            f"the tokens {start!r} to {end!r} (exclusive) are not among the {len(record_tokens)} "
            "of the text"
        )
    return record_tokens[start][0], record_tokens[end - 1][1]
