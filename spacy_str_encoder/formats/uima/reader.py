"""Read the documents of INCEpTION: a text for each view."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
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
from ..scores import NOT_READ, SCORE, count_scores, has_scores, without_scores
from ..tokens import Offsets, covering_tokens
from .files import Document, find_documents
from .layer import Connected, Labeled
from .layers import Layers
from .loading import load
from .types import DOCUMENT, DOCUMENT_ID, LANGUAGE, META, TITLE, TOKEN


def read(path: Path, report: ConversionReport, *, predictions: bool) -> Iterator[AnnotatedText]:
    """Read the documents of an export.

    path (Path): An .xmi or UIMA CAS JSON, or a .zip or folder that contains some.
    report (ConversionReport): The report, to count losses.
    predictions (bool): Whether to read the scores of predictions.
    YIELDS (AnnotatedText): The documents, one for each view with a text. The `id` in their metadata
        is their title, and for further views also the name of the view.
    RAISES (ImportError): If dkpro-cassis is not installed.
    RAISES (ValueError): If a file is not in this format. The message names the file.
    """
    layers = Layers(report)
    ids: set[str] = set()
    for document in find_documents(path, report):
        texts: list[AnnotatedText] = []
        with report.rejecting(), errors_at(document.place):
            texts = _read_document(document, layers, report)
        for annotated in texts:
            if not predictions and has_scores(annotated):
                number = count_scores(annotated).total()
                report.choose(NOT_READ, annotated.place, f"{number} scores")
                annotated = without_scores(annotated)
            if annotated.meta[ID] in ids:
                reason = "documents with the title of another one (all of them are read)"
                report.choose(reason, annotated.place, annotated.meta[ID])
            ids.add(annotated.meta[ID])
            yield annotated


def _read_document(
    document: Document, layers: Layers, report: ConversionReport
) -> list[AnnotatedText]:
    cas, place = load(document), document.place
    views = {view.sofa.sofaID: cas.get_view(view.sofa.sofaID) for view in cas.views}
    with_text = {name: view for name, view in views.items() if view.sofa_string is not None}
    if not with_text:
        raise AnnotationError("the document has no text")
    for name in views.keys() - with_text.keys():
        spans, links = layers.select(_list_annotations(views[name]), place)
        found = [*(each.annotation.type.name for each in spans), *(each.source for each in links)]
        for source in found:
            report.lose("annotations of views without a text", place, f"{source} in {name}")
    if len(with_text) == 1:
        [view] = with_text.values()
        return [_read_view(view, layers, place, report)]
    reason = "documents with several views (each is read as a text of its own)"
    report.choose(reason, place, ", ".join(with_text))
    first, *_ = with_text
    return [
        _read_view(view, layers, f"{place}, view {name}", report, "" if name == first else name)
        for name, view in with_text.items()
    ]


def _list_annotations(view: Any) -> list[Any]:
    return sorted(view.select("uima.cas.TOP"), key=lambda annotation: annotation.xmiID)


def _read_view(
    view: Any, layers: Layers, place: str, report: ConversionReport, name: str = ""
) -> AnnotatedText:
    text, annotations = view.sofa_string, _list_annotations(view)
    spans, links = layers.select(annotations, place)
    entities = _read_entities(spans, text, place, report)
    annotated = AnnotatedText(
        text,
        list(entities.values()),
        list(_read_relations(links, list(entities), text, place, report)),
        _read_tokens(annotations, text, place, report),
        _read_meta(annotations, place, name),
        place,
    )
    check_annotations(annotated)
    return annotated


def _read_entities(
    spans: Iterable[Labeled], text: str, place: str, report: ConversionReport
) -> dict[int, AnnotatedEntity]:
    """Read the entities, by the id of the annotation."""
    entities = {}
    for each in spans:
        span, label = each.annotation, each.label
        if label and span.begin != span.end:
            attributes = each.attributes or None
            entity = AnnotatedEntity(span.begin, span.end, label, attributes)
            entities[span.xmiID] = replace(entity, score=each.scores.get(SCORE))
        else:
            reason = "empty spans" if label else "spans without a label"
            case = f"{text[span.begin : span.end]!r} ({span.type.name}, {span.begin}-{span.end})"
            report.lose(reason, place, case)
    return entities


def _read_relations(
    relations: Iterable[Connected],
    ids: Sequence[int],
    text: str,
    place: str,
    report: ConversionReport,
) -> Iterator[AnnotatedRelation]:
    places = {xmi_id: i for i, xmi_id in enumerate(ids)}
    for each in relations:
        ends = [end for end in (each.head, each.tail) if end is not None]
        known = [places[end.xmiID] for end in ends if end.xmiID in places]
        names = f" {each.label} ".join(repr(text[end.begin : end.end]) for end in ends)
        case = f"{names} ({each.source})"
        if each.label and len(known) == 2:
            if each.is_link:
                report.choose("links read as relations", place, case)
            yield AnnotatedRelation(known[0], known[1], each.label, **each.scores)
        else:
            report.lose(_relation_problem(each.label, ends), place, case)


def _relation_problem(label: str | None, ends: Sequence[Any]) -> str:
    if len(ends) < 2:
        return "relations without a head or tail"
    return "relations of spans that were left out" if label else "relations without a label"


def _read_tokens(
    annotations: Sequence[Any], text: str, place: str, report: ConversionReport
) -> Offsets | None:
    tokens = sorted((each.begin, each.end) for each in annotations if each.type.name == TOKEN)
    return covering_tokens(text, tokens, place, report) if tokens else None


def _read_meta(annotations: Sequence[Any], place: str, view: str) -> dict[str, str]:
    document = next((each for each in annotations if each.type.name == DOCUMENT), None)
    fields = {key: getattr(document, key, None) for key in (*META, LANGUAGE)}
    name = getattr(document, TITLE, None) or fields[DOCUMENT_ID] or PurePath(place).stem
    others = {key: value for key, value in fields.items() if value not in (None, name)}
    return {ID: f"{name}-{view}" if view else name, **others}
