"""Read brat standoff."""

import codecs
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from ...doc.origin import ID
from ..annotated_text import AnnotatedEntity, AnnotatedRelation, AnnotatedText, AnnotationError
from ..entities import add_attribute
from ..format import ReadOptions
from ..reading import read_lines
from ..report import ConversionReport
from ..scores import NOT_READ
from .events import EVENTS, parse_events, relate
from .files import LINES, TEXT, Document, find_documents
from .lines import BINARY, BYTE_ORDER_MARK, Line, parse_span, read_annotations
from .notes import Note, parse_note
from .relations import check_ids, parse_relation

ATTRIBUTE = re.compile(r"(\S+) (\S+)(?: (\S(?:.*\S)?))? *")
# The first characters of ids of attributes. Old files call them modifications.
ATTRIBUTES = "AM"
# Kinds of lines whose third column is not read.
WITHOUT_THIRD = {"R": "relations", "A": "attributes", "M": "attributes"}
# Kinds of lines that are not read, by the first character of their id.
EMPTY_FILES = "empty .ann files"
NONE, UNANNOTATED = "texts without entities", "unannotated texts"
OTHERS = {
    "E": EVENTS,
    "*": "equivalences",
    "N": "normalizations",
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
    for document in find_documents(path, report):
        annotated = None
        with report.rejecting():
            annotated = _read_document(document, report, options)
        if annotated is not None:
            yield replace(annotated, meta={ID: document.stem.relative_to(root).as_posix()})


def _read_document(
    document: Document, report: ConversionReport, options: ReadOptions
) -> AnnotatedText | None:
    text_path, lines_path = document.find(TEXT), document.find(LINES)
    if text_path is None:
        name = document.stem.name + TEXT
        raise AnnotationError(f"{lines_path}: {name} is missing in the same folder")
    if lines_path is None:
        reason = "unannotated texts, without an .ann file"
        report.lose_other(reason, str(text_path), "the whole text")
        return None
    text = _read_text(text_path, report)
    lines = list(read_annotations(lines_path))
    if not lines:
        return _without_lines(text, str(lines_path), report, options)
    entities, relations = _parse_lines(lines, text, report, options)
    return AnnotatedText(text, entities, relations, place=str(lines_path))


def _without_lines(
    text: str, place: str, report: ConversionReport, options: ReadOptions
) -> AnnotatedText:
    # brat makes the file when it first shows the text.
    annotated = not options.unannotated_empty
    meaning = NONE if annotated else UNANNOTATED
    report.choose(f"{EMPTY_FILES}, read as {meaning}", place, "")
    return AnnotatedText(text, [], [], place=place, has_relations=annotated, has_entities=annotated)


def _parse_lines(
    lines: list[Line], text: str, report: ConversionReport, options: ReadOptions
) -> tuple[list[AnnotatedEntity], list[AnnotatedRelation]]:
    spans = {line.id: parse_span(line, text, report) for line in lines if line.id[0] == "T"}
    entities = {key: entity for key, entity in spans.items() if entity is not None}
    places = {key: i for i, key in enumerate(entities)}
    ids = {line.id for line in lines}
    labels = {key: entity.label for key, entity in entities.items()}
    events = parse_events(lines, ids, labels, report) if options.events else {}
    places |= {key: places[e.trigger] for key, e in events.items() if e.trigger in places}
    relations: list[tuple[str, AnnotatedRelation]] = []
    attributes: dict[str, dict[str, str]] = {key: {} for key in entities}
    for line in lines:
        if line.id in events:
            relations += [(line.id, each) for each in relate(events[line.id], places, report)]
        elif line.id[0] == "R":
            parsed = parse_relation(line, ids, places, report, events=events)
            relations += [(line.id, each) for each in parsed]
        elif line.id[0] in ATTRIBUTES:
            _parse_attribute(line, ids, attributes, report)
        elif line.id[0] != "#":
            _report_others(line, places, report)
        _report_third(line, report)
    entities = {k: replace(each, attributes=attributes[k] or None) for k, each in entities.items()}
    owners = {*entities, *(key for key, _ in relations)}
    notes = _read_notes(lines, owners, report, predictions=options.predictions)
    scored = {
        key: note.add_to_entity(entities[key]) for key, note in notes.items() if key[0] == "T"
    }
    found = [notes[key].add_to_relation(each) if key in notes else each for key, each in relations]
    return [*(entities | scored).values()], found


def _read_text(path: Path, report: ConversionReport) -> str:
    text = "".join(line for _, line in read_lines(path))
    if not path.read_bytes().startswith(codecs.BOM_UTF8):
        return text
    # brat counts the mark, so all offsets would be wrong without it.
    report.choose("byte order marks kept as the first character", str(path), repr(text[:10]))
    return BYTE_ORDER_MARK + text


def _parse_attribute(
    line: Line,
    ids: Collection[str],
    attributes: Mapping[str, dict[str, str]],
    report: ConversionReport,
) -> None:
    """Add an attribute to those of its entity."""
    match = ATTRIBUTE.fullmatch(line.content)
    if match is None:
        form = "a name and an entity, and may have a value, such as Assertion T1 negated"
        raise AnnotationError(f"{line.place}: must have {form}, got {line.content!r}")
    name, owner, value = match.groups()
    check_ids([owner], ids, line)
    if owner in attributes:
        add_attribute(attributes[owner], name, value or BINARY, line.place, report)
    else:
        kind = "entities that were left out" if owner[0] == "T" else "relations and events"
        report.lose(f"attributes of {kind}", line.place, line.content)


def _read_notes(
    lines: Iterable[Line], owners: Collection[str], report: ConversionReport, *, predictions: bool
) -> dict[str, Note]:
    """Read the notes with scores by the ids of their owners, and report the others. The owners are
    predictions, or else annotations that may not be those with these scores any more.
    """
    notes: dict[str, Note] = {}
    for line in (line for line in lines if line.id[0] == "#"):
        note = parse_note(line)
        if note is None or note.owner not in owners:
            report.lose_other(
                "notes", line.place, " ".join(f"{line.content} {line.surface}".split())
            )
        elif predictions:
            notes.setdefault(note.owner, note)
        else:
            report.choose(NOT_READ, line.place, f"{note.owner} {line.surface}")
    return notes


def _report_others(line: Line, places: Mapping[str, int], report: ConversionReport) -> None:
    kind = line.id[0]
    if kind in OTHERS:
        lose = report.lose if kind == "E" else report.lose_other
        lose(OTHERS[kind], line.place, " ".join(f"{line.content} {line.surface}".split()))
    if kind == "E":
        trigger = line.content.partition(" ")[0].partition(":")[2]
        if trigger in places:
            report.choose("event triggers read as entities", line.place, trigger)


def _report_third(line: Line, report: ConversionReport) -> None:
    if line.id[0] in WITHOUT_THIRD and line.surface.strip():
        reason = f"third columns of {WITHOUT_THIRD[line.id[0]]}"
        report.lose_other(reason, line.place, line.surface)
