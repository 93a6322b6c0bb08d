"""Write doccano's JSON lines, with offsets in UTF-16 code units."""

from typing import Any

from ..annotated_text import AnnotatedText
from ..fields import with_meta
from ..report import ConversionReport
from ..utf16 import count_utf16
from .units import DEFAULT_UNITS, describe_last, differ


def serialize(annotated: AnnotatedText, report: ConversionReport) -> dict[str, Any]:
    """Write a text, with offsets in UTF-16 code units.

    annotated (AnnotatedText): The text.
    report (ConversionReport): The report, to count texts in which other units differ.
    RETURNS (dict[str, Any]): The fields of a line.
    """
    units = count_utf16(annotated.text)
    spans = [(units[entity.start], units[entity.end]) for entity in annotated.entities]
    if differ(annotated.text, spans):
        places = [(entity.start, entity.end) for entity in annotated.entities]
        case = describe_last(annotated.text, places)
        report.choose(DEFAULT_UNITS, annotated.place, case)
    entities = [
        {"id": i, "label": entity.label, "start_offset": start, "end_offset": end}
        for i, (entity, (start, end)) in enumerate(zip(annotated.entities, spans, strict=True))
    ]
    relations = [
        {"id": i, "from_id": r.head, "to_id": r.tail, "type": r.label}
        for i, r in enumerate(annotated.relations)
    ]
    item = {"text": annotated.text, "entities": entities, "relations": relations}
    return with_meta(item, annotated, report)
