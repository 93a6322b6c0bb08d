"""Output files of selected texts."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from spacy.language import Language

from ...doc.origin import ID, META
from ...files.whole import write_json_lines, written_whole
from ...formats.annotated_text import AnnotatedText
from ...formats.docs import from_docs
from ...formats.format import Format
from ...formats.registry import all_formats
from ...formats.report import ConversionReport
from ...formats.targets import choose_target, is_file_of
from ...formats.writer import TextWriter
from ...loading import entity_group, fingerprint
from .run import Selected

SUFFIX = ".jsonl"


def check_lines(path: Path) -> None:
    """Check the name of a file of JSON lines: by its suffix, other commands know how to read it.

    path (Path): The file.
    RAISES (ValueError): If it has another suffix.
    """
    if path.suffix.lower() != SUFFIX:
        raise ValueError(
            f"{path}: without --to, the output must end in {SUFFIX}, got {path.suffix or 'none'}"
        )


def write_lines(path: Path, texts: Sequence[Selected]) -> None:
    """Write JSON lines of identifier, text and score.

    path (Path): The file.
    texts (Sequence[Selected]): The texts.
    """
    rows = ({"id": each.entry.id, "text": each.entry.text, "score": each.score} for each in texts)
    with written_whole(path) as unfinished:
        write_json_lines(unfinished, rows)


def find_format(name: str, path: Path, nlp: Language) -> Format:
    """Find the format to write.

    name (str): The name of the format.
    path (Path): The file, or the folder if the format is one.
    nlp (Language): The pipeline.
    RETURNS (Format): The format.
    RAISES (ValueError): If there is no such format, it can only be read, or the path does not suit
        it.
    """
    formats = all_formats(nlp, spans_key=entity_group(nlp))
    chosen = choose_target(name, path, formats)
    if chosen.suffix and not is_file_of(chosen, path, formats):
        raise ValueError(f"{path}: the output must end in {chosen.suffix} in the format '{name}'")
    # TextWriter refuses it too, but after hours of scoring.
    if path.is_dir() and any(path.iterdir()):
        raise ValueError(f"{path}: the folder must be empty or missing")
    return chosen


def write_format(
    path: Path, texts: Sequence[Selected], target: Format, nlp: Language, report: ConversionReport
) -> None:
    """Write texts with the predictions of a pipeline, and their scores.

    path (Path): The file, or the folder if the format is one.
    texts (Sequence[Selected]): The texts.
    target (Format): The format.
    nlp (Language): The pipeline.
    report (ConversionReport): The report, to count what the format can't hold.
    """
    writer = TextWriter(target, nlp, report)
    writer.write(_read_predictions(texts, nlp, report), path)
    writer.report_scores()


def _read_predictions(
    texts: Sequence[Selected], nlp: Language, report: ConversionReport
) -> Iterator[AnnotatedText]:
    for each in texts:
        each.doc.user_data[META] = {} if each.entry.id is None else {ID: each.entry.id}
    docs, pipeline = (each.doc for each in texts), fingerprint(nlp)
    for predicted in from_docs(docs, report, name="selected texts", spans_key=entity_group(nlp)):
        yield replace(predicted, is_predicted=True, pipeline=pipeline)
