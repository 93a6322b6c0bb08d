"""Advice on labels: those that are rare, or that only the parts that are scored have."""

from collections import Counter
from collections.abc import Hashable, Iterator
from typing import TypeVar

from ..collect import Statistics
from ..split import SplitStatistics
from .wording import Rule, list_counts, share

# With fewer examples a label is hardly learned.
RARE = 20
FIRST = {">": "head", "<": "tail"}

KeyT = TypeVar("KeyT", bound=Hashable)


def _advise_on_rare_labels(statistics: Statistics) -> Iterator[str]:
    """The labels with few examples in the training data."""
    entities, relations = (
        Counter({label: count for label, count in labels.items() if count < RARE})
        for labels in (statistics.train.entity_labels, statistics.train.relation_labels)
    )
    if entities or relations:
        yield (
            f"Labels with fewer than {RARE} examples in train are hardly learned: "
            f"{_list_kinds(entities, relations)}. Annotate more of them, merge them with others, "
            "or leave them out."
        )


def _advise_on_new_labels(statistics: Statistics) -> Iterator[str]:
    """The labels that the training data lack."""
    for name, split in statistics.scored.items():
        entities = _new(split.entity_labels, statistics.train.entity_labels)
        relations = _new(split.relation_labels, statistics.train.relation_labels)
        if entities or relations:
            yield (
                f"{name} has labels that train lacks: {_list_kinds(entities, relations)}. They "
                "can't be found, and count as missed. Divide the data anew, or leave them out."
            )


def _advise_on_new_directions(statistics: Statistics) -> Iterator[str]:
    """The labels that the training data have in the other direction alone."""
    train = statistics.train
    for name, split in statistics.scored.items():
        classes = _new(split.relation_classes, train.relation_classes)
        new = {
            f"{label}, {FIRST[direction]} first": count
            for (label, direction), count in classes.items()
            if train.relation_labels[label]
        }
        if new:
            yield (
                f"{name} has relations in an order of head and tail that train lacks: "
                f"{list_counts(new)}. They can't be found, and count as missed."
            )


def _advise_on_new_triples(statistics: Statistics) -> Iterator[str]:
    """How many relations an observed schema rules out."""
    if not statistics.settings.observes_schema:
        return
    for name, split in statistics.scored.items():
        if count := count_new_triples(statistics, split):
            ruled_out = share(count, split.relations, f"relations of {name}")
            yield (
                f"{ruled_out} are between types that the label has not in train, and with schema = "
                '"observed" can\'t be found.'
            )


def count_new_triples(statistics: Statistics, split: SplitStatistics) -> int:
    """Count the relations whose label has other types of head and tail in the training data.

    statistics (Statistics): The statistics.
    split (SplitStatistics): A part of the data.
    RETURNS (int): How many there are.
    """
    return _new(split.triples, statistics.train.triples).total()


def _new(counts: Counter[KeyT], known: Counter[KeyT]) -> Counter[KeyT]:
    return Counter({key: count for key, count in counts.items() if not known[key]})


def _list_kinds(entities: Counter[str], relations: Counter[str]) -> str:
    kinds = {"entities": entities, "relations": relations}
    return "; ".join(f"{kind} {list_counts(counts)}" for kind, counts in kinds.items() if counts)


RULES: tuple[Rule, ...] = (
    _advise_on_rare_labels,
    _advise_on_new_labels,
    _advise_on_new_directions,
    _advise_on_new_triples,
)
