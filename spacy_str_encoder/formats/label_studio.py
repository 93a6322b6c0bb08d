"""JSON export of Label Studio, for plain texts with labeled regions and their relations.

A list of `{"id", "data": {"text"}, "annotations": [{"was_cancelled", "result": [...]}]}`;
`label_studio_result.py` describes the results. One annotation per task is read; exports before 1.0
call annotations "completions". The other data become metadata, and all other fields of the task and
its annotation are kept there under `label_studio`. Older versions export a .zip of this file
(`result.json`), or of one file per task.

Texts of other formats are written for the template for named entities: `<Labels name="label"
toName="text">` and `<Text name="text" value="$text"/>`. An attribute such as Assertion needs
`<Choices name="Assertion" toName="text" perRegion="true">`.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from . import json_format
from .annotated_text import AnnotatedText, AnnotationError
from .fields import other_fields, with_meta
from .format import DEFAULT_OPTIONS, Format, ReadOptions
from .json_archives import is_export, open_files
from .label_studio_annotation import ANNOTATIONS, PREDICTIONS, choose_annotation
from .label_studio_field import find_usual_field
from .label_studio_output import serialize_result
from .label_studio_result import (
    are_of_other_objects,
    has_regions,
    parse_result,
    select_regions,
    with_ids,
)
from .label_studio_text import UnsupportedError, find_text
from .report import ConversionReport
from .shapes import Nullable, Shape

SUFFIX = ".json"
KEPT = "label_studio"
# The data field with the text, the control that labels it, and the object that shows it.
NAMES = {"text": "text", "from_name": "label", "to_name": "text"}

# Values of regions depend on their type, and only those of entities and attributes are read.
RESULT: Shape = {
    **dict.fromkeys(("id", "type", "from_name", "to_name", "from_id", "to_id"), str),
    "direction": Nullable(str),
    "value": {"globalOffsets": {"start": int, "end": int}},
}
RESULTS: Shape = [{"result": [RESULT]}]


def matches(item: Any) -> bool:
    """Recognize a task by its data and annotations, or predictions."""
    lists = (item.get(name) for name in (*ANNOTATIONS, PREDICTIONS))
    return isinstance(item.get("data"), dict) and any(isinstance(each, list) for each in lists)


def read(path: Path, report: ConversionReport, *, options: ReadOptions) -> Iterator[AnnotatedText]:
    """Read the tasks of a file, or of all files of an export.

    path (Path): The file, or the .zip.
    report (ConversionReport): The report, to count losses and choices.
    options (ReadOptions): The field with the text, and whether to read predictions.
    YIELDS (AnnotatedText): The texts.
    RAISES (ValueError): If a file is not in this format. The message names it and the task.
    """
    with open_files(path, SUFFIX) as files:
        usual = options.text_field or find_usual_field(files, predictions=options.predictions)
        for file in files:
            parse_task = partial(parse, options=options, usual=usual)
            yield from json_format.read(file, report, parse=parse_task, shape=find_shape(options))


def find_shape(options: ReadOptions) -> Shape:
    """Find the types of the fields that are read.

    options (ReadOptions): Whether to read predictions.
    RETURNS (Shape): The types. What is not read may be anything: some exports have the ids of
        predictions.
    """
    read: dict[str, Shape] = {PREDICTIONS: Nullable(RESULTS)}
    if not options.predictions:
        read = {PREDICTIONS: Nullable(list), **dict.fromkeys(ANNOTATIONS, RESULTS)}
    return {"data": dict, **read}


def parse(
    item: Any,
    place: str,
    report: ConversionReport,
    *,
    options: ReadOptions,
    usual: str | None,
) -> AnnotatedText | None:
    """Read a task, unless it is unannotated or has no plain text. `usual` is the field of the text
    in other tasks.
    """
    annotation = choose_annotation(item, place, report, predictions=options.predictions)
    if annotation is None:
        return None
    try:
        return _parse_annotation(item, annotation, place, report, options, usual)
    except UnsupportedError as error:
        lose = report.lose if has_regions(annotation["result"]) else report.lose_other
        lose(str(error), place, f"task {item.get('id')!r}")
        return None


def _parse_annotation(
    item: Any,
    annotation: Any,
    place: str,
    report: ConversionReport,
    options: ReadOptions,
    usual: str | None,
) -> AnnotatedText:
    data, result = item["data"], with_ids(annotation["result"])
    if are_of_other_objects(result):
        raise UnsupportedError("tasks whose regions are not of plain text")
    regions = select_regions(result)
    names = _find_names(regions, place, report)
    found = find_text(data, regions, place, report, field=options.text_field, usual=usual)
    entities, relations = parse_result(result, regions, found.spans, place, report)
    kept = {
        "task": other_fields(item, ("data", *ANNOTATIONS)),
        "annotation": other_fields(annotation, ("result",)),
        "names": {**names, "text": found.field},
    }
    meta = {**other_fields(data, (found.field,)), KEPT: kept}
    return AnnotatedText(data[found.field], entities, relations, meta=meta)


def _find_names(regions: list[Any], place: str, report: ConversionReport) -> dict[str, str]:
    controls = list(dict.fromkeys(region["from_name"] for region in regions))
    objects = list(dict.fromkeys(region["to_name"] for region in regions))
    if len(objects) > 1:
        raise AnnotationError(f"all regions must be in the same text, got {objects}")
    if len(controls) > 1:
        reason = "tasks with labels from several controls (only the first is kept)"
        report.choose(reason, place, f"{controls}")
    return {**NAMES, "from_name": controls[0], "to_name": objects[0]} if regions else NAMES


def serialize(annotated: AnnotatedText, report: ConversionReport) -> dict[str, Any]:
    """Write a task, with all that was kept of the one that was read."""
    kept = {"task": {}, "annotation": {}, "names": NAMES, **annotated.meta.get(KEPT, {})}
    names = kept["names"]
    others = replace(annotated, meta=other_fields(annotated.meta, (KEPT,)))
    data = with_meta({names["text"]: annotated.text}, others, report)
    result = serialize_result(annotated, names["from_name"], names["to_name"], report)
    return {**kept["task"], "data": data, "annotations": [{**kept["annotation"], "result": result}]}


def label_studio_format(options: ReadOptions = DEFAULT_OPTIONS) -> Format:
    """Define the format.

    options (ReadOptions): The field with the text, and whether to read predictions.
    RETURNS (Format): The format.
    """
    format_ = json_format.json_format(
        "label-studio",
        "Label Studio's JSON export, or a .zip of it",
        matches=matches,
        parse=partial(parse, options=options, usual=None),
        serialize=serialize,
        shape=find_shape(options),
        suffix=SUFFIX,
        keeps_attributes=True,
    )
    return replace(
        format_,
        recognizes=lambda path, item: (
            is_export(path, SUFFIX, matches) or format_.recognizes(path, item)
        ),
        read=partial(read, options=options),
    )
