"""PubTator's text files, the form of BC5CDR and BioRED. They are read, not written.

A document has the lines `PMID|t|title` and `PMID|a|abstract`, or other names of passages; mentions,
with tabs between `PMID`, start, end, text, type and concept; and relations, with tabs between
`PMID`, label and two concepts. A blank line ends it. Offsets count characters (exclusive end). All
passages are read as one text, each on a line, as the offsets count one character between them. A
relation is read between the closest mentions of its two concepts. Concepts and further columns,
such as the names of parts or the novelty of a relation, are left out. The PMID becomes the `id` in
the metadata.

Source: https://www.ncbi.nlm.nih.gov/CBBresearch/Lu/Demo/tmTools/Format.html
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from ..doc.origin import ID
from .annotated_text import (
    AnnotatedEntity,
    AnnotatedRelation,
    AnnotatedText,
    AnnotationError,
    check_annotations,
    errors_at,
)
from .format import Format
from .mentions import UNMENTIONED, index_concepts, relate_closest, without_duplicates
from .reading import read_lines
from .report import ConversionReport

SUFFIX = ".pubtator"
SECTION = re.compile(r"\ufeff?([^|\t]+)\|([^|\t]+)\|(.*)")
# Names of passages that tell a .txt from others with such lines.
NAMES = {"t", "a", "title", "abstract", "body"}
COLUMNS = "further columns"
OFFSET = re.compile(r"\d{1,10}")


def recognizes(path: Path, item: object) -> bool:
    """Recognize a file by its name and its first line that is not blank."""
    suffix = path.suffix.lower()
    if not path.is_file() or suffix not in (SUFFIX, ".txt"):
        return False
    with path.open(encoding="utf-8", errors="replace") as file:
        section = SECTION.match(next(filter(str.strip, file), ""))
    return section is not None and (suffix == SUFFIX or section[2] in NAMES)


def read(path: Path, report: ConversionReport) -> Iterator[AnnotatedText]:
    """Read the documents of a file.

    path (Path): The file.
    report (ConversionReport): The report, to count losses.
    YIELDS (AnnotatedText): The documents.
    RAISES (ValueError): If the file is not in this format. The message names file and line.
    """
    for place, lines in _split(path):
        annotated = None
        with report.rejecting(), errors_at(place):
            annotated = _parse_document(lines, place, report)
        if annotated is not None:
            yield annotated


def _split(path: Path) -> Iterator[tuple[str, list[str]]]:
    """Split a file at blank lines."""
    lines: list[str] = []
    for number, line in read_lines(path):
        if line.strip():
            lines.append(line.removesuffix("\n").removesuffix("\r"))
        elif lines:
            yield f"{path}, line {number - len(lines)}", lines
            lines = []
    if lines:
        yield f"{path}, line {number - len(lines) + 1}", lines


def _parse_document(lines: list[str], place: str, report: ConversionReport) -> AnnotatedText:
    sections = [match for line in lines if (match := SECTION.fullmatch(line))]
    if not sections:
        raise AnnotationError(f"must begin with a title, such as 123|t|Title, got {lines[0]!r}")
    text, number = "\n".join(match[3] for match in sections), sections[0][1]
    rows = [line.split("\t") for line in lines if not SECTION.fullmatch(line)]
    for first in (*(match[1] for match in sections), *(row[0] for row in rows)):
        if first != number:
            raise AnnotationError(f"all lines must begin with {number}, got {first!r}")
    mentions = [row for row in rows if len(row) > 4 and OFFSET.fullmatch(row[1])]
    entities = [_parse_mention(row, text, place, report) for row in mentions]
    annotated = AnnotatedText(text, entities, [], meta={ID: number}, place=place)
    concepts = index_concepts(row[5:6] for row in mentions)
    others = [row for row in rows if row not in mentions]
    relations = _parse_relations(others, annotated, concepts, report)
    annotated = replace(annotated, relations=without_duplicates(relations, annotated, report))
    check_annotations(annotated)
    return annotated


def _parse_mention(
    row: list[str], text: str, place: str, report: ConversionReport
) -> AnnotatedEntity:
    _, start, end, surface, label, *others = row
    entity = AnnotatedEntity(int(start), int(end), label)
    found = text[entity.start : entity.end]
    if found != surface:
        raise AnnotationError(f"the mention {start}-{end} must be {surface!r}, got {found!r}")
    for i, value in enumerate(others):
        if value:
            kind = COLUMNS if i else "concepts of mentions"
            report.lose_other(kind, place, f"{value} of {surface!r} ({label}, {start}-{end})")
    return entity


def _parse_relations(
    rows: list[list[str]],
    annotated: AnnotatedText,
    concepts: Mapping[str, list[int]],
    report: ConversionReport,
) -> Iterator[AnnotatedRelation]:
    for row in rows:
        case = " ".join(row[1:])
        if len(row) < 4:
            report.lose("lines that are no mention and no relation", annotated.place, case)
            continue
        _, label, head, tail, *others = row
        if head in concepts and tail in concepts:
            yield relate_closest(annotated, concepts[head], concepts[tail], label, report)
        else:
            report.lose(UNMENTIONED, annotated.place, f"{label} between {head} and {tail}")
        if any(others):
            report.lose_other(COLUMNS, annotated.place, case)


FORMAT = Format(
    "pubtator",
    "PubTator's text files",
    SUFFIX,
    recognizes=recognizes,
    read=read,
)
