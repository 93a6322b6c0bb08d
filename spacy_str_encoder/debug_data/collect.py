"""From files to statistics."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from spacy.tokens import Doc

from ..formats.registry import read_docs
from ..formats.report import ConversionReport
from .aligned import align_doc
from .findings import EXAMPLES, Finding
from .repeats import RepeatedTexts, Repeats
from .settings import Settings
from .split import SplitStatistics, count_doc

Track = Callable[[Iterable[Doc]], Iterable[Doc]]
TRAIN = "train"


@dataclass(frozen=True)
class Statistics:
    """What data have.

    splits (dict[str, SplitStatistics]): What each part has, by its name: `train`, and what is
        scored.
    repeats (dict[tuple[str, str], Repeats]): The docs of a part whose texts are in it before, or in
        an earlier part, by the names of both.
    settings (Settings): The settings of the pipeline that they were counted for.
    """

    splits: dict[str, SplitStatistics]
    repeats: dict[tuple[str, str], Repeats]
    settings: Settings

    @property
    def train(self) -> SplitStatistics:
        """RETURNS (SplitStatistics): What the training data have."""
        return self.splits[TRAIN]

    @property
    def scored(self) -> dict[str, SplitStatistics]:
        """RETURNS (dict[str, SplitStatistics]): What the other parts have."""
        return {name: split for name, split in self.splits.items() if name != TRAIN}


def collect_statistics(
    paths: Mapping[str, Path], settings: Settings, *, track: Track = iter
) -> Statistics:
    """Count what annotated files have.

    paths (Mapping[str, Path]): The file, in any format, of each part of the data: `train` first.
    settings (Settings): The settings of the pipeline.
    track (Callable[[Iterable[Doc]], Iterable[Doc]]): Shows how far it has come.
    RETURNS (Statistics): The statistics.
    RAISES (ValueError): If a file can't be read.
    """
    texts = RepeatedTexts()
    splits = {}
    for name, path in paths.items():
        report = ConversionReport()
        docs = read_docs(path, settings.nlp, report, spans_key=settings.spans_key)
        splits[name] = _count_split(name, track(docs), settings, texts)
        splits[name].lost = _count_cases(report.lost)
        splits[name].chosen = _count_cases(report.chosen)
    return Statistics(splits, texts.found, settings)


def _count_split(
    name: str, docs: Iterable[Doc], settings: Settings, texts: RepeatedTexts
) -> SplitStatistics:
    split = SplitStatistics()
    for number, doc in enumerate(docs, start=1):
        aligned = align_doc(doc, settings, number=number)
        count_doc(split, aligned, settings)
        texts.add(name, aligned, settings)
    return split


def _count_cases(reasons: Mapping[str, Sequence[str]]) -> dict[str, Finding]:
    return {
        reason: Finding(len(cases), list(cases[:EXAMPLES])) for reason, cases in reasons.items()
    }
