"""Doubtful data: training works, but scores may mislead."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from ..doc.plurals import count_noun
from .counts import CorpusCounts
from .trained import TrainedParts

# From this share on, scores tell what was learned by heart.
MUCH = 0.1


def find_doubts(train: CorpusCounts, dev: CorpusCounts, trained: TrainedParts) -> Iterator[str]:
    """Find doubtful data. What concerns the training data alone is up to the components.

    train (CorpusCounts): Counts of the training data.
    dev (CorpusCounts): Counts of the data to score on.
    trained (TrainedParts): The components that are trained.
    YIELDS (str): A sentence on each doubt.
    """
    if dev.docs == 1:
        yield "dev has a single text, so scores say little. Annotate more, or split the data again."
    if unknown := list(_list_unknown(train, dev, trained)):
        yield (
            f"dev has labels that train lacks: {', '.join(unknown)}. They can't be predicted, and "
            "count as missed. Split the data again, or remove these labels."
        )
    shared = sum(count for text, count in dev.texts.items() if text in train.texts)
    if shared >= MUCH * dev.docs > 0:
        yield (
            f"Texts of dev are in train ({shared:,} of {dev.docs:,}), so scores will be too high. "
            "Remove them, or split the data again: spacy-str-encoder convert --split keeps equal "
            "texts together."
        )


def _list_unknown(train: CorpusCounts, dev: CorpusCounts, trained: TrainedParts) -> Iterator[str]:
    pairs: list[tuple[str | None, Counter[str], Counter[str]]] = [
        (trained.entities, train.entities, dev.entities),
        (trained.relations, train.relations, dev.relations),
    ]
    for component, known, labels in pairs:
        if component is not None:
            new = sorted({*labels}.difference(known, trained.labels))
            yield from (f"{label} ({labels[label]:,})" for label in new)


def find_other_schedule(training: Mapping[str, Any]) -> Iterator[str]:
    """Find a schedule of the learning rate that does not end where training does.

    training (Mapping[str, Any]): The training section of the config.
    YIELDS (str): A sentence on the difference.
    """
    rate, steps = training["optimizer"].get("learn_rate"), training["max_steps"]
    total = rate.get("total_steps", steps) if isinstance(rate, Mapping) else steps
    # A total of 0 is replaced later, see plan_updates.
    if steps and total and total != steps:
        yield (
            f"training.max_steps is {steps:,}, but total_steps of the learning rate is {total:,}: "
            f"{'nothing is learned after that' if total < steps else 'it does not fall to zero'}. "
            "Set both to the same number."
        )


def find_flat_score(weights: Mapping[str, float | None], trained: TrainedParts) -> Iterator[str]:
    """Find score weights that leave out entities that overlap.

    weights (Mapping[str, float | None]): The score weights of the config.
    trained (TrainedParts): The components that are trained.
    YIELDS (str): A sentence on it.
    """
    score = f"spans_{trained.spans_key}_f"
    learns_overlaps = trained.entities is not None and trained.spans_key is not None
    if learns_overlaps and weights.get("ents_f") and not weights.get(score):
        yield (
            f"{trained.entities} has the spans_key {trained.spans_key}, but model-best is chosen "
            "by ents_f, the score of doc.ents, which leaves out entities that overlap. Set "
            f"--training.score_weights.ents_f 0 --training.score_weights.{score} 0.5."
        )


def find_rare_evaluations(updates: int, eval_frequency: int) -> Iterator[str]:
    """Find a training that ends before its second evaluation. The first one is after one update.

    updates (int): The number of updates; 0 if it is not known.
    eval_frequency (int): The number of updates from one evaluation to the next.
    YIELDS (str): A sentence on it.
    """
    if 0 < updates < eval_frequency:
        yield (
            f"training.eval_frequency is {eval_frequency:,}, but training ends after "
            f"{count_noun(updates, 'update')}: only the first is evaluated, so model-best will be "
            f"almost untrained. Set --training.eval_frequency to {updates:,} or less."
        )
