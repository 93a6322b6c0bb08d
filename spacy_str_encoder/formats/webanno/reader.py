"""Read WebAnno TSV 3."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ...doc.origin import ID
from ...doc.plurals import count_noun
from ..annotated_text import (
    AnnotatedEntity,
    AnnotatedRelation,
    AnnotatedText,
    AnnotationError,
    check_annotations,
    errors_at,
)
from ..reading import read_lines
from ..report import ConversionReport
from ..tokens import Offsets, covering_tokens
from ..utf16 import from_utf16
from .header import FORMAT_LINE, Layer, parse_header
from .rows import Body, Row, check_rows, split_stack
from .spans import Span, Spans, read_spans

SUFFIX = ".tsv"
# The unannotated version of a document, which the export of a project contains as well.
INITIAL = "INITIAL_CAS"


def is_document(path: Path) -> bool:
    """Check if a file is in this format.

    path (Path): The file.
    RETURNS (bool): Whether its name and its first line are those of a document.
    """
    if path.suffix.lower() != SUFFIX or not path.is_file():
        return False
    with path.open("rb") as file:
        line = file.readline(100).decode("utf-8-sig", "replace")
    return FORMAT_LINE.fullmatch(line) is not None


def read(path: Path, report: ConversionReport) -> Iterator[AnnotatedText]:
    """Read the documents of a folder, or one document.

    path (Path): The folder or file.
    report (ConversionReport): The report, to count losses.
    YIELDS (AnnotatedText): The documents. The `id` in their metadata is their path in the folder,
        without suffix.
    RAISES (ValueError): If a file is not in this format. The message names file and line.
    """
    root = path if path.is_dir() else path.parent
    for file in _find_documents(path, report) if path.is_dir() else [path]:
        annotated = None
        with report.rejecting():
            name = file.relative_to(root).with_suffix("").as_posix()
            annotated = _read_document(file, name, report)
        if annotated is not None:
            yield annotated


def _find_documents(folder: Path, report: ConversionReport) -> Iterator[Path]:
    for file in sorted(folder.rglob("*")):
        if file.suffix.lower() != SUFFIX:
            continue
        if not is_document(file):
            report.lose_other("tables in another format", str(file), "the whole file")
        elif file.stem == INITIAL:
            reason = "unannotated versions of documents, left out"
            report.choose(reason, str(file), "the whole text")
        else:
            yield file


def _read_document(path: Path, name: str, report: ConversionReport) -> AnnotatedText:
    place = str(path)
    lines = [line.rstrip("\r\n") for _, line in read_lines(path)]
    first = FORMAT_LINE.fullmatch(lines[0]) if lines else None
    if first is None:
        raise AnnotationError(f"{place}: must begin with #FORMAT=WebAnno TSV 3, such as 3.3")
    header = parse_header(lines, place, report)
    body = Body(report, header.width, int(first[1] or 0))
    for number, line in enumerate(lines, start=1):
        body.add(line, f"{place}, line {number}")
    with errors_at(place):
        offsets = from_utf16(body.text, [row.span for row in body.rows])
    check_rows(body.text, body.rows, offsets)
    annotated = _annotate(body, offsets, header.layers, place, report)
    with errors_at(place):
        check_annotations(annotated)
    tokens = [span for row, span in zip(body.rows, offsets, strict=True) if "." not in row.id]
    words = covering_tokens(body.text, tokens, place, report)
    return replace(annotated, tokens=words, meta={ID: name})


def _annotate(
    body: Body, offsets: Offsets, layers: Sequence[Layer], place: str, report: ConversionReport
) -> AnnotatedText:
    spans = read_spans(body.rows, offsets, [layer for layer in layers if layer.source is None])
    indices: dict[Span, int] = {}
    for span in spans.all:
        if span.label and span.start < span.end:
            indices[span] = len(indices)
        else:
            reason = "empty spans" if span.label else "spans without a label"
            case = f"{body.text[span.start : span.end]!r} ({span.start}-{span.end})"
            report.lose(reason, place, case)
    return AnnotatedText(
        body.text,
        [AnnotatedEntity(s.start, s.end, s.label or "", s.attributes or None) for s in indices],
        list(_read_relations(body.rows, layers, spans, indices, report)),
        place=place,
    )


def _read_relations(
    rows: Sequence[Row],
    layers: Sequence[Layer],
    spans: Spans,
    indices: Mapping[Span, int],
    report: ConversionReport,
) -> Iterator[AnnotatedRelation]:
    for layer in layers:
        for row in rows if layer.source is not None else []:
            labels = split_stack(row.columns[layer.column])
            heads = split_stack(row.columns[layer.source or 0])
            if len(labels) != len(heads):
                raise AnnotationError(
                    f"{row.place}: each relation must have a label (or *) and a head; got "
                    f"{count_noun(len(labels), 'label')} and {count_noun(len(heads), 'head')} of "
                    f"{layer.name}"
                )
            for (value, _), (head, numbers) in zip(labels, heads, strict=True):
                label = layer.get_label(value)
                ends = _find_ends(row, head or "", numbers, layer, spans)
                known = [indices[end] for end in ends if end in indices]
                if label and len(known) == 2:
                    yield AnnotatedRelation(known[0], known[1], label)
                else:
                    reason = "relations of spans that were left out"
                    reason = reason if label else "relations without a label"
                    report.lose(reason, row.place, f"{label} from {head} to {row.id}")


def _find_ends(row: Row, head: str, numbers: str, layer: Layer, spans: Spans) -> list[Span]:
    """Find the head and tail of a relation. There are none if the layer of spans is not read."""
    if layer.base not in spans.layers:
        return []
    of_head, _, of_tail = numbers.partition("_")
    found = []
    for row_id, number in ((head, of_head), (row.id, of_tail)):
        span = spans.find(layer.base, row_id, number)
        if span is None:
            raise AnnotationError(
                f"{row.place}: a relation refers to {row_id}{f'[{number}]' if number else ''}, "
                f"but there is no annotation of {layer.base}"
            )
        found.append(span)
    return found
