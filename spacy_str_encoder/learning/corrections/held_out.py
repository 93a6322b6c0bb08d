"""Texts of dev and test data, which are not to be trained on: only the texts matter."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from spacy.language import Language

from ...doc.plurals import count_noun
from ...formats.annotated_text import AnnotatedText
from ...formats.format import ReadOptions
from ...formats.report import ConversionReport
from ...formats.texts import read_texts

IN_HELD_OUT = "{}, in held-out data"
ALL_TEXTS = ReadOptions(all_texts=True)


def read_held_out(
    paths: Sequence[Path], nlp: Language, report: ConversionReport, *, spans_key: str | None
) -> Iterator[AnnotatedText]:
    """Read all texts, annotated or not.

    paths (Sequence[Path]): Files or folders.
    nlp (Language): The pipeline that tokenizes texts for formats that need tokens.
    report (ConversionReport): The report, to count what is left out.
    spans_key (str | None): The span group of docs with all entities.
    YIELDS (AnnotatedText): The texts.
    RAISES (ValueError): If a file or a text can't be read, also if the report skips invalid texts.
    """
    for path in paths:
        own = ConversionReport(skip_bad=True)
        try:
            yield from read_texts(path, nlp, own, spans_key=spans_key, options=ALL_TEXTS)
        except ValueError as error:
            raise ValueError(
                f"--held-out must name texts in a format that `convert` reads: {error}"
            ) from error
        if own.rejected:
            raise ValueError(
                f"--held-out must have valid texts, got {count_noun(len(own.rejected), 'text')} "
                f"that can't be read, and so can't be held out: {own.rejected[0]}"
            )
        for reason, cases in own.lost.items():
            report.lost.setdefault(IN_HELD_OUT.format(reason), []).extend(cases)
