"""Advice on labels that are rare, or that the training data lacks."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Mapping
from typing import TypeVar

from ...doc.plurals import count_noun
from ..collect import Statistics
from ..split import SplitStatistics
from .wording import Rule, list_counts, share

# A label with fewer examples is hard to learn.
RARE = 20
FIRST = {">": "head", "<": "tail"}

KeyT = TypeVar("KeyT", bound=Hashable)


def _advise_on_rare_labels(statistics: Statistics) -> Iterator[str]:
    """Advise on labels with few examples in the training data."""
    rare = {
        kind: Counter({label: count for label, count in labels.items() if count < RARE})
        for kind, labels in _labels_by_kind(statistics, statistics.train).items()
    }
    if listed := _list_kinds(rare):
        yield (
            f"Labels with fewer than {RARE} examples in train are hard to learn: {listed}. "
            "Annotate more examples, merge these labels with "
            "others, or remove them."
        )


def _advise_on_new_labels(statistics: Statistics) -> Iterator[str]:
    """Advise on labels that the training data lacks."""
    for name, split in statistics.scored.items():
        known = _labels_by_kind(statistics, statistics.train)
        labels = _labels_by_kind(statistics, split)
        if listed := _list_kinds({kind: _new(labels[kind], known[kind]) for kind in known}):
            yield (
                f"{name} has labels that train lacks: {listed}. They can't be predicted, and count "
                "as missed. Split the data again, or remove these labels."
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


def _labels_by_kind(statistics: Statistics, split: SplitStatistics) -> dict[str, Counter[str]]:
    # Default values need not be annotated.
    defaults = {f"{name}={value}" for name, value in statistics.settings.defaults.items()}
    attributes = split.attribute_labels.items()
    return {
        "entities": split.entity_labels,
        "attributes": Counter({each: n for each, n in attributes if each not in defaults}),
        "relations": split.relation_labels,
    }


def _list_kinds(kinds: Mapping[str, Counter[str]]) -> str:
    return "; ".join(f"{kind} {list_counts(counts)}" for kind, counts in kinds.items() if counts)


def _advise_on_untrained_attributes(statistics: Statistics) -> Iterator[str]:
    """Advise on attributes that no component of the pipeline learns."""
    train = statistics.train
    if train.attributes and not statistics.settings.predicts_attributes:
        listed = list_counts(_count_names(train))
        yield (
            f"train has attributes of entities ({listed}), but the pipeline has no str_attr to "
            "learn them. Add it to the pipeline, after str_ner."
        )


def _advise_on_unknown_defaults(statistics: Statistics) -> Iterator[str]:
    """Advise on default values of attributes that the training data lacks."""
    names = _count_names(statistics.train)
    if unknown := sorted(statistics.settings.defaults.keys() - names):
        yield (
            f"No entity of train has the attribute {', '.join(map(repr, unknown))}, named in "
            f"defaults of str_attr. The attributes are: {', '.join(sorted(names)) or 'none'}. "
            "Correct defaults, or training stops with an error."
        )


def _count_names(split: SplitStatistics) -> Counter[str]:
    names: Counter[str] = Counter()
    for (_, name, _), count in split.attributes.items():
        names[name] += count
    return names


def _advise_on_single_values(statistics: Statistics) -> Iterator[str]:
    """Advise on attributes with a single value."""
    values: dict[str, set[str]] = defaultdict(set)
    for _, name, value in statistics.train.attributes:
        values[name].add(value)
        values[name].add(statistics.settings.defaults.get(name, value))
    if single := sorted(name for name, found in values.items() if len(found) == 1):
        yield (
            f"Attributes with a single value in train: {', '.join(single)}. To learn which "
            "entities lack it, set the value of those in defaults of str_attr, such as "
            f'{{"{single[0]}": "false"}}.'
        )


def _advise_on_missing_values(statistics: Statistics) -> Iterator[str]:
    """Advise on entities without attributes, of types that have attributes."""
    train, defaults = statistics.train, statistics.settings.defaults
    types = {entity_type for entity_type, _, _ in train.attributes}
    # Some of their attributes have no default.
    incomplete = {each for each, name, _ in train.attributes if name not in defaults}
    without = sum(train.without_attributes[each] for each in incomplete)
    unannotated = sum(train.unannotated_attributes[each] for each in types)
    if without:
        yield (
            f"train has {count_noun(without, 'entity')} without attributes, although others of "
            "the same types have some. Name the values that this stands for in defaults of "
            "str_attr; without defaults, nothing is learned from such entities."
        )
    if unannotated:
        yield (
            f"train has {count_noun(unannotated, 'entity')} with unannotated attributes, although "
            "others of the same types have some; unannotated attributes are not learned."
        )


RULES: tuple[Rule, ...] = (
    _advise_on_rare_labels,
    _advise_on_new_labels,
    _advise_on_untrained_attributes,
    _advise_on_unknown_defaults,
    _advise_on_single_values,
    _advise_on_missing_values,
    _advise_on_new_directions,
    _advise_on_new_triples,
)
