"""Comparison of annotations with those of an undisturbed run."""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from spacy.tokens import Doc

from spacy_str_encoder.doc.plain_data import to_annotations

# Scores differ in the last digits with the other texts of a batch.
TOLERANCE = 1e-3
SCORES = ("score", "score_given_entities")


@dataclass(frozen=True)
class Outcome:
    """The outcome of a check.

    check (str): The name of the check.
    documents (int): The number of documents.
    faults (int): The number of injected faults.
    lost (int): The number of documents without annotations.
    duplicated (int): The number of annotations beyond one for each document.
    differing (int): The number of annotations that differ from those of an undisturbed run.
    """

    check: str
    documents: int
    faults: int = 0
    lost: int = 0
    duplicated: int = 0
    differing: int = 0

    @property
    def is_flawless(self) -> bool:
        """RETURNS (bool): Whether every document has its annotations, exactly once."""
        return not (self.lost or self.duplicated or self.differing)

    def __add__(self, other: "Outcome") -> "Outcome":
        counts = ("documents", "faults", "lost", "duplicated", "differing")
        added = {name: getattr(self, name) + getattr(other, name) for name in counts}
        return Outcome(self.check, **added)


def compare_rows(
    check: str,
    expected: Mapping[Hashable, Any],
    found: Iterable[tuple[Hashable, Any]],
    *,
    faults: int,
) -> Outcome:
    """Compare written rows with the expected ones.

    check (str): The name of the check.
    expected (Mapping[Hashable, Any]): The expected row of each document.
    found (Iterable[tuple[Hashable, Any]]): Documents and rows as written.
    faults (int): The number of injected faults.
    RETURNS (Outcome): The outcome. Rows of unknown documents count as differing.
    """
    found = list(found)
    times = Counter(key for key, _ in found)
    return Outcome(
        check,
        len(expected),
        faults,
        lost=len(expected.keys() - times.keys()),
        duplicated=sum(count - 1 for count in times.values()),
        differing=sum(key not in expected or expected[key] != row for key, row in found),
    )


def compare_docs(check: str, expected: Iterable[Doc], found: Iterable[Doc]) -> Outcome:
    """Compare docs with those of an undisturbed run.

    check (str): The name of the check.
    expected (Iterable[Doc]): The expected docs.
    found (Iterable[Doc]): The docs to compare, in the same order.
    RETURNS (Outcome): The outcome.
    """
    pairs = list(zip(expected, found, strict=True))
    return Outcome(check, len(pairs), differing=sum(not is_same(*pair) for pair in pairs))


def is_same(doc: Doc, other: Doc) -> bool:
    """Check whether two docs have the same annotations.

    doc (Doc): A doc.
    other (Doc): Another one.
    RETURNS (bool): Whether their entities and relations are the same, and their scores nearly so.
    """
    (rows, scores), (others, other_scores) = _split_scores(doc), _split_scores(other)
    return rows == others and all(
        abs(score - other) < TOLERANCE for score, other in zip(scores, other_scores, strict=True)
    )


def _split_scores(doc: Doc) -> tuple[list[dict[str, Any]], list[float]]:
    annotations = to_annotations(doc)
    found = (*annotations["entities"], *annotations["relations"])
    rows: list[dict[str, Any]] = [dict(row) for row in found]
    scores = [row.pop(name) for row in rows for name in SCORES if name in row]
    return [*rows, {"text": doc.text}], scores
