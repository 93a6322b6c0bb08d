"""Read brat standoff."""

import codecs
import re
from collections.abc import Iterator, Mapping, Set
from dataclasses import replace
from pathlib import Path

from ...doc.origin import ID
from ..annotated_text import AnnotatedRelation, AnnotatedText, AnnotationError
from ..entities import add_attribute
from ..format import ReadOptions
from ..reading import read_lines
from ..report import ConversionReport
from .lines import BINARY, BYTE_ORDER_MARK, Line, parse_span, read_annotations

ARGUMENTS = re.compile(r"(\S+) (\S+?):(\S+) (\S+?):(\S+) *")
ATTRIBUTE = re.compile(r"(\S+) (\S+)(?: (\S(?:.*\S)?))? *")
# The first characters of ids of attributes. Old files call them modifications.
ATTRIBUTES = "AM"
# Kinds of lines whose third column is not read.
WITHOUT_THIRD = {"R": "relations", "A": "attributes", "M": "attributes"}
# Kinds of lines that are not read, by the first character of their id.
OTHERS = {
    "E": "events",
    "*": "equivalences",
    "N": "normalizations",
    "#": "notes",
}


def read(path: Path, report: ConversionReport, *, options: ReadOptions) -> Iterator[AnnotatedText]:
    """Read the documents of a folder, or the document that a .txt or .ann belongs to.

    path (Path): The folder or file.
    report (ConversionReport): The report, to count losses.
    options (ReadOptions): How to read events and empty files.
    YIELDS (AnnotatedText): The documents. The `id` in their metadata is their path in the folder,
        without suffix.
    RAISES (ValueError): If a file is not in this format. The message names file and line.
    """
    root = path if path.is_dir() else path.parent
    for stem in _find_documents(path):
        text_path, lines_path = (stem.with_name(stem.name + suffix) for suffix in (".txt", ".ann"))
        annotated = None
        with report.rejecting():
            if not text_path.exists():
                raise AnnotationError(
                    f"{lines_path}: {text_path.name} is missing in the same folder"
                )
            if lines_path.exists():
                annotated = _read_document(text_path, lines_path, report)
            else:
                reason = "unannotated texts, without an .ann file"
                report.lose_other(reason, str(text_path), "the whole text")
        if annotated is not None:
            yield replace(annotated, meta={ID: stem.relative_to(root).as_posix()})


def _find_documents(path: Path) -> list[Path]:
    if path.is_file():
        return [path.with_suffix("")]
    found = {
        file.with_suffix("")
        for file in path.rglob("*")
        if file.suffix in (".txt", ".ann")
        # brat does not show hidden files, and other programs leave copies in hidden folders.
        and not any(part.startswith(".") for part in file.relative_to(path).parts)
    }
    if not found:
        raise ValueError(f"{path}: no .txt or .ann file in this folder")
    return sorted(found)


def _read_document(text_path: Path, lines_path: Path, report: ConversionReport) -> AnnotatedText:
    text = _read_text(text_path, report)
    lines = list(read_annotations(lines_path))
    spans = {line.id: parse_span(line, text, report) for line in lines if line.id[0] == "T"}
    entities = {key: entity for key, entity in spans.items() if entity is not None}
    places = {key: i for i, key in enumerate(entities)}
    ids = {line.id for line in lines}
    relations = []
    attributes: dict[str, dict[str, str]] = {key: {} for key in entities}
    for line in lines:
        if line.id[0] == "R" and (relation := _parse_relation(line, ids, places, report)):
            relations.append(relation)
        if line.id[0] in ATTRIBUTES:
            _parse_attribute(line, ids, attributes, report)
        _report_others(line, places, report)
    found = [replace(each, attributes=attributes[key] or None) for key, each in entities.items()]
    return AnnotatedText(text, found, relations, place=str(lines_path))


def _read_text(path: Path, report: ConversionReport) -> str:
    text = "".join(line for _, line in read_lines(path))
    if not path.read_bytes().startswith(codecs.BOM_UTF8):
        return text
    # brat counts the mark, so all offsets would be wrong without it.
    report.choose("byte order marks kept as the first character", str(path), repr(text[:10]))
    return BYTE_ORDER_MARK + text


def _parse_relation(
    line: Line, ids: Set[str], places: Mapping[str, int], report: ConversionReport
) -> AnnotatedRelation | None:
    match = ARGUMENTS.fullmatch(line.content)
    if match is None:
        form = "a label and two arguments, such as Treats Arg1:T1 Arg2:T2"
        raise AnnotationError(f"{line.place}: must have {form}, got {line.content!r}")
    label, first_role, first, second_role, second = match.groups()
    for argument in (first, second):
        if argument not in ids:
            raise AnnotationError(f"{line.place}: the file has no line with the id {argument}")
    if not {first, second} <= places.keys():
        reason = "relations of events, or of entities that were left out"
        report.lose(reason, line.place, line.content)
        return None
    if (first_role, second_role) == ("Arg2", "Arg1"):
        first, second = second, first
    elif (first_role, second_role) != ("Arg1", "Arg2"):
        reason = "relations with roles other than Arg1 and Arg2, read from the first to the second"
        report.choose(reason, line.place, line.content)
    return AnnotatedRelation(places[first], places[second], label)


def _parse_attribute(
    line: Line,
    ids: Set[str],
    attributes: Mapping[str, dict[str, str]],
    report: ConversionReport,
) -> None:
    """Add an attribute to those of its entity."""
    match = ATTRIBUTE.fullmatch(line.content)
    if match is None:
        form = "a name and an entity, and may have a value, such as Assertion T1 negated"
        raise AnnotationError(f"{line.place}: must have {form}, got {line.content!r}")
    name, owner, value = match.groups()
    if owner not in ids:
        raise AnnotationError(f"{line.place}: the file has no line with the id {owner}")
    if owner in attributes:
        add_attribute(attributes[owner], name, value or BINARY, line.place, report)
    else:
        kind = "entities that were left out" if owner[0] == "T" else "relations and events"
        report.lose(f"attributes of {kind}", line.place, line.content)


def _report_others(line: Line, places: Mapping[str, int], report: ConversionReport) -> None:
    kind = line.id[0]
    if kind in OTHERS:
        lose = report.lose if kind in "E" else report.lose_other
        lose(OTHERS[kind], line.place, f"{line.content} {line.surface}".strip())
    if kind in WITHOUT_THIRD and line.surface.strip():
        report.lose_other(f"third columns of {WITHOUT_THIRD[kind]}", line.place, line.surface)
    if kind == "E":
        trigger = line.content.partition(" ")[0].partition(":")[2]
        if trigger in places:
            report.choose("event triggers read as entities", line.place, trigger)
