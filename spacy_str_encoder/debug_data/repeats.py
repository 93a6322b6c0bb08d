"""Texts that occur more than once, in the same split or in two splits."""

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import chain, pairwise
from typing import NamedTuple

from spacy.tokens import Span

from ..doc.entities import has_gold_entities
from ..doc.relation import has_relations
from .aligned import AlignedDoc
from .findings import Finding, describe
from .settings import PipelineSettings


class Fingerprint(NamedTuple):
    """Hashes of the annotation of a doc, to compare docs without keeping them.

    number (int): Number of the doc in its file.
    entities (int | None): Hash of its entities; None if they are unannotated.
    relations (int | None): Hash of its relations; None if they are unannotated.
    """

    number: int
    entities: int | None
    relations: int | None


@dataclass
class Repeats:
    """Docs of a split whose texts already occurred in a split.

    docs (Finding): All such docs.
    annotated_otherwise (Finding): Docs with other annotation than the first doc with the same text.
    """

    docs: Finding = field(default_factory=Finding)
    annotated_otherwise: Finding = field(default_factory=Finding)


class RepeatedTexts:
    """Search for texts that occur more than once.

    found (dict[tuple[str, str], Repeats]): Docs of a split whose texts already occurred in it, or
        in an earlier split, by the names of both splits.
    """

    def __init__(self) -> None:
        """Start without texts."""
        self.found: dict[tuple[str, str], Repeats] = defaultdict(Repeats)
        self._seen: dict[int, dict[str, Fingerprint]] = defaultdict(dict)

    def add(self, split: str, aligned: AlignedDoc, settings: PipelineSettings) -> None:
        """Compare the text of a doc with earlier ones. White space and empty texts are ignored.

        split (str): Name of the doc's split.
        aligned (AlignedDoc): The doc.
        settings (PipelineSettings): Settings of the pipeline.
        """
        text = " ".join(aligned.gold.text.split())
        if not text:
            return
        seen = self._seen[hash(text)]
        fingerprint = _fingerprint(aligned, settings)
        for other, first in seen.items():
            places = f"doc {aligned.number} of {split}, doc {first.number} of {other}"
            case, repeats = f"{places}: {describe(aligned.gold)}", self.found[split, other]
            repeats.docs.add(case)
            if _contradict(fingerprint, first):
                repeats.annotated_otherwise.add(case)
        seen.setdefault(split, fingerprint)


def _fingerprint(aligned: AlignedDoc, settings: PipelineSettings) -> Fingerprint:
    gold, relations = aligned.gold, aligned.gold_relations
    spans = chain(aligned.gold_entities, *((r.head, r.tail) for r in relations))
    places = _count_characters(gold.text, {i for s in spans for i in (s.start_char, s.end_char)})

    def place(span: Span) -> tuple[int, int, str]:
        return places[span.start_char], places[span.end_char], span.label_

    entities = hash(frozenset(map(place, aligned.gold_entities)))
    connections = hash(frozenset((place(r.head), place(r.tail), r.label) for r in relations))
    return Fingerprint(
        aligned.number,
        entities if has_gold_entities(gold, settings.task.spans_key) else None,
        connections if has_relations(gold) else None,
    )


def _count_characters(text: str, offsets: set[int]) -> dict[int, int]:
    """Count the characters before each offset, without white space."""
    counts = {0: 0}
    for before, offset in pairwise(sorted({0, *offsets})):
        counts[offset] = counts[before] + len("".join(text[before:offset].split()))
    return counts


def _contradict(one: Fingerprint, other: Fingerprint) -> bool:
    compared = zip(one[1:], other[1:], strict=True)
    return any(None not in pair and pair[0] != pair[1] for pair in compared)
