"""Terms that are similar to a text: with typing errors, or their words in another order."""

import re
from importlib.util import find_spec
from typing import NamedTuple

from .grams import GramIndex
from .normal_form import IDEOGRAPHS, make_key
from .opposites import may_be_same
from .terminology import Terminology

# Bounds the time for a text: the rarest n-grams count, up to this many terms that have them.
POSTINGS = 20_000
# The terms that are compared with a text.
CANDIDATES = 100
# The score of the same words, or Chinese characters, in another order.
OTHER_ORDER = 0.94
# A Chinese character, or a word of another script.
WORD = re.compile(f"[{IDEOGRAPHS}]|[^ {IDEOGRAPHS}]+")
# In bytes: two Chinese characters. Shorter terms are abbreviations: CAG is not CABG.
SHORTEST = 6


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
        if _is_short(form):
            return []
        terms = self._grams.find(form, postings=POSTINGS, candidates=CANDIDATES).tolist()
        forms = [self._terminology.forms[term] for term in terms]
        scored = zip(terms, forms, compare(form, forms), strict=True)
        return [
            Match(term, score)
            for term, other, score in scored
            if score >= threshold and not _is_short(other) and may_be_same(form, other)
        ]


def _is_short(form: str) -> bool:
    return len(form.encode()) < SHORTEST


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
