"""Read doccano's JSON lines, or an export with several files of them."""

import zipfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from .. import json_format
from ..annotated_text import AnnotatedEntity, AnnotatedRelation, AnnotatedText, AnnotationError
from ..archives import AnyPath
from ..fields import lose_other_fields, other_fields
from ..json_archives import open_files
from ..reading import read_items
from ..report import ConversionReport
from ..shapes import check_shape
from ..tokens import Offsets
from ..utf16 import from_utf16
from .units import DEFAULT_UNITS, UTF16, convert, describe_last, differ, find_units

ENTITY_FIELDS = ("id", "label", "start_offset", "end_offset")
RELATION_FIELDS = ("id", "from_id", "to_id", "type")
LABELED: dict[str, Any] = {"text": str, "label": [(int, int, str)]}
CONNECTED: dict[str, Any] = {
    "text": str,
    "entities": [{"id": int, "label": str, "start_offset": int, "end_offset": int}],
    "relations": [{"from_id": int, "to_id": int, "type": str}],
}
SUFFIX = ".jsonl"
UNLABELED = "unknown.jsonl"


def read(path: Path, report: ConversionReport) -> Iterator[AnnotatedText]:
    """Read the texts of a file, or of all files of an export.

    path (Path): The file, or the .zip.
    report (ConversionReport): The report, to count losses and choices.
    YIELDS (AnnotatedText): The texts.
    RAISES (ValueError): If a file is not in this format. The message names it and the line.
    """
    with open_files(path, SUFFIX) as files:
        for file in files:
            if isinstance(file, zipfile.Path) and file.name == UNLABELED:
                reason = "files of texts that no user has labeled, read as texts without entities"
                report.choose(reason, str(file), "")
            yield from _read_file(file, report)


def _read_file(path: AnyPath, report: ConversionReport) -> Iterator[AnnotatedText]:
    units = find_units(_find_spans(path))
    yield from json_format.read(path, report, parse=partial(parse, units=units), shape={})


def _find_spans(path: AnyPath) -> Iterator[tuple[str, Offsets]]:
    for _, item in read_items(path, ConversionReport(skip_bad=True)):
        with suppress(AnnotationError, KeyError):
            json_format.check_object(item, {})
            text, labels = _parse_labels(item)
            yield text, [(start, end) for start, end, _ in labels]


def parse(item: Any, place: str, report: ConversionReport, *, units: list[str]) -> AnnotatedText:
    """Read a text; its relations are unannotated if it has labelled spans alone."""
    text, labels = _parse_labels(item)
    spans = [(start, end) for start, end, _ in labels]
    converted = _convert(text, spans, units, place, report)
    entities = [
        AnnotatedEntity(*span, label) for span, (_, _, label) in zip(converted, labels, strict=True)
    ]
    annotated = AnnotatedText(text, entities, [], place=place, has_relations="entities" in item)
    if "entities" not in item:
        return replace(annotated, meta=other_fields(item, (_text_field(item), "label")))
    for entity in item["entities"]:
        lose_other_fields("entities", entity, ENTITY_FIELDS, place, report)
    return replace(
        annotated,
        relations=_parse_relations(item["relations"], item["entities"], place, report),
        meta=other_fields(item, (_text_field(item), "entities", "relations")),
    )


def _text_field(item: dict[str, Any]) -> str:
    return "data" if "data" in item and "text" not in item else "text"


def _parse_labels(item: Any) -> tuple[str, list[tuple[int, int, str]]]:
    """RETURNS (tuple[str, list[tuple[int, int, str]]]): The text, and its labeled spans."""
    field = _text_field(item)
    if "label" in item and "entities" not in item:
        check_shape(item, {**LABELED, field: str})
        return item[field], item["label"]
    check_shape(item, {**CONNECTED, field: str})
    return item[field], [(e["start_offset"], e["end_offset"], e["label"]) for e in item["entities"]]


def _convert(
    text: str, spans: Offsets, units: list[str], place: str, report: ConversionReport
) -> Offsets:
    if not differ(text, spans):
        return from_utf16(text, spans)
    # Units that fit all texts of the file, or else this one.
    units = units or find_units([(text, spans)]) or [UTF16]
    unit = units[0]
    converted = convert(text, spans, unit) or from_utf16(text, spans)
    is_undecided = unit == UTF16 and differ(text, spans, units)
    reason = DEFAULT_UNITS if is_undecided else f"texts with offsets in {unit}, which fit best"
    report.choose(reason, place, describe_last(text, converted))
    return converted


def _parse_relations(
    relations: list[Any], entities: list[Any], place: str, report: ConversionReport
) -> list[AnnotatedRelation]:
    index: dict[int, int] = {}
    for i, entity in enumerate(entities):
        if "id" in entity and index.setdefault(entity["id"], i) != i:
            raise AnnotationError(f"duplicate entity id {entity['id']!r}")
    for relation in relations:
        lose_other_fields("relations", relation, RELATION_FIELDS, place, report)
    return [
        AnnotatedRelation(_find(each["from_id"], index), _find(each["to_id"], index), each["type"])
        for each in relations
    ]


def _find(entity_id: int, index: dict[int, int]) -> int:
    if entity_id not in index:
        raise AnnotationError(f"a relation refers to the id {entity_id}, but no entity has it")
    return index[entity_id]
