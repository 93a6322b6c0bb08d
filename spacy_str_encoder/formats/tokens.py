"""Tokens of formats: strings, and offsets that count tokens."""

import unicodedata
from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise

from ..doc.plurals import count_noun
from .annotated_text import (
    AnnotatedEntity,
    AnnotatedText,
    AnnotationError,
    check_annotations,
    check_integers,
    check_string,
)
from .entities import MISALIGNED, keep_entities
from .report import ConversionReport

Offsets = list[tuple[int, int]]


def find_tokens(text: str, tokens: Sequence[str]) -> Offsets:
    """Find the positions of tokens in their text.

    text (str): The text.
    tokens (Sequence[str]): The tokens in order. Whitespace tokens are optional.
    RETURNS (list[tuple[int, int]]): The character offsets of the tokens (exclusive ends).
    RAISES (AnnotationError): If the tokens do not match the text.
    """
    offsets, end = [], 0
    for token in tokens:
        start = text.find(token, end)
        if start < 0 or text[end:start].strip():
            raise AnnotationError(f"the text must continue with the token {token!r} at {end}")
        end = start + len(token)
        offsets.append((start, end))
    return offsets


def join_tokens(tokens: Sequence[str]) -> tuple[str, Offsets]:
    """Join tokens to a text, with spaces between tokens unless both are in a script that does not
    separate words.

    tokens (Sequence[str]): The tokens.
    RETURNS (tuple[str, list[tuple[int, int]]]): The text, and the character offsets of the tokens.
    RAISES (AnnotationError): If a token is empty.
    """
    text, offsets = "", []
    for token in tokens:
        check_string("a token", token, empty=False)
        if text and not (is_wide(text[-1]) and is_wide(token[0])):
            text += " "
        offsets.append((len(text), len(text) + len(token)))
        text += token
    return text, offsets


def is_wide(character: str) -> bool:
    """Check if a character belongs to a script without spaces between words.

    character (str): One character.
    RETURNS (bool): Whether it is Chinese or Japanese, or their punctuation.
    """
    # Korean characters are wide too, but Korean has spaces.
    wide = unicodedata.east_asian_width(character) in "WF"
    return wide and not unicodedata.name(character, "").startswith("HANGUL")


def place_tokens(text: str | None, tokens: Sequence[str]) -> tuple[str, Offsets]:
    """Find the positions of tokens in their text, or join them if there is no text.

    text (str | None): The text.
    tokens (Sequence[str]): The tokens in order.
    RETURNS (tuple[str, list[tuple[int, int]]]): The text, and the character offsets of all tokens.
    RAISES (AnnotationError): If the tokens do not match the text.
    """
    if text is None:
        return join_tokens(tokens)
    check_string("the text", text)
    return text, find_tokens(text, tokens)


def without_white_space(text: str, tokens: Offsets) -> Offsets:
    """Remove whitespace tokens, as annotated texts have none.

    text (str): The text.
    tokens (list[tuple[int, int]]): The character offsets of the tokens.
    RETURNS (list[tuple[int, int]]): The character offsets of the other tokens.
    """
    return [(start, end) for start, end in tokens if text[start:end].strip()]


def covering_tokens(
    text: str, tokens: Offsets, place: str, report: ConversionReport
) -> Offsets | None:
    """Get the tokens of a document if they cover its text.

    text (str): The text.
    tokens (list[tuple[int, int]]): The character offsets of the tokens.
    place (str): The location of the document.
    report (ConversionReport): The report, to count a document that is read without tokens.
    RETURNS (list[tuple[int, int]] | None): The tokens, None if some text is outside of them.
    """
    try:
        check_annotations(AnnotatedText(text, [], [], tokens))
    except AnnotationError as error:
        reason = "documents read without their tokens, which do not cover the text"
        report.choose(reason, place, str(error))
        return None
    return tokens


def with_white_space(annotated: AnnotatedText) -> Offsets:
    """Get the tokens of a text as in spaCy, where whitespace is a token too, except for a single
    space after a token.

    annotated (AnnotatedText): A text with tokens.
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
    """Check which tokens are followed by a space.

    text (str): The text.
    tokens (list[tuple[int, int]]): The character offsets of all tokens, as in spaCy.
    RETURNS (list[bool]): Whether a space follows, for each token.
    """
    end_of_text = (len(text), len(text))
    return [end < start for (_, end), (start, _) in pairwise([*tokens, end_of_text])]


def token_texts(annotated: AnnotatedText) -> list[str]:
    """Get the tokens of a text as strings.

    annotated (AnnotatedText): A text with tokens.
    RETURNS (list[str]): The tokens.
    """
    return [annotated.text[start:end] for start, end in annotated.tokens or []]


def token_span(annotated: AnnotatedText, entity: AnnotatedEntity) -> tuple[int, int] | None:
    """Get the tokens of an entity.

    annotated (AnnotatedText): A text with tokens.
    entity (AnnotatedEntity): One of its entities.
    RETURNS (tuple[int, int] | None): The first token and the one after the last. None if the entity
        does not align with tokens.
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
    """Get the tokens of all entities, and remove entities that do not align with tokens.

    annotated (AnnotatedText): A text with tokens.
    report (ConversionReport): The report, to count the entities and relations that are left out.
    RETURNS (tuple[AnnotatedText, list[tuple[int, int]]]): A text with the remaining entities, and
        for each of them the first token and the one after the last.
    """
    spans = {}
    for i, entity in enumerate(annotated.entities):
        if span := token_span(annotated, entity):
            spans[i] = span
    return keep_entities(annotated, spans.keys(), MISALIGNED, report), list(spans.values())


def character_span(tokens: Offsets, start: int, end: int) -> tuple[int, int]:
    """Get the character offsets of a span of tokens.

    tokens (list[tuple[int, int]]): The character offsets of the tokens.
    start (int): The first token.
    end (int): The token after the last.
    RETURNS (tuple[int, int]): The character offsets of the span (exclusive end).
    RAISES (AnnotationError): If the tokens don't exist.
    """
    check_integers("the tokens of a span", start, end)
    if start >= end:
        raise AnnotationError(f"the tokens {start} to {end} (exclusive) must end after their start")
    if start < 0 or end > len(tokens):
        raise AnnotationError(
            f"the tokens {start} to {end} (exclusive) do not exist; the text has "
            f"{count_noun(len(tokens), 'token')}"
        )
    return tokens[start][0], tokens[end - 1][1]


def inclusive_span(tokens: Offsets, first: int, last: int) -> tuple[int, int]:
    """Get the character offsets of a span of tokens.

    tokens (list[tuple[int, int]]): The character offsets of the tokens.
    first (int): The first token.
    last (int): The last token.
    RETURNS (tuple[int, int]): The character offsets of the span (exclusive end).
    RAISES (AnnotationError): If the tokens don't exist.
    """
    check_integers("the tokens of a span", last)
    return character_span(tokens, first, last + 1)
