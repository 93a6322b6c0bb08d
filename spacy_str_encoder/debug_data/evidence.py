"""Evidence for constraints: how often gold relations could break each, and how often they do."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, combinations

from ..pairs.candidates import find_pairs
from ..pairs.classes import relation_class
from ..pairs.constraints import (
    Acyclic,
    InverseOf,
    LabelConstraint,
    MaxPerEntity,
    MaxPerHead,
    MaxPerTail,
    NoSelf,
)
from .aligned import AlignedDoc


@dataclass
class Evidence:
    """Evidence for a constraint.

    cases (int): Number of relations with the label; of limits, number of entities that have some.
    open (int): Number of times that candidate pairs of the same types could break it.
    broken (int): Number of times that relations break it.
    """

    cases: int = 0
    open: int = 0
    broken: int = 0


# An entity and one that it is related to, as indices.
Ends = tuple[int, int]
# A constraint, and further cases and times that it could be broken.
Cases = tuple[LabelConstraint, int, int]


def add_evidence(
    evidence: dict[LabelConstraint, Evidence], aligned: AlignedDoc, symmetric: Collection[str]
) -> None:
    """Add the evidence of a doc.

    evidence (dict[LabelConstraint, Evidence]): The evidence so far, updated in place.
    aligned (AlignedDoc): The doc.
    symmetric (Collection[str]): Labels without a direction.
    """
    labels = _index_ends(aligned)
    for constraint, cases, is_open in chain(
        _find_limits(aligned, labels, symmetric),
        _find_cycles(aligned, labels, symmetric),
        _find_places(aligned, labels),
        _find_inverse(labels, symmetric),
    ):
        counts = evidence.setdefault(constraint, Evidence())
        counts.cases += cases
        counts.open += is_open
    relations = [*chain.from_iterable(aligned.related.values())]
    for constraint, counts in evidence.items():
        if constraint.label in labels:
            counts.broken += sum(1 for _ in constraint(relations))


def _index_ends(aligned: AlignedDoc) -> dict[str, list[Ends]]:
    """RETURNS (dict[str, list[tuple[int, int]]]): Head and tail of each relation, by label."""
    labels: dict[str, list[Ends]] = defaultdict(list)
    for (first, second), relations in aligned.related.items():
        for relation in relations:
            is_in_order = relation_class(relation)[1] == ">"
            labels[relation.label].append((first, second) if is_in_order else (second, first))
    return labels


def _find_limits(
    aligned: AlignedDoc, labels: dict[str, list[Ends]], symmetric: Collection[str]
) -> Iterator[Cases]:
    """Yield the limits of one relation, with the entities that have other candidates."""
    types = [span.label_ for span in aligned.entities]
    pairs = aligned.pairs.tolist() if labels else []
    candidates = Counter((i, types[j]) for pair in pairs for i, j in (pair, pair[::-1]))
    for label, ends in labels.items():
        turned = [(tail, head) for head, tail in ends]
        limited: dict[LabelConstraint, list[Ends]] = (
            {MaxPerEntity(label, 1): ends + turned}
            if label in symmetric
            else {MaxPerHead(label, 1): ends, MaxPerTail(label, 1): turned}
        )
        for constraint, each in limited.items():
            related = Counter((entity, types[other]) for entity, other in each)
            others = {key[0] for key, count in related.items() if candidates[key] > count}
            yield constraint, len({entity for entity, _ in each}), len(others)


def _find_cycles(
    aligned: AlignedDoc, labels: dict[str, list[Ends]], symmetric: Collection[str]
) -> Iterator[Cases]:
    """Yield the constraints on cycles, with the candidate pairs that could close one of three."""
    for label, ends in labels.items():
        if label not in symmetric:
            closing = _select_typed(_list_chains(ends), ends, aligned)
            pairs = {(min(pair), max(pair)) for pair in closing}
            proposed = find_pairs(aligned.pairs, pairs, count=len(aligned.entities))
            yield Acyclic(label), len(ends), len(proposed)


def _list_chains(ends: Iterable[Ends]) -> Iterator[Ends]:
    """YIELDS (tuple[int, int]): The last and the first entity of each two relations in a row."""
    following: dict[int, list[int]] = defaultdict(list)
    for head, tail in ends:
        following[head].append(tail)
    return ((last, head) for head, tail in ends for last in following[tail] if last != head)


def _find_places(aligned: AlignedDoc, labels: dict[str, list[Ends]]) -> Iterator[Cases]:
    """Yield the constraints on places, with the candidate pairs of entities in one place."""
    places = [(span.start, span.end) for span in aligned.entities]
    pairs = [(i, j) for i, j in aligned.pairs.tolist() if places[i] == places[j]] if labels else []
    turned = [(j, i) for i, j in pairs]
    for label, ends in labels.items():
        typed = _select_typed([*pairs, *turned], ends, aligned)
        yield NoSelf(label), len(ends), len({(min(pair), max(pair)) for pair in typed})


def _find_inverse(labels: dict[str, list[Ends]], symmetric: Collection[str]) -> Iterator[Cases]:
    """Yield the constraints on labels that the same pairs have, with those in either direction."""
    directed = sorted(label for label in labels if label not in symmetric)
    for label, other in combinations(directed, 2):
        turned = {(tail, head) for head, tail in labels[other]}
        cases = len(turned.intersection(labels[label]))
        if cases or not {*labels[label]}.isdisjoint(labels[other]):
            yield InverseOf(label, other), cases, cases


def _select_typed(pairs: Iterable[Ends], ends: Iterable[Ends], aligned: AlignedDoc) -> list[Ends]:
    """RETURNS (list[tuple[int, int]]): The pairs whose types are those of head and tail of any of
    the relations.
    """
    types = [span.label_ for span in aligned.entities]
    known = {(types[head], types[tail]) for head, tail in ends}
    return [(i, j) for i, j in pairs if (types[i], types[j]) in known]
