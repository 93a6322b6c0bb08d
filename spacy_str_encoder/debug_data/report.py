"""Statistics as JSON."""

from collections import Counter
from dataclasses import asdict
from typing import Any

from .advice import give_advice
from .collect import Statistics
from .findings import CHECKS
from .proposals import list_config_lines, propose_constraints
from .settings import PipelineSettings
from .split import SplitStatistics


def make_report(statistics: Statistics) -> dict[str, Any]:
    """Convert statistics and advice to plain data that can be saved as JSON.

    statistics (Statistics): The statistics.
    RETURNS (dict[str, Any]): The `settings` of the pipeline, the `splits`, the `balance` of the
        candidate pairs in training, `repeated_texts`, `advice`, proposed `constraints`, and the
        lines of a `config` that declare these.
    """
    return {
        "settings": _settings(statistics.settings),
        "splits": {name: _split(statistics, split) for name, split in statistics.splits.items()},
        "balance": asdict(statistics.balance),
        "repeated_texts": [
            {"split": split, "other": other, **asdict(repeats)}
            for (split, other), repeats in statistics.repeats.items()
        ],
        "advice": give_advice(statistics),
        "constraints": [
            {"function": each.function, **each.settings, **asdict(each.evidence)}
            for each in propose_constraints(statistics)
        ],
        "config": [*list_config_lines(statistics)],
    }


def _settings(settings: PipelineSettings) -> dict[str, Any]:
    return {
        "lang": settings.nlp.lang,
        "retokenizes": settings.retokenizes,
        "has_windows": settings.get_spans is not None,
        "has_tokenizer": settings.tokenizer is not None,
        "spans_key": settings.task.spans_key,
        "observes_schema": settings.observes_schema,
        "symmetric": list(settings.task.symmetric),
        "exclusive": settings.task.exclusive,
        "constraints": [*settings.task.constraints],
        "negative_rate": settings.negative_rate,
    }


def _split(statistics: Statistics, split: SplitStatistics) -> dict[str, Any]:
    return {
        "docs": split.docs,
        "tokens": split.tokens,
        "pieces": split.pieces,
        "unknown_pieces": split.unknown_pieces,
        "annotated_entities": split.annotated,
        "entities": split.entities,
        "relations": split.relations,
        "longest_docs": [doc._asdict() for doc in split.longest],
        "entity_labels": _rows(split.entity_labels, "label"),
        "attributes": _rows(split.attributes, "type", "name", "value"),
        "without_attributes": _rows(split.without_attributes, "type"),
        "unannotated_attributes": _rows(split.unannotated_attributes, "type"),
        "relation_labels": _rows(split.relation_labels, "label"),
        "directions": _rows(split.relation_classes, "label", "direction"),
        "triples": _rows(split.triples, "head", "label", "tail"),
        "shared_pairs": _rows(split.shared_pairs, "labels"),
        "distances": _rows(split.distances, "tokens"),
        "pair_types": _rows(split.pair_types, "first", "second"),
        "reach": {name: asdict(reach) for name, reach in split.reach.items()},
        "observed_pairs": statistics.count_observed_pairs(split),
        "findings": {each.name: asdict(split.findings[each.name]) for each in CHECKS},
        "lost": {reason: asdict(finding) for reason, finding in split.lost.items()},
        "chosen": {reason: asdict(finding) for reason, finding in split.chosen.items()},
        "breaking": {name: asdict(finding) for name, finding in split.breaking.items()},
    }


def _rows(counts: Counter[Any], *names: str) -> list[dict[str, Any]]:
    """Convert counts to a list of objects, the most frequent key first. Keys may be tuples."""
    return [
        {**dict(zip(names, key if len(names) > 1 else [key], strict=True)), "count": count}
        for key, count in counts.most_common()
    ]
