"""Relations between entities that have several mentions in a text."""

import re
from collections.abc import Iterable, Sequence
from itertools import product

from .annotated_text import AnnotatedEntity, AnnotatedRelation, AnnotatedText
from .entities import describe_relation
from .report import ConversionReport

UNMENTIONED = "relations of concepts without a mention"
# Several concepts of one mention, as in D007674|D008107.
SEPARATORS = re.compile(r"[|,;]")


def relate_closest(
    annotated: AnnotatedText,
    heads: Sequence[int],
    tails: Sequence[int],
    label: str,
    report: ConversionReport,
) -> AnnotatedRelation:
    """Relate the mentions of two entities that are closest to each other. Mentions that overlap
    count only if there are no others, and of pairs as close as each other, the first one does.

    annotated (AnnotatedText): The text.
    heads (Sequence[int]): The indices of the mentions of the head; at least one.
    tails (Sequence[int]): The indices of the mentions of the tail; at least one.
    label (str): The label of the relation.
    report (ConversionReport): The report, to count relations between several mentions.
    RETURNS (AnnotatedRelation): The relation.
    """

    def rank(pair: tuple[int, int]) -> tuple[bool, int, int]:
        first, second = (annotated.entities[i] for i in pair)
        gap = _count_between(first, second)
        return gap < 0, gap, min(first.start, second.start)

    relation = AnnotatedRelation(*min(product(heads, tails), key=rank), label)
    if len(heads) > 1 or len(tails) > 1:
        reason = "relations of entities with several mentions, read between the closest ones"
        report.choose(reason, annotated.place, describe_relation(annotated, relation))
    return relation


def without_duplicates(
    relations: Iterable[AnnotatedRelation], annotated: AnnotatedText, report: ConversionReport
) -> list[AnnotatedRelation]:
    """Remove duplicate relations, as those of two concepts of one mention are.

    relations (Iterable[AnnotatedRelation]): The relations.
    annotated (AnnotatedText): The text, with its entities.
    report (ConversionReport): The report, to count the duplicates.
    RETURNS (list[AnnotatedRelation]): The relations, each of them once.
    """
    kept: dict[AnnotatedRelation, None] = {}
    for relation in relations:
        if relation in kept:
            case = describe_relation(annotated, relation)
            report.lose_other("duplicate relations", annotated.place, case)
        kept[relation] = None
    return list(kept)


def _count_between(first: AnnotatedEntity, second: AnnotatedEntity) -> int:
    """RETURNS (int): The number of characters between two entities; negative if they overlap."""
    return max(first.start, second.start) - min(first.end, second.end)


def index_concepts(concepts: Iterable[Iterable[str]]) -> dict[str, list[int]]:
    """Index mentions by their concepts. If one has several, each of them counts as well.

    concepts (Iterable[Iterable[str]]): The identifiers of the concepts of each mention.
    RETURNS (dict[str, list[int]]): The indices of the mentions of each concept.
    """
    index: dict[str, list[int]] = {}
    for i, names in enumerate(concepts):
        parts = {part for name in names for part in (name, *SEPARATORS.split(name)) if part}
        for part in parts:
            index.setdefault(part, []).append(i)
    return index
