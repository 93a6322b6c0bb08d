"""Counts in sentences."""

import pytest

from spacy_str_encoder.doc.plurals import count_noun


@pytest.mark.parametrize(
    ("count", "noun", "expected"),
    [
        (0, "text", "0 texts"),
        (1, "text", "1 text"),
        (2, "gold entity", "2 gold entities"),
        (1, "gold entity", "1 gold entity"),
        (12345, "relation", "12,345 relations"),
    ],
)
def test_a_noun_agrees_with_its_count(count: int, noun: str, expected: str) -> None:
    assert count_noun(count, noun) == expected
