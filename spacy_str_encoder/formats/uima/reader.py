"""Read UIMA CAS XMI."""

import warnings
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from io import BytesIO
from pathlib import Path, PurePath
from typing import Any

from ...doc.origin import ID
from ..annotated_text import (
    AnnotatedEntity,
    AnnotatedRelation,
    AnnotatedText,
    AnnotationError,
    check_annotations,
    errors_at,
)
from ..report import ConversionReport
from ..tokens import Offsets
from .files import TYPE_SYSTEM, Document, find_documents
from .layers import Labeled, Layers
from .types import DOCUMENT, DOCUMENT_ID, HEAD, LANGUAGE, META, TAIL, TITLE, TOKEN, import_cassis


def read(path: Path, report: ConversionReport) -> Iterator[AnnotatedText]:
    """Read the documents of an export.

    path (Path): An .xmi file, or a .zip or folder that contains some.
    report (ConversionReport): The report, to count losses.
    YIELDS (AnnotatedText): The documents. The `id` in their metadata is their title.
    RAISES (ImportError): If dkpro-cassis is not installed.
    RAISES (ValueError): If a file is not in this format. The message names the file.
    """
    layers = Layers(report)
    ids: set[str] = set()
    for document in find_documents(path, report):
        annotated = None
        with report.rejecting(), errors_at(document.place):
            annotated = _parse(document, layers, report)
            check_annotations(annotated)
        if annotated is None:
            continue
        if annotated.meta[ID] in ids:
            reason = "documents with the title of another one (all of them are read)"
            report.choose(reason, annotated.place, annotated.meta[ID])
        ids.add(annotated.meta[ID])
        yield annotated


def _parse(document: Document, layers: Layers, report: ConversionReport) -> AnnotatedText:
    cas, place = _load(document), document.place
    text = cas.sofa_string
    if text is None:
        raise AnnotationError("the document has no text")
    annotations = sorted(cas.select("uima.cas.TOP"), key=lambda annotation: annotation.xmiID)
    spans, links = layers.select(annotations, place)
    entities = _read_entities(spans, text, place, report)
    return AnnotatedText(
        text,
        list(entities.values()),
        list(_read_relations(links, list(entities), text, place, report)),
        _read_tokens(annotations, text, place, report),
        _read_meta(annotations, place),
        place,
    )


def _load(document: Document) -> Any:
    cassis = import_cassis()
    type_system = _load_type_system(document.type_system)
    try:
        with warnings.catch_warnings():
            # cassis only warns of an offset outside of the text or within a character.
            warnings.simplefilter("error", UserWarning)
            return cassis.load_cas_from_xmi(BytesIO(document.xmi), typesystem=type_system)
    except UserWarning as error:
        raise AnnotationError(f"all offsets must lie between two characters ({error})") from error
    except KeyError as error:
        raise AnnotationError(f"no annotation has the id {error}") from error
    except Exception as error:  # errors of lxml and cassis have no common type
        raise AnnotationError(f"not a CAS XMI of its type system ({error})") from error


@lru_cache(maxsize=1)
def _load_type_system(content: bytes) -> Any:
    try:
        with warnings.catch_warnings():
            # cassis warns when it renames a feature with the name "type".
            warnings.simplefilter("ignore", UserWarning)
            return import_cassis().load_typesystem(BytesIO(content))
    except Exception as error:  # errors of lxml and cassis have no common type
        raise AnnotationError(f"{TYPE_SYSTEM} is not a valid type system ({error})") from error


def _read_entities(
    spans: Iterable[Labeled], text: str, place: str, report: ConversionReport
) -> dict[int, AnnotatedEntity]:
    """Read the entities, by the id of the annotation."""
    entities = {}
    for each in spans:
        span, label = each.annotation, each.label
        if label and span.begin != span.end:
            attributes = each.attributes or None
            entities[span.xmiID] = AnnotatedEntity(span.begin, span.end, label, attributes)
        else:
            reason = "empty spans" if label else "spans without a label"
            case = f"{text[span.begin : span.end]!r} ({span.type.name}, {span.begin}-{span.end})"
            report.lose(reason, place, case)
    return entities


def _read_relations(
    relations: Iterable[Labeled],
    ids: Sequence[int],
    text: str,
    place: str,
    report: ConversionReport,
) -> Iterator[AnnotatedRelation]:
    places = {xmi_id: i for i, xmi_id in enumerate(ids)}
    for each in relations:
        relation, label = each.annotation, each.label
        ends = [end for end in (relation[HEAD], relation[TAIL]) if end is not None]
        known = [places[end.xmiID] for end in ends if end.xmiID in places]
        if label and len(known) == 2:
            yield AnnotatedRelation(known[0], known[1], label)
        else:
            case = f" {label} ".join(repr(text[end.begin : end.end]) for end in ends)
            report.lose(_relation_problem(label, ends), place, f"{case} ({relation.type.name})")


def _relation_problem(label: str | None, ends: Sequence[Any]) -> str:
    if len(ends) < 2:
        return "relations without a head or tail"
    return "relations of spans that were left out" if label else "relations without a label"


def _read_tokens(
    annotations: Sequence[Any], text: str, place: str, report: ConversionReport
) -> Offsets | None:
    tokens = sorted((each.begin, each.end) for each in annotations if each.type.name == TOKEN)
    if not tokens:
        return None
    try:
        check_annotations(AnnotatedText(text, [], [], tokens))
    except AnnotationError as error:
        report.choose(
            "documents read without their tokens, which do not cover the text", place, str(error)
        )
        return None
    return tokens


def _read_meta(annotations: Sequence[Any], place: str) -> dict[str, str]:
    document = next((each for each in annotations if each.type.name == DOCUMENT), None)
    fields = {key: getattr(document, key, None) for key in (*META, LANGUAGE)}
    name = getattr(document, TITLE, None) or fields[DOCUMENT_ID] or PurePath(place).stem
    return {ID: name, **{key: value for key, value in fields.items() if value not in (None, name)}}
