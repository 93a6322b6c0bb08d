"""Advice on labels that are rare, or that the training data lacks."""

from collections import Counter
from collections.abc import Hashable, Iterator
from typing import TypeVar

from ..collect import Statistics
from ..split import SplitStatistics
from .wording import Rule, list_counts, share

# A label with fewer examples is hard to learn.
RARE = 20
FIRST = {">": "head", "<": "tail"}

KeyT = TypeVar("KeyT", bound=Hashable)


def _advise_on_rare_labels(statistics: Statistics) -> Iterator[str]:
    """Advise on labels with few examples in the training data."""
    entities, relations = (
        Counter({label: count for label, count in labels.items() if count < RARE})
        for labels in (statistics.train.entity_labels, statistics.train.relation_labels)
    )
    if entities or relations:
        yield (
            f"Labels with fewer than {RARE} examples in train are hard to learn: "
            f"{_list_kinds(entities, relations)}. Annotate more examples, merge these labels with "
            "others, or remove them."
        )


def _advise_on_new_labels(statistics: Statistics) -> Iterator[str]:
    """Advise on labels that the training data lacks."""
    for name, split in statistics.scored.items():
        entities = _new(split.entity_labels, statistics.train.entity_labels)
        relations = _new(split.relation_labels, statistics.train.relation_labels)
        if entities or relations:
            yield (
                f"{name} has labels that train lacks: {_list_kinds(entities, relations)}. They "
                "can't be predicted, and count as missed. Split the data again, or remove these "
                "labels."
            )


def _advise_on_new_directions(statistics: Statistics) -> Iterator[str]:
    """Advise on labels that the training data has only in the other direction."""
    train = statistics.train
    for name, split in statistics.scored.items():
        classes = _new(split.relation_classes, train.relation_classes)
        new = {
            f"{label} with the {FIRST[direction]} first": count
            for (label, direction), count in classes.items()
            if train.relation_labels[label]
        }
        if new:
            yield (
                f"{name} has relations in an order of head and tail that train lacks: "
                f"{list_counts(new)}. They can't be predicted, and count as missed. Split the data "
                "again, or add such relations to train."
            )


def _advise_on_new_triples(statistics: Statistics) -> Iterator[str]:
    """Advise on relations that an observed schema rules out."""
    if not statistics.settings.observes_schema:
        return
    for name, split in statistics.scored.items():
        if count := count_new_triples(statistics, split):
            ruled_out = share(count, split.relations, f"relations of {name}")
            yield (
                f"{ruled_out} are between types that are not related by this label in train. With "
                'schema = "observed" they can\'t be predicted. Add such relations to train, or set '
                "schema = null."
            )


def count_new_triples(statistics: Statistics, split: SplitStatistics) -> int:
    """Count the relations whose triple does not occur in the training data.

    statistics (Statistics): The statistics.
    split (SplitStatistics): Statistics of a split.
    RETURNS (int): The number of relations.
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
