"""Checks of the entities in the training data, when `str_ner` is initialized."""

import warnings
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from spacy.tokens import Doc, Span
from spacy.training import Example

from ..doc.chinese import ChineseCounts
from ..doc.entities import (
    SPANS_KEY,
    find_gold_key,
    get_entities,
    get_gold_entities,
    has_entities,
)
from ..doc.flat import find_unlearned
from ..doc.plurals import count_noun
from ..doc.relation import place_of
from .new_labels import ADD_LABELS


@dataclass
class GoldCounts:
    """Counts of the entities in the training data.

    docs (int): Number of docs.
    groups (set[str]): Span groups of the docs.
    without_group (int): Docs with entities that do not have the span group.
    only_in_group (int): Entities of the span group "sc" that are not in `doc.ents`, if these are
        learned.
    labels (Counter[str]): Number of entities by label.
    misaligned (int): Entities that do not align with the tokens of the pipeline.
    unlearned (int): Entities that overlap another one of their label.
    missing (int): Unannotated tokens of docs with annotated entities.
    chinese (ChineseCounts): Chinese characters, and the tokens of the pipeline that hold them.
    """

    docs: int = 0
    groups: set[str] = field(default_factory=set)
    without_group: int = 0
    only_in_group: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    misaligned: int = 0
    unlearned: int = 0
    missing: int = 0
    chinese: ChineseCounts = field(default_factory=ChineseCounts)


def count_gold(examples: Iterable[Example], spans_key: str | None) -> GoldCounts:
    """Count the entities in the training data.

    examples (Iterable[Example]): The examples.
    spans_key (str | None): The span group that holds the entities; `doc.ents` if None.
    RETURNS (GoldCounts): The counts.
    """
    counts = GoldCounts()
    for example in examples:
        doc = example.reference
        gold = get_gold_entities(doc, spans_key)
        aligned = example.get_aligned_spans_y2x(gold, allow_overlap=spans_key is not None)
        counts.docs += 1
        counts.groups.update(doc.spans)
        counts.without_group += find_gold_key(doc, spans_key) is None and len(doc.ents) > 0
        counts.only_in_group += _count_only_in_group(doc, gold) if spans_key is None else 0
        counts.labels.update(entity.label_ for entity in gold)
        counts.misaligned += len(gold) - len(aligned)
        counts.unlearned += len(find_unlearned(gold))
        counts.missing += _count_missing(doc, spans_key)
        counts.chinese.add(example.predicted)
    return counts


def _count_only_in_group(doc: Doc, entities: Iterable[Span]) -> int:
    return len({*map(place_of, get_entities(doc, SPANS_KEY))} - {*map(place_of, entities)})


def _count_missing(doc: Doc, spans_key: str | None) -> int:
    # A span group is annotated as a whole.
    if find_gold_key(doc, spans_key) is not None or not has_entities(doc):
        return 0
    return sum(token.ent_iob == 0 for token in doc)


def require_spans(name: str, counts: GoldCounts, spans_key: str | None) -> None:
    """Require the span group in the training data.

    name (str): The name of the component.
    counts (GoldCounts): The counts of the training data.
    spans_key (str | None): The span group that holds the entities; `doc.ents` if None.
    RAISES (ValueError): If no doc has the group.
    """
    if spans_key is None or spans_key in counts.groups or counts.docs == 0:
        return
    found = f"Found: {', '.join(map(repr, sorted(counts.groups)))}. " if counts.groups else ""
    raise ValueError(
        f"{name}: no training doc has the span group '{spans_key}' (spans_key), where entities may "
        f"overlap. {found}Convert the annotations with `spacy-str-encoder convert --spans-key "
        f"{spans_key}`, or set spans_key to null if no entities overlap."
    )


def require_known_labels(name: str, labels: Collection[str], counts: GoldCounts) -> None:
    """Require that labels cover the training data.

    name (str): The name of the component.
    labels (Collection[str]): The labels.
    counts (GoldCounts): The counts of the training data.
    RAISES (ValueError): If the data has entities without a label.
    """
    if unknown := sorted(set(counts.labels).difference(labels)):
        listed = ", ".join(
            f"'{label}' ({count_noun(counts.labels[label], 'time')})" for label in unknown
        )
        raise ValueError(
            f"{name}: the training data has entity labels that the given label file lacks: "
            f"{listed}. {ADD_LABELS}"
        )


def warn_of_language(name: str, counts: GoldCounts, lang: str) -> None:
    """Warn of Chinese texts that the tokenizer of the pipeline leaves whole.

    name (str): The name of the component.
    counts (GoldCounts): The counts of the training data.
    lang (str): The language of the pipeline.
    """
    if counts.chinese.are_whole:
        warnings.warn(
            f"{name}: the language of the pipeline is {lang}, but the texts look Chinese: tokens "
            f"have {counts.chinese.length:.1f} Chinese characters on average, so few entities "
            'begin and end where tokens do. Set lang = "zh" under [nlp] of the config, and convert '
            "the data with --lang zh.",
            stacklevel=3,
        )


def warn_of_unlearned(name: str, counts: GoldCounts, spans_key: str | None) -> None:
    """Warn of gold entities that can't be learned.

    name (str): The name of the component.
    counts (GoldCounts): The counts of the training data.
    spans_key (str | None): The span group that holds the entities; `doc.ents` if None.
    """
    total = counts.labels.total()
    if spans_key is not None and counts.without_group:
        warnings.warn(
            f"{name}: for training docs that have entities, but not the span group '{spans_key}' "
            f"of spans_key ({counts.without_group} of {counts.docs}), the gold entities are those "
            "of doc.ents, where none overlap.",
            stacklevel=3,
        )
    if counts.only_in_group:
        warnings.warn(
            f"{name}: gold entities of doc.spans['{SPANS_KEY}'] that doc.ents lacks "
            f"({counts.only_in_group}) are not learned. To learn them too, set spans_key = "
            f"'{SPANS_KEY}' (--components.{name}.spans_key {SPANS_KEY}).",
            stacklevel=3,
        )
    if counts.misaligned:
        warnings.warn(
            f"{name}: tokens of gold entities that do not align with the tokens of the pipeline "
            f"({counts.misaligned} of {total}) are trained as O. Run `spacy-str-encoder "
            "debug-data` to see these entities.",
            stacklevel=3,
        )
    if counts.unlearned:
        warnings.warn(
            f"{name}: gold entities that overlap another one of the same label "
            f"({counts.unlearned} of {total}) are not learned. Run `spacy-str-encoder debug-data` "
            "to see them.",
            stacklevel=3,
        )
    if counts.missing:
        warnings.warn(
            f"{name}: docs with annotated entities have "
            f"{count_noun(counts.missing, 'unannotated token')} (token.ent_iob is 0). Such tokens "
            "are trained as O. If they are not in an entity, set doc.set_ents(doc.ents).",
            stacklevel=3,
        )
