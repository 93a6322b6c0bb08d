"""JSON export of Label Studio, for plain texts with labeled regions and their relations.

A list of `{"id", "data": {"text"}, "annotations": [{"was_cancelled", "result": [...]}]}`;
`label_studio_result.py` describes the results. One annotation per task is read. The other data
become metadata, and all other fields of the task and its annotation are kept there under
`label_studio`.

Texts of other formats are written for the template for named entities: `<Labels name="label"
toName="text">` and `<Text name="text" value="$text"/>`. An attribute such as Assertion needs
`<Choices name="Assertion" toName="text" perRegion="true">`.
"""

from dataclasses import replace
from functools import partial
from typing import Any

from .annotated_text import AnnotatedText, AnnotationError, check_list
from .fields import other_fields, with_meta
from .format import DEFAULT_OPTIONS, Format, ReadOptions
from .json_format import json_format
from .label_studio_result import parse_result, select_regions, serialize_result
from .report import ConversionReport

KEPT = "label_studio"
# The data field with the text, the control that labels it, and the object that shows it.
NAMES = {"text": "text", "from_name": "label", "to_name": "text"}


def matches(item: Any) -> bool:
    """Recognize a task by its data and annotations."""
    return isinstance(item.get("data"), dict) and isinstance(item.get("annotations"), list)


def parse(
    item: Any, place: str, report: ConversionReport, *, options: ReadOptions
) -> AnnotatedText | None:
    """Read a task, unless it is unannotated."""
    check_list("the annotations", item["annotations"])
    annotation = _choose_annotation(item["annotations"], place, report)
    if annotation is None:
        report.lose_other("unannotated tasks", place, f"task {item.get('id')!r}")
        return None
    data, result = item["data"], annotation["result"]
    check_list("the regions and relations", result)
    regions = select_regions(result, place, report)
    names = _find_names(data, regions, place, report)
    text = data[names["text"]]
    entities, relations = parse_result(result, regions, text, place, report)
    kept = {
        "task": other_fields(item, ("data", "annotations")),
        "annotation": other_fields(annotation, ("result",)),
        "names": names,
    }
    meta = {**other_fields(data, (names["text"],)), KEPT: kept}
    return AnnotatedText(text, entities, relations, meta=meta)


def _choose_annotation(annotations: list[Any], place: str, report: ConversionReport) -> Any:
    finished = [each for each in annotations if not each.get("was_cancelled")]
    if finished and len(annotations) > 1:
        reason = "tasks with several annotations (the first one not cancelled is read)"
        report.choose(reason, place, f"{len(annotations)} annotations")
    return finished[0] if finished else None


def _find_names(
    data: dict[str, Any], regions: list[Any], place: str, report: ConversionReport
) -> dict[str, str]:
    controls = list(dict.fromkeys(region["from_name"] for region in regions))
    objects = list(dict.fromkeys(region["to_name"] for region in regions))
    if len(objects) > 1:
        raise AnnotationError(f"all regions must be in the same text, got {objects}")
    if len(controls) > 1:
        reason = "tasks with labels from several controls (only the first is kept)"
        report.choose(reason, place, f"{controls}")
    if not regions:
        return {**NAMES, "text": _find_text_field(data, NAMES["to_name"])}
    text = _find_text_field(data, objects[0])
    return {"text": text, "from_name": controls[0], "to_name": objects[0]}


def _find_text_field(data: dict[str, Any], object_name: str) -> str:
    fields = [name for name in data if isinstance(data[name], str)]
    for name in ("text", object_name):
        if name in fields:
            return name
    if len(fields) != 1:
        raise AnnotationError(
            f"the data must have a field 'text' or a single string, got {len(fields)} strings: "
            f"{fields}"
        )
    return fields[0]


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
    return json_format(
        "label-studio",
        "Label Studio's JSON export",
        matches=matches,
        parse=partial(parse, options=options),
        serialize=serialize,
        suffix=".json",
        keeps_attributes=True,
    )
