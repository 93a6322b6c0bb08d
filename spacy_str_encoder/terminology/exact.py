"""Terms with the same normal form."""

from collections.abc import Iterator

import numpy
from numpy.typing import NDArray
from spacy.strings import get_string_id

from .normal_form import make_key
from .strings import Arrays
from .terminology import Terminology

Hashes = NDArray[numpy.uint64]
Terms = NDArray[numpy.uint32]


class ExactIndex:
    """Finds terms by sorted hashes."""

    def __init__(self, terminology: Terminology, arrays: Arrays | None = None) -> None:
        """Build the index.

        terminology (Terminology): The terms.
        arrays (Mapping[str, NDArray] | None): The output of `to_arrays` of an index that was built
            for them earlier.
        """
        self._terminology = terminology
        self._hashes, self._terms = _sort(terminology) if arrays is None else _read(arrays)

    def to_arrays(self) -> dict[str, NDArray]:
        """RETURNS (dict[str, NDArray]): The index, as arrays by name."""
        return {"hashes": self._hashes, "hashed": self._terms}

    def find(self, form: str) -> list[int]:
        """Find terms with a normal form.

        form (str): The normal form.
        RETURNS (list[int]): The numbers of the terms, in the order of the table.
        """
        key = make_key(form)
        wanted = numpy.uint64(get_string_id(key))
        first = int(self._hashes.searchsorted(wanted))
        # Hashes may be the same by chance.
        forms = self._terminology.forms
        return [term for term in self._same(first, wanted) if make_key(forms[term]) == key]

    def _same(self, first: int, wanted: numpy.uint64) -> Iterator[int]:
        for place in range(first, len(self._hashes)):
            if self._hashes[place] != wanted:
                return
            yield int(self._terms[place])

    def find_ambiguous(self) -> list[int]:
        """RETURNS (list[int]): Of each form that several codes of a system share, the first term
        whose code is not that of the term before it.
        """
        concepts = self._terminology.concepts[self._terms]
        systems = self._terminology.system_of[concepts]
        order = numpy.lexsort((systems, self._hashes))
        hashes, systems, concepts = self._hashes[order], systems[order], concepts[order]
        same = (hashes[1:] == hashes[:-1]) & (systems[1:] == systems[:-1])
        shared = same & (concepts[1:] != concepts[:-1])
        _, first = numpy.unique(hashes[1:][shared], return_index=True)
        return self._terms[order[1:]][shared][first].tolist()


def _sort(terminology: Terminology) -> tuple[Hashes, Terms]:
    keys = map(make_key, terminology.forms)
    hashes = numpy.fromiter(map(get_string_id, keys), "uint64", len(terminology.forms))
    # Terms of the same hash stay in the order of the table.
    terms = numpy.argsort(hashes, kind="stable").astype("uint32")
    return hashes[terms], terms


def _read(arrays: Arrays) -> tuple[Hashes, Terms]:
    return arrays["hashes"], arrays["hashed"]
