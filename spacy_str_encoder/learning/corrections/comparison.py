"""The comparison of texts before and after: scores of the model, and the changes."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TypedDict

import spacy
from spacy.language import Language
from spacy.training import Example

from ...doc.entities import SPANS_KEY
from ...evaluation.outcomes import collect_outcomes
from ...evaluation.report import Report, make_report
from ...formats.annotated_text import AnnotatedText
from ...formats.docs import to_docs
from ...formats.entities import without_repeats
from ...formats.report import ConversionReport
from ...formats.scores import ATTRIBUTES, ENTITIES, RELATIONS, count_scores
from .changes import find_changes
from .pairing import unify

Pair = tuple[AnnotatedText, AnnotatedText]


class Case(TypedDict):
    """A change: the text that it is in, and the entity or relation that was changed."""

    place: str
    example: str


@dataclass(frozen=True)
class Comparison:
    """Changes that people made, and scores of the model.

    scores (Report): The scores of the model, with the corrected texts as gold.
    unchanged (int): The number of texts without a change.
    changes (dict[str, list[Case]]): The changes by their kind, the most frequent kinds first.
    """

    scores: Report
    unchanged: int
    changes: dict[str, list[Case]]


def compare(pairs: Iterable[Pair]) -> Comparison:
    """Compare texts before and after.

    pairs (Iterable[tuple[AnnotatedText, AnnotatedText]]): Predicted and corrected texts.
    RETURNS (Comparison): The comparison.
    """
    pairs = [(_prepare(predicted), _prepare(corrected)) for predicted, corrected in pairs]
    changes: dict[str, list[Case]] = {}
    unchanged = 0
    for predicted, corrected in pairs:
        found = [*find_changes(predicted, corrected)]
        unchanged += not found
        for kind, example in found:
            case: Case = {"place": corrected.place, "example": example}
            changes.setdefault(kind, []).append(case)
    ordered = sorted(changes.items(), key=lambda item: (-len(item[1]), item[0]))
    return Comparison(_score(pairs), unchanged, dict(ordered))


def _prepare(annotated: AnnotatedText) -> AnnotatedText:
    return without_repeats(unify(annotated), ConversionReport())


def _score(pairs: list[Pair]) -> Report:
    nlp = spacy.blank("xx")
    examples = (_make_example(nlp, *pair) for pair in pairs)
    report = make_report(collect_outcomes(examples, None, spans_key=SPANS_KEY))
    scored = sum((count_scores(predicted) for predicted, _ in pairs), Counter())
    for task in (ENTITIES, RELATIONS, ATTRIBUTES):
        if (scores := report["model"][task]) is not None:  # type: ignore[literal-required]
            # Tokens are made for the comparison, so nothing can be counted in them.
            scores["distance"] = None
            scores["calibration"] = scores["calibration"] if scored[task] else None
    return report


def _make_example(nlp: Language, predicted: AnnotatedText, corrected: AnnotatedText) -> Example:
    tokens = [*_cut(predicted, corrected)]
    # What the model did not say, it did not find.
    predicted = replace(predicted, tokens=tokens, has_entities=True, has_relations=True)
    corrected = replace(corrected, tokens=tokens)
    docs = to_docs([predicted, corrected], nlp, ConversionReport(), spans_key=SPANS_KEY)
    return Example(*docs)


def _cut(*texts: AnnotatedText) -> Iterator[tuple[int, int]]:
    """Cut a text at the ends of all entities, so that none begins or ends inside a token."""
    entities = (entity for annotated in texts for entity in annotated.entities)
    ends = {end for entity in entities for end in (entity.start, entity.end)}
    yield from pairwise(sorted({0, len(texts[0].text), *ends}))
