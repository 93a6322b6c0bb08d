"""Read BioC XML."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from ...doc.origin import ID
from ..annotated_text import (
    AnnotatedEntity,
    AnnotatedText,
    AnnotationError,
    check_annotations,
    errors_at,
)
from ..mentions import without_duplicates
from ..report import ConversionReport
from .infons import TYPE, get_infons, report_infons
from .passages import Piece, join_passages, locate, parse_number
from .relations import has_location, parse_relations


def read(path: Path, report: ConversionReport) -> Iterator[AnnotatedText]:
    """Read the documents of a file.

    path (Path): The file.
    report (ConversionReport): The report, to count losses.
    YIELDS (AnnotatedText): The documents.
    RAISES (ValueError): If the file is not in this format. The message names file and document.
    """
    for number, document in enumerate(_read_documents(path), start=1):
        place = f"{path}, document {number}"
        annotated = None
        with report.rejecting(), errors_at(place):
            annotated = _parse_document(document, place, report)
        if annotated is not None:
            yield annotated


def _read_documents(path: Path) -> Iterator[Element]:
    """Read one document after the other, and free its memory."""
    try:
        for _, element in ElementTree.iterparse(path):
            if element.tag == "document":
                yield element
                element.clear()
    except (ElementTree.ParseError, LookupError, ValueError) as error:
        raise ValueError(f"{path}: not XML ({error})") from error
    if element.tag != "collection":
        raise ValueError(f"{path}: must be a <collection>, got <{element.tag}>")


def _parse_document(document: Element, place: str, report: ConversionReport) -> AnnotatedText:
    passages = document.findall("passage")
    text, pieces = join_passages(passages)
    for unit in (*passages, *document.iter("sentence")):
        report_infons("passages", unit, (), place, report)
    everywhere = [piece for each in pieces for piece in each]
    owners = [*zip(passages, pieces, strict=True), (document, everywhere)]
    elements: list[Element] = []
    entities: list[AnnotatedEntity] = []
    for owner, parts in owners:
        for element in _own_annotations(owner):
            if entity := _parse_annotation(element, text, parts, place, report):
                elements.append(element)
                entities.append(entity)
    meta = {**get_infons(document), ID: document.findtext("id", "")}
    annotated = AnnotatedText(text, entities, [], meta=meta, place=place)
    relations = parse_relations(document, elements, annotated, report)
    annotated = replace(annotated, relations=without_duplicates(relations, annotated, report))
    check_annotations(annotated)
    return annotated


def _own_annotations(owner: Element) -> list[Element]:
    """Get the annotations of a passage and its sentences, or those of a document alone. Those
    without a location are relations.
    """
    is_document = owner.tag == "document"
    found = owner.findall("annotation") if is_document else owner.iter("annotation")
    return [*filter(has_location, found)]


def _parse_annotation(
    element: Element, text: str, pieces: Sequence[Piece], place: str, report: ConversionReport
) -> AnnotatedEntity | None:
    surface, label = element.findtext("text") or "", get_infons(element).get(TYPE)
    locations = element.findall("location")
    case = f"{surface!r} ({label})"
    if label is None or len(locations) != 1:
        kind = "type" if label is None else "single location"
        report.lose(f"annotations without a {kind}", place, case)
        return None
    offset, length = (parse_number(name, locations[0].get(name)) for name in ("offset", "length"))
    in_passage, in_text = locate(offset, length, pieces), (offset, offset + length)
    found = [each for each in (in_passage, in_text) if each and _is_at(surface, text, each)]
    if not found:
        raise AnnotationError(f"the annotation {case} is not at {offset} in its passage")
    if found[0] != in_passage:
        reason = "annotations placed in the whole text, since the offset of their passage is wrong"
        report.choose(reason, place, case)
    report_infons("annotations", element, (TYPE,), place, report)
    return AnnotatedEntity(*found[0], label)


def _is_at(surface: str, text: str, place: tuple[int, int]) -> bool:
    """Check the text of an annotation, where whitespace may differ."""
    return "".join(surface.split()) == "".join(text[slice(*place)].split())
