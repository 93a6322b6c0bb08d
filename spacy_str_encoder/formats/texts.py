"""Read annotated texts, whatever their format."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from spacy.language import Language

from ..doc.entities import SPANS_KEY
from .annotate_output import is_output, report_output
from .annotated_text import AnnotatedText
from .convert import find_sources
from .format import DEFAULT_OPTIONS, ReadOptions
from .registry import all_formats
from .report import ConversionReport, check_rejected
from .sources import decide_empty_files, inspect_sources


def read_texts(
    path: Path,
    nlp: Language,
    report: ConversionReport,
    *,
    spans_key: str | None = None,
    options: ReadOptions = DEFAULT_OPTIONS,
    **known: Any,
) -> Iterator[AnnotatedText]:
    """Read annotated texts.

    path (Path): A file in any format, a folder of such files, or a folder of `annotate`.
    nlp (Language): The pipeline that tokenizes texts for formats that need tokens.
    report (ConversionReport): The report, to count losses, choices and invalid texts.
    spans_key (str | None): The span group of docs with all entities; "sc" if None.
    options (ReadOptions): Settings for formats that can be read in more than one way.
    **known (Any): What is known of the texts, in place of what is found: fields of `Findings`.
    YIELDS (AnnotatedText): The texts.
    RAISES (ValueError): If a file can't be read, or texts are invalid and the report does not skip
        them.
    """
    if path.is_dir() and is_output(path):
        report_output(path, report)
    key = spans_key or SPANS_KEY
    sources = find_sources([path], all_formats(nlp, spans_key=key, options=options))
    found = inspect_sources(sources)
    if not report.skip_bad:
        check_rejected(found.rejected)
    found = replace(found, **known)
    options = replace(options, unannotated_empty=True)
    sources = decide_empty_files(sources, found, all_formats(nlp, spans_key=key, options=options))
    for source in sources:
        yield from source.read(report, found)
