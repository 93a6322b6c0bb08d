"""Grapheme clusters: which characters readers see as one."""

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_str_encoder.formats.graphemes import find_clusters, may_have_clusters

SINGLE = ["a", "字", " ", "\n", "\r", "👍", "각", "\u1112"]
SEVERAL = {
    "an accent": "e\u0301",
    "two accents": "e\u0301\u0323",
    "a vowel sign": "कि",
    "a skin tone": "👍🏽",
    "a variation": "❤\ufe0f",
    "a keycap": "1\ufe0f\u20e3",
    "a family": "👨\u200d👩\u200d👧",
    "a profession": "👩🏽\u200d⚕\ufe0f",
    "a flag": "🇩🇪",
    "a flag of tags": "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "a line break": "\r\n",
    "a syllable of Korean": "\u1112\u1161\u11ab",
}


@pytest.mark.parametrize("cluster", SEVERAL.values(), ids=SEVERAL.keys())
def test_several_characters_are_one_cluster(cluster: str) -> None:
    assert find_clusters(cluster) == [0, len(cluster)]
    assert may_have_clusters(cluster)


@pytest.mark.parametrize("character", SINGLE)
def test_others_are_one_each(character: str) -> None:
    assert find_clusters(character * 2) == [0, 1, 2]
    assert not may_have_clusters(character * 2)


@given(st.lists(st.sampled_from([*SINGLE, *SEVERAL.values()])))
def test_clusters_side_by_side_stay_apart(clusters: list[str]) -> None:
    text = "|".join(clusters)
    ends = accumulate((len(each) + 1 for each in clusters), initial=0)
    starts = [start for start in ends if start < len(text)]
    assert set(starts) <= set(find_clusters(text))
    joined = "".join(each for each in clusters if each not in "\r\n")
    lengths = [len(each) for each in clusters if each not in "\r\n"]
    assert find_clusters(joined) == list(accumulate(lengths, initial=0))


def test_nothing_joins_a_line_break() -> None:
    assert find_clusters("\n\u0301a") == [0, 1, 2, 3]


def test_a_third_letter_of_flags_begins_another_one() -> None:
    assert find_clusters("🇩🇪🇫") == [0, 2, 3]
