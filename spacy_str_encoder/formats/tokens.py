"""Tokens as formats have them: strings, or offsets that count tokens."""

import unicodedata
from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise

from .annotated_text import (
    AnnotatedEntity,
    AnnotatedText,
    AnnotationError,
    check_integers,
    check_string,
)
from .entities import MISALIGNED, keep_entities
from .report import ConversionReport

Offsets = list[tuple[int, int]]


def find_tokens(text: str, tokens: Sequence[str]) -> Offsets:
    """Find tokens in their text.

    text (str): The text.
    tokens (Sequence[str]): Its tokens in order. The white space between them may be tokens or not.
    RETURNS (list[tuple[int, int]]): Their character offsets, the ends exclusive.
    RAISES (AnnotationError): If the text has something else.
    """
    if not isinstance(tokens, list):
        raise AnnotationError("the tokens are no list")
    offsets, end = [], 0
    for token in tokens:
        check_string("a token", token)
        start = text.find(token, end)
        if start < 0 or text[end:start].strip():
            raise AnnotationError(f"the text does not go on with the token {token!r} at {end}")
        end = start + len(token)
        offsets.append((start, end))
    return offsets


def join_tokens(tokens: Sequence[str]) -> tuple[str, Offsets]:
    """Make a text of tokens, with a space between two of them unless both are in a script that has
    none between words.

    tokens (Sequence[str]): The tokens.
    RETURNS (tuple[str, list[tuple[int, int]]]): The text, and the character offsets of the tokens.
    RAISES (AnnotationError): If a token is empty.
    """
    if not isinstance(tokens, list):
        raise AnnotationError("the tokens are no list")
    text, offsets = "", []
    for token in tokens:
        check_string("a token", token, empty=False)
        if text and not (is_wide(text[-1]) and is_wide(token[0])):
            text += " "
        offsets.append((len(text), len(text) + len(token)))
        text += token
    return text, offsets


def is_wide(character: str) -> bool:
    """Is this a character of a script that has no spaces between words?

    character (str): One character.
    RETURNS (bool): Whether it is Chinese, Japanese, or their punctuation.
    """
    # Korean is wide too, but has spaces.
    wide = unicodedata.east_asian_width(character) in "WF"
    return wide and not unicodedata.name(character, "").startswith("HANGUL")


def place_tokens(text: str | None, tokens: Sequence[str]) -> tuple[str, Offsets]:
    """Find tokens in their text, or make a text of them if nobody kept it.

    text (str | None): The text.
    tokens (Sequence[str]): Its tokens in order.
    RETURNS (tuple[str, list[tuple[int, int]]]): The text, and the character offsets of all tokens.
    RAISES (AnnotationError): If the text has something else.
    """
    if text is None:
        return join_tokens(tokens)
    check_string("the text", text)
    return text, find_tokens(text, tokens)


def without_white_space(text: str, tokens: Offsets) -> Offsets:
    """Leave out tokens of white space, which texts do not have.

    text (str): The text.
    tokens (list[tuple[int, int]]): The character offsets of its tokens.
    RETURNS (list[tuple[int, int]]): Those of the others.
    """
    return [(start, end) for start, end in tokens if text[start:end].strip()]


def with_white_space(annotated: AnnotatedText) -> Offsets:
    """The tokens of a text as spaCy has them: white space is a token too, but for one space after
    a token.

    text (AnnotatedText): A text with tokens.
    RETURNS (list[tuple[int, int]]): The character offsets of all tokens.
    """
    tokens: Offsets = []
    reached = 0
    for start, end in [*(annotated.tokens or []), (len(annotated.text), len(annotated.text))]:
        if tokens and annotated.text[reached:start].startswith(" "):
            reached += 1
        tokens += [token for token in ((reached, start), (start, end)) if token[0] < token[1]]
        reached = end
    return tokens


def spaces_after(text: str, tokens: Offsets) -> list[bool]:
    """Which tokens have a space after them.

    text (str): The text.
    tokens (list[tuple[int, int]]): The character offsets of all its tokens, as spaCy has them.
    RETURNS (list[bool]): Whether there is a space, for each token.
    """
    end_of_text = (len(text), len(text))
    return [end < start for (_, end), (start, _) in pairwise([*tokens, end_of_text])]


def token_texts(annotated: AnnotatedText) -> list[str]:
    """The tokens of a text.

    text (AnnotatedText): A text with tokens.
    RETURNS (list[str]): Their texts.
    """
    return [annotated.text[start:end] for start, end in annotated.tokens or []]


def token_span(annotated: AnnotatedText, entity: AnnotatedEntity) -> tuple[int, int] | None:
    """Where an entity is, in tokens.

    text (AnnotatedText): A text with tokens.
    entity (AnnotatedEntity): One of its entities.
    RETURNS (tuple[int, int] | None): Its first token, and the one after its last; None if it does
        not align with tokens.
    """
    tokens = annotated.tokens or []
    first = bisect_left(tokens, entity.start, key=lambda token: token[0])
    last = bisect_left(tokens, entity.end, key=lambda token: token[1])
    aligned = (
        first <= last < len(tokens)
        and tokens[first][0] == entity.start
        and tokens[last][1] == entity.end
    )
    return (first, last + 1) if aligned else None


def align_entities(
    annotated: AnnotatedText, report: ConversionReport
) -> tuple[AnnotatedText, Offsets]:
    """Find out where entities are, in tokens, and leave out those that do not align with tokens.

    text (AnnotatedText): A text with tokens.
    report (ConversionReport): Counts what is left out: entities, and relations that connect such.
    RETURNS (tuple[AnnotatedText, list[tuple[int, int]]]): A text of the others; for each of its
        entities its first token, and the one after its last.
    """
    spans = {}
    for i, entity in enumerate(annotated.entities):
        if span := token_span(annotated, entity):
            spans[i] = span
    return keep_entities(annotated, spans.keys(), MISALIGNED, report), list(spans.values())


def character_span(record_tokens: Offsets, start: int, end: int) -> tuple[int, int]:
    """Where a span of tokens is, in characters.

    record_tokens (list[tuple[int, int]]): The character offsets of the tokens.
    start (int): Its first token.
    end (int): The token after its last.
    RETURNS (tuple[int, int]): Its character offsets, the end exclusive.
    RAISES (AnnotationError): If there are no such tokens.
    """
    if not (type(start) is type(end) is int and 0 <= start < end <= len(record_tokens)):
        raise AnnotationError(
            f"the tokens {start!r} to {end!r} (exclusive) are not among the {len(record_tokens)} "
            "of the text"
        )
    return record_tokens[start][0], record_tokens[end - 1][1]


def inclusive_span(record_tokens: Offsets, first: int, last: int) -> tuple[int, int]:
    """Where a span of tokens is, in characters.

    record_tokens (list[tuple[int, int]]): The character offsets of the tokens.
    first (int): Its first token.
    last (int): Its last token.
    RETURNS (tuple[int, int]): Its character offsets, the end exclusive.
    RAISES (AnnotationError): If there are no such tokens.
    """
    check_integers("the tokens of a span", first, last)
    return character_span(record_tokens, first, last + 1)
