"""Grapheme clusters: what readers see as one character."""

import re
import unicodedata

# Unicode categories of characters that combine with the preceding one, and of line breaks and other
# characters that nothing combines with.
COMBINING = ("Mn", "Mc", "Me")
CONTROLS = ("Cc", "Zl", "Zp")
JOINER = "\u200d"
# Other characters that join the preceding one: zero-width joiners, vowels and final consonants of
# Korean, voicing marks, skin tones, and tags of flags.
JOINING = re.compile(
    f"[\u200c{JOINER}\u1160-\u11ff\uff9e\uff9f\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]"
)
# Two of these are a flag.
FLAG = re.compile("[\U0001f1e6-\U0001f1ff]")


def may_have_clusters(text: str) -> bool:
    """Check whether a text may have grapheme clusters of several characters. This is much faster
    than to find them.

    text (str): The text.
    RETURNS (bool): Whether any of its characters can join another one.
    """
    return any(
        unicodedata.category(each) in COMBINING or JOINING.match(each) or FLAG.match(each)
        for each in set(text)
    ) or ("\r\n" in text)


def find_clusters(text: str) -> list[int]:
    """Split a text into grapheme clusters, by the rules of Unicode 10. Later versions also join
    consonants of Indic scripts, which JavaScript libraries such as that of doccano do not.

    text (str): The text.
    RETURNS (list[int]): The offset of the first character of each cluster, and the length of the
        text.
    """
    starts: list[int] = []
    for i in range(len(text)):
        if i == 0 or not _is_joined(text, i, starts[-1]):
            starts.append(i)
    return [*starts, len(text)]


def _is_joined(text: str, i: int, start: int) -> bool:
    """Check whether a character belongs to the cluster that began at a start."""
    before, character = text[i - 1], text[i]
    if unicodedata.category(before) in CONTROLS:
        return before + character == "\r\n"
    if FLAG.match(character):
        return bool(FLAG.match(before)) and start == i - 1
    category = unicodedata.category(character)
    is_emoji = before == JOINER and category == "So"
    return is_emoji or category in COMBINING or bool(JOINING.match(character))
