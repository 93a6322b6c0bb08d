"""Write texts in a format, and count what it can't hold."""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from spacy.language import Language

from ..doc.chinese import ChineseCounts
from ..files.docbin import SUFFIX
from ..files.whole import written_whole
from .annotated_text import AnnotatedText
from .docs import with_tokens
from .entities import (
    UNANNOTATED,
    WITHOUT_ENTITIES,
    report_missing_attributes,
    without_attributes,
    without_overlaps,
)
from .format import Format
from .identifiers import report_identifiers
from .report import ConversionReport
from .scores import NO_SCORES, count_scores
from .source_doc import report_extras
from .sources import NOTHING_FOUND, Align, Findings, Source, Track

# Maximum number of texts whose tokens are looked at.
LOOKED_AT = 100
CHINESE = (
    "files of Chinese texts that the tokenizer leaves whole, so that few entities align with "
    "tokens (the language is {lang})"
)


@dataclass(frozen=True)
class TextWriter:
    """Writer of texts in one format.

    format (Format): The format.
    nlp (Language): The pipeline that tokenizes texts without tokens, if the format needs them.
    report (ConversionReport): The report, to count texts and losses.
    track (Callable[[Iterable[AnnotatedText]], Iterable[AnnotatedText]]): Function that shows the
        progress.
    flat (bool): Whether to leave out overlapping entities.
    found (Findings): What is known of all files.
    align (Callable[[AnnotatedText, ConversionReport], AnnotatedText] | None): Function that moves
        entities to the borders of tokens.
    scores (Counter[str]): The number of probabilities of each kind in the texts written so far.
    """

    format: Format
    nlp: Language
    report: ConversionReport
    track: Track = iter
    flat: bool = False
    found: Findings = NOTHING_FOUND
    align: Align | None = None
    scores: Counter[str] = field(default_factory=Counter)

    def read(self, source: Source) -> Iterator[AnnotatedText]:
        """Read the texts of a file to write them.

        source (Source): The file.
        RETURNS (Iterator[AnnotatedText]): The texts.
        """
        return source.read(self.report, self.found)

    def write(self, texts: Iterable[AnnotatedText], target: Path) -> int:
        """Write texts to a file. If an error occurs, nothing is written.

        texts (Iterable[AnnotatedText]): The texts.
        target (Path): The file, replaced if it exists. A folder must be empty or missing.
        RETURNS (int): The number of texts.
        RAISES (ValueError): If the folder is not empty, or the format can only be read.
        """
        with ExitStack() as files:
            return self.begin(texts, target, files)

    def begin(self, texts: Iterable[AnnotatedText], target: Path, files: ExitStack) -> int:
        """Write texts to a file that appears once all files of a stack are complete. If an error
        occurs before, none is written.

        texts (Iterable[AnnotatedText]): The texts.
        target (Path): The file, replaced if it exists. A folder must be empty or missing.
        files (ExitStack): The stack, which the file is added to.
        RETURNS (int): The number of texts.
        RAISES (ValueError): If the folder is not empty, or the format can only be read.
        """
        write = self.format.require_write()
        if target.is_dir() and any(target.iterdir()):
            raise ValueError(f"{target}: the folder must be empty or missing")
        before, chinese = self.report.texts, ChineseCounts()
        counted = self.prepare(self._look_at_tokens(self.track(texts), chinese))
        write(counted, files.enter_context(written_whole(target)), self.report)
        if chinese.are_whole:
            reason = CHINESE.format(lang=self.nlp.lang)
            self.report.choose(reason, str(target), f"{chinese.length:.1f} characters a token")
        return self.report.texts - before

    def prepare(self, texts: Iterable[AnnotatedText]) -> Iterator[AnnotatedText]:
        """Count texts and what the format can't hold of them, and add the tokens that it needs.

        texts (Iterable[AnnotatedText]): The texts.
        RETURNS (Iterator[AnnotatedText]): The texts to write.
        """
        counted = self._count(texts)
        return with_tokens(counted, self.nlp) if self.format.needs_tokens else counted

    @property
    def lost_scores(self) -> dict[str, int]:
        """RETURNS (dict[str, int]): The number of probabilities of each kind in the texts written
        so far, for the kinds that the format can't hold.
        """
        kept = self.format.keeps_scores
        return {kind: count for kind, count in self.scores.items() if count and kind not in kept}

    def report_scores(self) -> None:
        """Report the probabilities that the format can't hold, once for all texts.

        RAISES (LossError): If the report is strict about everything.
        """
        for kind, count in self.lost_scores.items():
            self.report.lose_other(NO_SCORES, kind, f"{count} probabilities")

    @property
    def _has_tokens(self) -> bool:
        return self.format.needs_tokens or self.format.suffix == SUFFIX

    def _look_at_tokens(
        self, texts: Iterable[AnnotatedText], chinese: ChineseCounts
    ) -> Iterator[AnnotatedText]:
        """Count Chinese characters in the tokens of the first texts that will be tokenized."""
        left = LOOKED_AT if self._has_tokens else 0
        for annotated in texts:
            if left and annotated.tokens is None:
                chinese.add(self.nlp.make_doc(annotated.text))
                left -= 1
            yield annotated

    def _count(self, texts: Iterable[AnnotatedText]) -> Iterator[AnnotatedText]:
        for annotated in texts:
            self.report.texts += 1
            self.report.entities += len(annotated.entities)
            self.scores.update(count_scores(annotated))
            # A pipeline that scores what it finds has found nothing here.
            if self.found.scores and not annotated.entities:
                annotated = replace(annotated, is_predicted=True)
            if not (annotated.has_relations or self.format.keeps_unannotated):
                self.report.choose(f"{UNANNOTATED}, written as none", annotated.place, "")
            if not (annotated.has_entities or self.format.keeps_missing_entities):
                self.report.choose(f"{WITHOUT_ENTITIES}, written as none", annotated.place, "")
            if not self.format.keeps_identifiers:
                report_identifiers(annotated, self.report)
            if annotated.source is not None and not self.format.keeps_source:
                report_extras(annotated.source, annotated.place, self.report)
            if not self.format.keeps_attributes:
                annotated = without_attributes(annotated, self.report)
            if self.align and self._has_tokens:
                annotated = self.align(annotated, self.report)
            # Docs without a span group choose among the entities that align with their tokens.
            if self.flat and not self.format.holds_docs:
                annotated = without_overlaps(annotated, self.report)
            # Without any attributes, all of them are unannotated when they are read again.
            if self.found.attributes and self.format.confuses_missing_attributes:
                report_missing_attributes(annotated, self.report)
            yield annotated
