"""Tokens as strings, as offsets, and with the white space between them."""

from dataclasses import replace

import pytest
import spacy
from hypothesis import given
from spacy.util import get_words_and_spaces

from spacy_str_encoder.formats.annotated_text import AnnotatedText, AnnotationError
from spacy_str_encoder.formats.docs import to_docs
from spacy_str_encoder.formats.report import ConversionReport
from spacy_str_encoder.formats.tokens import (
    find_tokens,
    join_tokens,
    spaces_after,
    token_texts,
    with_white_space,
    without_white_space,
)

from .token_texts import tokenized_texts

NLP = spacy.blank("xx")


@given(record=tokenized_texts())
def test_tokens_are_found_where_they_were(record: AnnotatedText) -> None:
    assert find_tokens(record.text, token_texts(record)) == record.tokens


@pytest.mark.parametrize(
    ("text", "tokens", "expected"),
    [
        ("a \n b", ["a", "\n", " ", "b"], [(0, 1), (2, 3), (3, 4), (4, 5)]),
        ("aa a", ["a", "a", "a"], [(0, 1), (1, 2), (3, 4)]),
        ("e\u0301 😀", ["e", "\u0301", "", "😀"], [(0, 1), (1, 2), (2, 2), (3, 4)]),
    ],
    ids=["white space", "one like another", "empty"],
)
def test_all_tokens_are_found(
    text: str, tokens: list[str], expected: list[tuple[int, int]]
) -> None:
    assert find_tokens(text, tokens) == expected
    visible = [offsets for offsets, token in zip(expected, tokens, strict=True) if token.strip()]
    assert without_white_space(text, expected) == visible


@pytest.mark.parametrize(
    ("text", "tokens"), [("a x b", ["a", "b"]), ("b a", ["a", "b"]), ("ab", ["a", " ", "b"])]
)
def test_a_text_with_other_tokens_is_refused(text: str, tokens: list[str]) -> None:
    with pytest.raises(AnnotationError, match="must continue with the token"):
        find_tokens(text, tokens)


def test_tokens_are_joined_as_their_script_is_written() -> None:
    text, offsets = join_tokens(["前降支", "，", "70", "%", "(", "TIMI", "\n", "한국", "말", "に"])
    assert text == "前降支， 70 % ( TIMI \n 한국 말 に"
    assert [text[start:end] for start, end in offsets][-5:] == ["TIMI", "\n", "한국", "말", "に"]


@given(record=tokenized_texts())
def test_white_space_becomes_tokens_as_in_spacy(record: AnnotatedText) -> None:
    text = record.text
    bare = [(s + len(w) - len(w.lstrip()), s + len(w.rstrip())) for s, w in _words(record)]
    tokens = with_white_space(replace(record, tokens=bare))
    words, spaces = get_words_and_spaces([text[start:end] for start, end in bare], text)
    assert [text[start:end] for start, end in tokens] == words
    assert spaces_after(text, tokens) == spaces


def _words(record: AnnotatedText) -> list[tuple[int, str]]:
    return [(start, record.text[start:end]) for start, end in record.tokens or []]


@given(record=tokenized_texts())
def test_docs_have_the_tokens_of_records_even_those_that_begin_with_a_space(
    record: AnnotatedText,
) -> None:
    [doc] = to_docs([record], NLP, ConversionReport())
    assert doc.text == record.text
    assert [token.text for token in doc if not token.text.isspace()] == token_texts(record)
