"""Files to read, and what must be known of all of them before the first one is converted."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from .annotated_text import AnnotatedText
from .entities import (
    UNANNOTATED,
    WITHOUT_ENTITIES,
    has_attributes,
    has_overlaps,
    trim_entities,
    with_annotated_attributes,
)
from .format import Format
from .report import ConversionReport
from .scores import has_scores

Track = Callable[[Iterable[AnnotatedText]], Iterable[AnnotatedText]]
# Aligns the entities of a text with its tokens, and reports what it changes.
Align = Callable[[AnnotatedText, ConversionReport], AnnotatedText]
WITHOUT_ANY_ENTITY = f"{WITHOUT_ENTITIES}: the whole input has none"
WITHOUT_ANY_RELATION = f"{UNANNOTATED}: the whole input has none"


@dataclass(frozen=True)
class Findings:
    """Findings in all files.

    overlaps (bool): Whether entities of any text overlap.
    annotated_attributes (bool): Whether any entity has attributes, in the files whose format can't
        tell unannotated attributes from none. The attributes of all their entities are annotated
        then, otherwise of none.
    annotated_relations (bool): The same for relations.
    annotated_entities (bool): The same for entities. If they are unannotated, relations are too.
    no_unannotated (bool): Whether texts with unannotated relations are read as texts without
        relations. Found in no file, but set by users.
    no_missing_entities (bool): The same for entities.
    attributes (bool): Whether any entity of the whole input has attributes.
    scores (bool): Whether anything in the whole input has a probability.
    rejected (Sequence[str]): The errors of invalid texts.
    is_empty (bool): Whether there is nothing in the files, not even something that is left out.
    """

    overlaps: bool = False
    annotated_attributes: bool = False
    annotated_relations: bool = True
    annotated_entities: bool = True
    no_unannotated: bool = False
    no_missing_entities: bool = False
    attributes: bool = False
    scores: bool = False
    rejected: Sequence[str] = ()
    is_empty: bool = False


NOTHING_FOUND = Findings()


@dataclass(frozen=True)
class Source:
    """File or folder to read, and its format.

    path (Path): The file or folder.
    format (Format): The format.
    pipeline (str | None): The name, version and hash of the pipeline that annotated it, if any.
    """

    path: Path
    format: Format
    pipeline: str | None = None

    def read(
        self, report: ConversionReport, found: Findings = NOTHING_FOUND
    ) -> Iterator[AnnotatedText]:
        """Read the texts. White space at the ends of entities is left out.

        report (ConversionReport): The report, to count losses.
        found (Findings): What is known of all files, see `inspect_sources`.
        YIELDS (AnnotatedText): The texts.
        """
        texts = self.format.read(self.path, report)
        for annotated in report.noting_empty(texts, str(self.path)):
            annotated = trim_entities(replace(annotated, pipeline=self.pipeline), report)
            if found.annotated_attributes and self.format.confuses_missing_attributes:
                annotated = with_annotated_attributes(annotated)
            yield self._decide_relations(
                self._decide_entities(annotated, report, found), report, found
            )

    def _decide_entities(
        self, annotated: AnnotatedText, report: ConversionReport, found: Findings
    ) -> AnnotatedText:
        """Decide whether the entities of a text are annotated, in the same way."""
        if not annotated.has_entities and found.no_missing_entities:
            report.choose(f"{WITHOUT_ENTITIES}, read as none", annotated.place, "")
            return replace(annotated, has_entities=True)
        is_clear = self.format.keeps_missing_entities or found.no_missing_entities
        if not annotated.has_entities or is_clear or found.annotated_entities:
            return annotated
        report.choose(WITHOUT_ANY_ENTITY, annotated.place, "")
        return replace(annotated, has_entities=False, has_relations=False)

    def _decide_relations(
        self, annotated: AnnotatedText, report: ConversionReport, found: Findings
    ) -> AnnotatedText:
        """Decide whether the relations of a text are annotated, if the format can't tell, or no
        text is to have unannotated ones.
        """
        if not annotated.has_relations:
            if not (annotated.has_entities or found.annotated_entities or found.no_unannotated):
                return annotated  # It was said of the entities.
            reason = f"{UNANNOTATED}, read as none" if found.no_unannotated else UNANNOTATED
            report.choose(reason, annotated.place, "")
            return replace(annotated, has_relations=found.no_unannotated)
        if self.format.keeps_unannotated or found.annotated_relations or found.no_unannotated:
            return annotated
        report.choose(WITHOUT_ANY_RELATION, annotated.place, "")
        return replace(annotated, has_relations=False)


def decide_empty_files(
    sources: Sequence[Source], found: Findings, formats: Mapping[str, Format]
) -> list[Source]:
    """Read empty files of annotations as unannotated, if the whole input has no entities.

    sources (Sequence[Source]): The files to read.
    found (Findings): What is known of all files.
    formats (Mapping[str, Format]): All formats, which read empty files as unannotated.
    RETURNS (list[Source]): The files to read, in these formats if need be.
    """
    if found.annotated_entities or found.no_missing_entities:
        return [*sources]
    return [replace(source, format=formats[source.format.name]) for source in sources]


def inspect_sources(
    sources: Sequence[Source], *, align: Align | None = None, track: Track = iter
) -> Findings:
    """Read all files once, before any of them is converted.

    sources (Sequence[Source]): The files to read.
    align (Callable[[AnnotatedText, ConversionReport], AnnotatedText] | None): Function that moves
        entities to the borders of tokens.
    track (Callable[[Iterable[AnnotatedText]], Iterable[AnnotatedText]]): Function that shows the
        progress.
    RETURNS (Findings): The findings.
    RAISES (ValueError): If a file can't be read.
    """
    report, seen = ConversionReport(skip_bad=True), _Seen()
    # Reads all texts, whatever becomes of them.
    deque(track(_look_at_texts(sources, report, seen, align)), maxlen=0)
    return Findings(
        overlaps=seen.overlaps,
        annotated_attributes=seen.confused_attributes,
        annotated_relations=seen.relations,
        annotated_entities=seen.entities,
        attributes=seen.attributes,
        scores=seen.scores,
        rejected=report.rejected,
        is_empty=not (seen.texts or report.lost or report.rejected),
    )


@dataclass
class _Seen:
    texts: bool = False
    overlaps: bool = False
    confused_attributes: bool = False
    entities: bool = False
    relations: bool = False
    attributes: bool = False
    scores: bool = False


def _look_at_texts(
    sources: Iterable[Source], report: ConversionReport, seen: _Seen, align: Align | None
) -> Iterator[AnnotatedText]:
    for source in sources:
        for annotated in source.read(report):
            seen.texts = True
            aligned = align(annotated, report) if align else annotated
            seen.overlaps |= has_overlaps(aligned)
            seen.scores = seen.scores or has_scores(annotated)
            if has_attributes(annotated):
                seen.attributes = True
                seen.confused_attributes |= source.format.confuses_missing_attributes
            seen.entities |= not source.format.keeps_missing_entities and bool(annotated.entities)
            seen.relations |= not source.format.keeps_unannotated and bool(annotated.relations)
            yield annotated
