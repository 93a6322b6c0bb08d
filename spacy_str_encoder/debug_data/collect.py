"""Collecting statistics from files."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from spacy.tokens import Doc

from ..doc.entities import SPANS_KEY
from ..doc.misaligned import get_misaligned_entities, get_misaligned_relations
from ..formats.entities import KEPT_APART, MISALIGNED, UNCONNECTED
from ..formats.registry import read_docs
from ..formats.report import ConversionReport
from ..pairs.candidates import type_codes
from ..pairs.schema import make_schema, related_types
from .aligned import align_doc
from .findings import EXAMPLES, Finding, shorten
from .reach import CONFIGURED, Balance
from .repeats import RepeatedTexts, Repeats
from .settings import PipelineSettings
from .split import SplitStatistics, count_doc

Track = Callable[[Iterable[Doc]], Iterable[Doc]]
TRAIN = "train"


@dataclass(frozen=True)
class Statistics:
    """Statistics of annotated data.

    splits (dict[str, SplitStatistics]): Statistics of each split by name: `train`, then the splits
        to evaluate on.
    repeats (dict[tuple[str, str], Repeats]): Docs of a split whose texts already occurred in it, or
        in an earlier split, by the names of both splits.
    settings (PipelineSettings): Settings of the pipeline.
    """

    splits: dict[str, SplitStatistics]
    repeats: dict[tuple[str, str], Repeats]
    settings: PipelineSettings

    @property
    def train(self) -> SplitStatistics:
        """RETURNS (SplitStatistics): Statistics of the training data."""
        return self.splits[TRAIN]

    @property
    def scored(self) -> dict[str, SplitStatistics]:
        """RETURNS (dict[str, SplitStatistics]): Statistics of the other splits by name."""
        return {name: split for name, split in self.splits.items() if name != TRAIN}

    @property
    def fitting(self) -> dict[str, SplitStatistics]:
        """RETURNS (dict[str, SplitStatistics]): The splits whose tokens are not those of another
        language, which is to blame for all that is lost otherwise, by name.
        """
        return {n: split for n, split in self.splits.items() if not split.fit.is_other_language}

    @property
    def balance(self) -> Balance:
        """RETURNS (Balance): Candidate pairs of the training data, with and without a relation."""
        settings, reach = self.settings, self.train.reach[CONFIGURED]
        pairs = self.count_observed_pairs(self.train) if settings.observes_schema else reach.pairs
        return Balance(reach.related, pairs - reach.related, settings.negative_rate)

    def count_observed_pairs(self, split: SplitStatistics) -> int:
        """Count the candidate pairs that remain with a schema observed in the training data.

        split (SplitStatistics): Statistics of a split.
        RETURNS (int): The number of pairs.
        """
        classes, symmetric = list(self.train.relation_classes), self.settings.task.symmetric
        schema = make_schema(list(self.train.triples), classes, symmetric=symmetric)
        is_related = related_types(schema)
        return sum(
            count
            for types, count in split.pair_types.items()
            if is_related[tuple(type_codes(types, schema.types))]
        )


def collect_statistics(
    paths: Mapping[str, Path], settings: PipelineSettings, *, track: Track = iter
) -> Statistics:
    """Collect statistics of annotated files.

    paths (Mapping[str, Path]): File of each split, in any format: `train` first.
    settings (PipelineSettings): Settings of the pipeline.
    track (Callable[[Iterable[Doc]], Iterable[Doc]]): Function that shows the progress over docs.
    RETURNS (Statistics): The statistics.
    RAISES (ValueError): If a file can't be read.
    """
    texts = RepeatedTexts()
    splits = {}
    # Overlapping entities are counted, also if the pipeline can't learn them.
    spans_key = settings.task.spans_key or SPANS_KEY
    for name, path in paths.items():
        report = ConversionReport()
        docs = read_docs(path, settings.nlp, report, spans_key=spans_key)
        splits[name] = _count_split(name, track(docs), settings, texts)
        splits[name].lost |= _count_cases(report.lost, but=KEPT_APART)
        splits[name].chosen = _count_cases(report.chosen)
    return Statistics(splits, texts.found, settings)


def _count_split(
    name: str, docs: Iterable[Doc], settings: PipelineSettings, texts: RepeatedTexts
) -> SplitStatistics:
    split = SplitStatistics()
    for number, doc in enumerate(docs, start=1):
        split.span_groups |= doc.spans.keys()
        aligned = align_doc(doc, settings, number=number)
        count_doc(split, aligned, settings)
        _count_misaligned(split, doc, number)
        texts.add(name, aligned, settings)
    return split


def _count_misaligned(split: SplitStatistics, doc: Doc, number: int) -> None:
    """Count what docs keep in their user data, where components do not see it."""
    text = doc.text
    for start, end, label in get_misaligned_entities(doc):
        case = f"doc {number}: {shorten(text[start:end])} ({label}, {start}-{end})"
        split.lost.setdefault(MISALIGNED, Finding()).add(case)
    for head, tail, label in get_misaligned_relations(doc):
        ends = (shorten(text[start:end]) for start, end, _ in (head, tail))
        case = f"doc {number}: {f' {label} '.join(ends)}"
        split.lost.setdefault(UNCONNECTED, Finding()).add(case)


def _count_cases(
    reasons: Mapping[str, Sequence[str]], *, but: Collection[str] = ()
) -> dict[str, Finding]:
    return {
        reason: Finding(len(cases), list(cases[:EXAMPLES]))
        for reason, cases in reasons.items()
        if reason not in but
    }
