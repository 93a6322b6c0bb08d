"""Matcher: the codes of a term, by the first way that finds any."""

import zipfile
from collections.abc import Iterable
from io import BytesIO
from itertools import islice

import numpy

from ..doc.codes import Code
from .exact import ExactIndex
from .fuzzy import FuzzyIndex, Match
from .terminology import Terminology
from .vectors import TermVectors, Vectors


class Matcher:
    """Finds the codes of a terminology."""

    def __init__(
        self,
        terminology: Terminology,
        vectors: TermVectors | None = None,
        *,
        fuzzy: bool,
        exact: ExactIndex | None = None,
    ) -> None:
        """Build the indexes.

        terminology (Terminology): The terminology.
        vectors (TermVectors | None): The vectors of its terms, to find similar ones.
        fuzzy (bool): Whether to find similar strings.
        exact (ExactIndex | None): The index of the terms; built if None.
        """
        self.terminology, self.vectors = terminology, vectors
        self.exact = exact or ExactIndex(terminology)
        self._fuzzy = FuzzyIndex(terminology) if fuzzy else None

    def find(self, text: str, *, threshold: float, max_codes: int) -> list[Code]:
        """Find the codes of a text by its characters.

        text (str): The text.
        threshold (float): The minimum score.
        max_codes (int): The maximum number of codes, unless more share the best score.
        RETURNS (list[Code]): The codes, best first, and those of the same score in the order of the
            table.
        """
        form = self.terminology.normal_form(text)
        if not form:
            return []
        matches = [Match(term, 1.0) for term in self.exact.find(form)]
        if not matches and self._fuzzy is not None:
            matches = self._fuzzy.find(form, threshold)
        return self._rank(matches, max_codes)

    def find_by_vector(self, output: Vectors, *, threshold: float, max_codes: int) -> list[Code]:
        """Find the codes of an entity by the output of an encoder.

        output (NDArray[float32]): The mean output for the entity.
        threshold (float): The minimum score.
        max_codes (int): The maximum number of codes, unless more share the best score.
        RETURNS (list[Code]): The codes, as in `find`.
        """
        if self.vectors is None:
            return []
        return self._rank(self.vectors.find(output, threshold), max_codes)

    def _rank(self, matches: Iterable[Match], max_codes: int) -> list[Code]:
        """RETURNS (list[Code]): The codes of terms, each with its best score."""
        scores: dict[int, float] = {}
        for match in sorted(matches, key=lambda match: (-match.score, match.term)):
            scores.setdefault(int(self.terminology.concepts[match.term]), match.score)
        best = max(scores.values(), default=0.0)
        tied = sum(score == best for score in scores.values())
        kept = islice(scores.items(), max(max_codes, tied))
        return [self.terminology.describe(*each) for each in kept]

    def to_bytes(self) -> bytes:
        """RETURNS (bytes): The terminology and the vectors, compressed."""
        arrays = {**self.terminology.to_arrays(), **self.exact.to_arrays()}
        content = BytesIO()
        vectors = {} if self.vectors is None else self.vectors.to_arrays()
        numpy.savez_compressed(content, allow_pickle=False, **arrays, **vectors)
        return content.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes, *, fuzzy: bool) -> "Matcher":
        """Restore a matcher.

        content (bytes): The output of `to_bytes`.
        fuzzy (bool): Whether to find similar strings.
        RETURNS (Matcher): The matcher.
        RAISES (ValueError): If the content is damaged.
        """
        try:
            with numpy.load(BytesIO(content), allow_pickle=False) as file:
                arrays = dict(file)
            terminology = Terminology.from_arrays(arrays)
            exact = ExactIndex(terminology, arrays)
            vectors = TermVectors.from_arrays(arrays)
        except (EOFError, KeyError, OSError, ValueError, zipfile.BadZipFile) as error:
            raise ValueError(
                "The file of a terminology is damaged. Copy or save the pipeline again."
            ) from error
        return cls(terminology, vectors, fuzzy=fuzzy, exact=exact)
