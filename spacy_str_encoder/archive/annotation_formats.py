"""Output in the annotation formats that `convert` writes, with scores where these have a place."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from spacy.language import Language

from ..doc.origin import META, AnnotatedDocs
from ..doc.records import find_settings, get_records
from ..exports.export import RECORDS, SCORES, Reported
from ..formats.annotated_text import AnnotatedText
from ..formats.docs import from_docs
from ..formats.entities import trim_entities
from ..formats.format import Format
from ..formats.registry import all_formats
from ..formats.report import ConversionReport
from ..formats.sources import Findings
from ..formats.writer import TextWriter
from ..loading import entity_group, sets_attributes
from .writers import WRITERS


def list_formats(nlp: Language) -> dict[str, Format]:
    """List the annotation formats that can be written, but those that have a writer of their own.

    nlp (Language): The pipeline that annotates the texts.
    RETURNS (dict[str, Format]): The formats by name.
    """
    formats = all_formats(nlp, spans_key=entity_group(nlp))
    return {name: each for name, each in formats.items() if each.write and name not in WRITERS}


def write_format(
    path: Path, docs: AnnotatedDocs, format: Format, nlp: Language, *, pipeline: str
) -> Reported:
    """Write docs in an annotation format.

    path (Path): The file or folder, which must not exist yet.
    docs (Iterable[tuple[dict[str, Any], Doc]]): The docs, with the origin of each text.
    format (Format): The format.
    nlp (Language): The pipeline that annotated them.
    pipeline (str): Its name, version and hash.
    RETURNS (Reported): What the format can't hold, and what was chosen.
    """
    report, reported = ConversionReport(), Reported()
    found = Findings(attributes=sets_attributes(nlp), scores=True)
    writer = TextWriter(format, nlp, report, found=found)
    texts = _to_texts(docs, entity_group(nlp), report, reported)
    predicted = (replace(each, is_predicted=True, pipeline=pipeline) for each in texts)
    format.require_write()(writer.prepare(predicted), path, report)
    for kind, count in writer.lost_scores.items():
        reported.lost[SCORES.format(kind=kind)] += count
    reported.lost += report.losses
    reported.chosen += Counter({reason: len(cases) for reason, cases in report.chosen.items()})
    return reported


def _to_texts(
    docs: AnnotatedDocs, spans_key: str | None, report: ConversionReport, reported: Reported
) -> Iterator[AnnotatedText]:
    for origin, doc in docs:
        if find_settings(doc) is not None:
            reported.lost[RECORDS] += len(get_records(doc))
        doc.user_data[META] = {name: each for name, each in origin.items() if each is not None}
        [annotated] = from_docs([doc], report, spans_key=spans_key)
        # The doc itself is not written, and formats need not say what else it holds.
        yield trim_entities(replace(annotated, source=None), report)
