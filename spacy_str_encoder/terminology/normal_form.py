"""Normal forms of terms: what has the same one is the same term.

Full and half width, case, spaces, punctuation, and traditional and simplified characters make no
difference. Numbers stay apart (1.5 is not 15), and so do signs (HBsAg- is not HBsAg, -5 is not 5).
"""

import re
from functools import cache
from importlib.util import find_spec
from unicodedata import category, normalize

# The characters that have simplified ones: CJK Unified Ideographs and Extension A.
TRADITIONAL = (range(0x3400, 0x4DC0), range(0x4E00, 0xA000))
# In patterns: Chinese characters, among others of East Asia.
IDEOGRAPHS = "\u2e80-\U000323af"
# Punctuation, separators and control characters. "%" is punctuation to Unicode.
SEPARATORS = "PZC"
KEPT = "%."
MINUS = "\u2212"
# A hyphen that no word follows is a sign. So is one before a number, unless it joins the number to
# what stands before it, such as the other end of a range.
SIGN = re.compile(r"(?<=[\w(])-(?!\w)|(?<![^\s(\[<=>≤≥:,;、])-(?=\d)")
POINT = re.compile(r"(?<!\d)\.|\.(?!\d)")
SPACE = re.compile(r"(?<!\d) | (?!\d)")


class NormalForms:
    """Makes normal forms."""

    def __init__(self, simplified: dict[str, str]) -> None:
        """Initialize the normal forms.

        simplified (dict[str, str]): The simplified character of each traditional one, see
            `find_simplified`.
        """
        self.simplified = simplified
        self._table = _Table({ord(each): to for each, to in simplified.items()})

    def __call__(self, text: str) -> str:
        """Make the normal form of a term. Its words are separated by single spaces.

        text (str): The term.
        RETURNS (str): The normal form; empty if there is nothing but punctuation.
        """
        form = normalize("NFKC", text).casefold().replace(MINUS, "-")
        if "-" in form:
            form = SIGN.sub(MINUS, form)
        form = form.translate(self._table)
        if "." in form:
            form = POINT.sub(" ", form)
        return " ".join(form.split())


def make_key(form: str) -> str:
    """Make what is equal in exact matches.

    form (str): A normal form.
    RETURNS (str): The normal form, with spaces between digits alone.
    """
    return SPACE.sub("", form) if " " in form else form


class _Table(dict[int, int | str]):
    """Table for `str.translate`, which fills itself with the characters that it meets."""

    def __missing__(self, character: int) -> int | str:
        letter = chr(character)
        is_separator = category(letter)[0] in SEPARATORS and letter not in KEPT
        self[character] = " " if is_separator else letter
        return self[character]


@cache
def find_simplified() -> dict[str, str]:
    """Find the simplified character of each traditional one, with OpenCC.

    RETURNS (dict[str, str]): The simplified characters; empty if OpenCC is not installed.
    """
    if find_spec("opencc") is None:
        return {}
    from opencc import OpenCC

    converter = OpenCC("t2s")
    characters = [chr(code) for codes in TRADITIONAL for code in codes]
    converted = {each: converter.convert(each) for each in characters}
    return {each: to for each, to in converted.items() if to != each and len(to) == 1}
