"""Read the tasks of Label Studio, of a file or an export with several files."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from .. import json_format
from ..annotated_text import AnnotatedText, AnnotationError
from ..fields import other_fields
from ..format import ReadOptions
from ..json_archives import open_files
from ..report import ConversionReport
from .annotation import ANNOTATIONS, choose_annotation, find_shape, name_task
from .regions import are_of_other_objects, has_regions, select_regions, with_ids, without_score
from .result import parse_result
from .text import UnsupportedError, find_text
from .usual_field import find_usual_field

SUFFIX = ".json"
# The field of the metadata with what is kept of a task, to write it again.
KEPT = "label_studio"
# The data field with the text, the control that labels it, and the object that shows it.
NAMES = {"text": "text", "from_name": "label", "to_name": "text"}


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
        parse_task = partial(parse, options=options, usual=usual)
        shape = find_shape(predictions=options.predictions)
        for file in files:
            yield from json_format.read(file, report, parse=parse_task, shape=shape)


def parse(
    item: Any,
    place: str,
    report: ConversionReport,
    *,
    options: ReadOptions,
    usual: str | None,
) -> AnnotatedText | None:
    """Read a task, unless it has no plain text, or is unannotated and only annotated ones are read.
    `usual` is the field of the text in other tasks.
    """
    choices = ConversionReport() if options.all_texts else report
    annotation = choose_annotation(item, place, choices, predictions=options.predictions)
    if annotation is None and not options.all_texts:
        return None
    is_annotated = annotation is not None
    annotation = annotation or {"result": []}
    try:
        annotated = _parse_annotation(item, annotation, place, report, options, usual)
        return replace(annotated, has_entities=is_annotated, has_relations=is_annotated)
    except UnsupportedError as error:
        lose = report.lose if has_regions(annotation["result"]) else report.lose_other
        lose(str(error), place, name_task(item))
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
    if not options.predictions:
        result = [without_score(each) for each in result]
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
