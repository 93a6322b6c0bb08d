"""Terms that are similar to a text: with typing errors, or their words in another order."""

import re
from importlib.util import find_spec
from itertools import product
from typing import NamedTuple

from .grams import GramIndex
from .normal_form import make_key
from .terminology import Terminology

# Bounds the time for a text: the rarest n-grams count, up to this many terms that have them.
POSTINGS = 20_000
# The terms that are compared with a text.
CANDIDATES = 100
# The score of the same words, or Chinese characters, in another order.
OTHER_ORDER = 0.95
# A Chinese character, or a word of another script.
WORD = re.compile("[\u2e80-\U000323af]|[^ \u2e80-\U000323af]+")
# In bytes: two Chinese characters. Shorter terms are abbreviations: CAG is not CABG.
SHORTEST = 6
# What differs between two codes as a rule, however similar their terms are: numbers, signs and
# negations, and sides if both terms have one.
TELLING = re.compile(
    r"\d+(?:\.\d+)?|(?<![a-z])(?:i{1,3}|iv|vi{1,3}|ix)(?![a-z])|[一二三四五六七八九十]|[+\u2212]|[无非不未]"
    r"|\b(?:first|second|third|fourth|fifth|no|non|not|without)\b"
)
SIDE = re.compile(r"左|右|双|\b(?:left|right|bilateral)\b")
# Opposites, and what lies between them: beginnings of words, words, and Chinese ones. A term with
# one of a row does not mean the same as a term with another one of this row in its place.
PREFIXES = (
    "hypo/hyper intra/inter/extra pre/post ante/retro antero/postero brady/tachy micro/macro "
    "oligo/poly"
)
WORDS = (
    "acute/subacute/chronic early/late primary/secondary congenital/acquired benign/malignant "
    "positive/negative increase/decrease increased/decreased increased/reduced preserved/reduced "
    "elevated/reduced high/low large/small systolic/diastolic ascending/descending "
    "flexion/extension abduction/adduction male/female anterior/posterior superior/inferior "
    "upper/middle/lower proximal/mid/distal medial/lateral internal/external "
    "unilateral/bilateral open/closed mild/moderate/severe acidosis/alkalosis artery/vein "
    "arterial/venous"
)
CHINESE = (
    "急性/亚急性/慢性 早/晚 原发/继发 先天/后天 良性/恶性 阳/阴 增/减 升/降 高/低 大/小 快/慢 "
    "过速/过缓 过多/过少 收缩/舒张 男/女 前/后 前壁/侧壁/下壁/后壁 上/中/下 近/中/远 内/外 "
    "单侧/双侧 开放/闭合 动脉/静脉 酸中毒/碱中毒 轻/中/重"
)
OPPOSITES = [{*row.split("/")} for row in f"{PREFIXES} {WORDS} {CHINESE}".split()]
# A word with one of these before it is the opposite: atypical, incomplete, unstable.
NEGATIONS = {"a", "an", "dis", "il", "im", "in", "ir", "non", "un"}


def _any_of(rows: str) -> str:
    """RETURNS (str): A pattern of what the rows hold. Posterior is not post-, nor 慢性 慢."""
    return "|".join(sorted(re.split("[/ ]", rows), key=len, reverse=True))


# With the first character of what follows.
OPPOSITE = re.compile(
    rf"((?<![a-z])(?:(?:{_any_of(WORDS)})(?![a-z])|{_any_of(PREFIXES)})|{_any_of(CHINESE)})"
    "(?= ?(.?))"
)


class Match(NamedTuple):
    """A term that was found.

    term (int): Its number.
    score (float): Its similarity, from 0 to 1.
    """

    term: int
    score: float


def require_rapidfuzz() -> None:
    """Check that the library for fuzzy matches is installed.

    RAISES (ImportError): If it is not installed.
    """
    if find_spec("rapidfuzz") is None:
        raise ImportError(
            "Fuzzy matches of codes require rapidfuzz; install it with "
            "pip install 'spacy_str_encoder[codes]', or set fuzzy = false"
        )


class FuzzyIndex:
    """Finds similar terms."""

    def __init__(self, terminology: Terminology) -> None:
        """Build the index.

        terminology (Terminology): The terms.
        """
        self._terminology = terminology
        self._grams = GramIndex(terminology.forms)

    def find(self, form: str, threshold: float) -> list[Match]:
        """Find similar terms. Short ones, and those that mean something else, are none.

        form (str): A normal form.
        threshold (float): The minimum score.
        RETURNS (list[Match]): The terms.
        """
        if len(form.encode()) < SHORTEST:
            return []
        terms = self._grams.find(form, postings=POSTINGS, candidates=CANDIDATES).tolist()
        forms = [self._terminology.forms[term] for term in terms]
        scored = zip(terms, forms, compare(form, forms), strict=True)
        return [
            Match(term, score)
            for term, other, score in scored
            if score >= threshold and may_be_same(form, other)
        ]


def compare(form: str, others: list[str]) -> list[float]:
    """Compare a normal form with others.

    form (str): The normal form.
    others (list[str]): The others.
    RETURNS (list[float]): Their similarity, from 0 to 1: the share of characters that are the same,
        in order; or a little less, with the words or Chinese characters in another order.
    """
    from rapidfuzz import fuzz

    key, words = make_key(form), _sort_words(form)
    scores = []
    for other in others:
        in_order = fuzz.ratio(key, make_key(other))
        in_any = fuzz.ratio(words, _sort_words(other))
        scores.append(max(in_order, OTHER_ORDER * in_any) / 100)
    return scores


def _sort_words(form: str) -> str:
    return "".join(sorted(WORD.findall(form)))


def may_be_same(form: str, other: str) -> bool:
    """Check that two terms have the same numbers, signs and negations, and neither different sides
    nor opposites.

    form (str): The normal form of one.
    other (str): That of the other.
    RETURNS (bool): Whether they may mean the same.
    """
    if sorted(TELLING.findall(form)) != sorted(TELLING.findall(other)):
        return False
    sides = [{*SIDE.findall(each)} for each in (form, other)]
    return (sides[0] == sides[1] or not all(sides)) and not _have_opposites(form, other)


def _have_opposites(form: str, other: str) -> bool:
    """RETURNS (bool): Whether one term has a word where the other has its opposite instead."""
    ours, theirs = (OPPOSITE.findall(each) for each in (form, other))
    words = {word for word, _ in ours}
    rows = (row for row in OPPOSITES if not row.isdisjoint(words))
    pairs = (
        ([each for each in found if each[0] in row] for found in (ours, theirs)) for row in rows
    )
    return not all(_agree(*pair) for pair in pairs) or _is_negated(form, other)


def _agree(ours: list[tuple[str, str]], theirs: list[tuple[str, str]]) -> bool:
    """RETURNS (bool): Whether words of a row stand before the same, or one term only lacks some:
    acute bronchitis with a chronic cough is not chronic bronchitis with an acute cough.
    """
    shorter, longer = sorted(([word for word, _ in each] for each in (ours, theirs)), key=len)
    return sorted(ours) == sorted(theirs) or _is_part(shorter, longer)


def _is_part(words: list[str], of: list[str]) -> bool:
    """RETURNS (bool): Whether the words are among the others, in the same order."""
    rest = iter(of)
    return all(word in rest for word in words)


def _is_negated(form: str, other: str) -> bool:
    """RETURNS (bool): Whether a word of one term is negated in the other."""
    ours, theirs = ({*each.split()} for each in (form, other))
    changes = ((ours - theirs, theirs - ours), (theirs - ours, ours - theirs))
    # In-stent is not instent negated.
    return any(
        f"{negation}{word}" in negated
        for plain, negated in changes
        for word, negation in product(plain, NEGATIONS - plain)
    )
