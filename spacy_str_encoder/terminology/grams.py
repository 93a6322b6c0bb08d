"""Index of character n-grams: pairs of characters where one is Chinese, else three in a row, so
that each is about as telling as the other. The borders of words count as a character.
"""

from collections.abc import Iterable

import numpy
from numpy.typing import NDArray

from .strings import AT_ONCE, PackedStrings

# Scripts from here on, Chinese, Japanese and Korean, have thousands of characters.
FIRST_CHINESE = 0x2E80
SPACE = ord(" ")
# A code point takes 21 bits.
BITS = 21
# Of Knuth's multiplicative hash, for 64 bits.
FACTOR = numpy.uint64(0x9E3779B97F4A7C15)
LOW = 32
MASK = numpy.uint64(0xFFFFFFFF)

Hashes = NDArray[numpy.uint64]


class GramIndex:
    """Finds the terms that share n-grams with a text."""

    def __init__(self, forms: PackedStrings) -> None:
        """Build the index.

        forms (PackedStrings): The normal forms of terms.
        """
        rows = numpy.sort(numpy.concatenate([*_list_rows(forms)]))
        # An n-gram counts once in a term.
        rows = rows[numpy.flatnonzero(numpy.diff(rows, prepend=numpy.uint64(0)))]
        grams = (rows >> numpy.uint64(LOW)).astype("uint32")
        starts = numpy.flatnonzero(numpy.diff(grams, prepend=grams[:1] ^ 1))
        self._terms = (rows & MASK).astype("uint32")
        self._grams = grams[starts]
        self._starts = numpy.append(starts, len(rows))
        self._sizes = forms.lengths

    def find(self, form: str, *, postings: int, candidates: int) -> NDArray[numpy.uint32]:
        """Find terms that are similar to a text: those that share most of its rarest n-grams.

        form (str): The normal form of the text.
        postings (int): The number of terms to look at; terms with several n-grams count each time.
        candidates (int): The number of terms to find.
        RETURNS (NDArray[uint32]): The terms, the most similar ones first.
        """
        lists = self._find_lists(form)
        lists.sort(key=len)
        total = numpy.cumsum([0, *map(len, lists)])
        used = lists[: max(1, int(numpy.searchsorted(total, postings, "right")) - 1)]
        if not used:
            return numpy.zeros(0, "uint32")
        terms, counts = numpy.unique(numpy.concatenate(used), return_counts=True)
        size = len(form.encode())
        shares = counts / numpy.maximum(self._sizes[terms], size)
        order = numpy.lexsort((terms, -shares))
        return terms[order[:candidates]]

    def _find_lists(self, form: str) -> list[NDArray[numpy.uint32]]:
        """RETURNS (list[NDArray[uint32]]): The terms of each n-gram of a text that any term has."""
        grams = (_list_grams([form])[0] >> numpy.uint64(LOW)).astype("uint32")
        grams = numpy.unique(grams)
        places = self._grams.searchsorted(grams)
        found = places < len(self._grams)
        found[found] = self._grams[places[found]] == grams[found]
        return [self._terms[self._starts[i] : self._starts[i + 1]] for i in places[found]]


def _list_rows(forms: PackedStrings) -> Iterable[Hashes]:
    """YIELDS (NDArray[uint64]): N-grams in the upper bits, and their terms in the lower ones."""
    yield numpy.zeros(0, "uint64")
    for start in range(0, len(forms), AT_ONCE):
        grams, terms = _list_grams(forms.unpack(start, start + AT_ONCE))
        yield (grams & ~MASK) | (terms + numpy.uint64(start))


def _list_grams(forms: list[str]) -> tuple[Hashes, Hashes]:
    """RETURNS (tuple[NDArray[uint64], NDArray[uint64]]): The hash of each n-gram, and the number of
    the text that it is of.
    """
    # Each text has a space on both sides, and n-grams begin at each character up to the second one.
    text = f" {'  '.join(forms)}  ".encode("utf-32-le")
    codes = numpy.frombuffer(text, "uint32").astype("uint64")
    lengths = numpy.fromiter((len(form) + 2 for form in forms), "int64", len(forms))
    owners = numpy.repeat(numpy.arange(len(forms), dtype="uint64"), lengths)
    first, middle, last = codes[:-2], codes[1:-1], codes[2:]
    chinese = codes >= FIRST_CHINESE
    is_pair = chinese[:-2] | chinese[1:-1]
    is_triple = ~(is_pair | chinese[2:]) & (middle != SPACE)
    shift = numpy.uint64(BITS)
    pairs = (first << shift) | middle
    triples = (((first << shift) | middle) << shift) | last
    grams = numpy.where(is_pair, pairs, triples)
    kept = numpy.flatnonzero(is_pair | is_triple)
    return grams[kept] * FACTOR, owners[kept]
