"""Triples of subject, predicate and object, as in CMeIE (Guan et al. 2020) and DuIE (Li et al.
2019).

`{"text", "spo_list": [{"predicate", "subject", "subject_type", "object": {"@value"}, "object_type":
{"@value"}}]}` per line; in DuIE 1.0, the object and its type are strings. There are no offsets: a
triple is located where its two strings are closest to each other, and left out if there is no such
position or several. Additional roles of an object (DuIE 2.0) and marks of a triple (`Combined`, in
the first CMeIE) are left out. Other fields of the line become metadata.
"""

from dataclasses import replace
from typing import Any

from .annotated_text import AnnotatedRelation, AnnotatedText
from .entities import without_repeats
from .fields import lose_other_fields, other_fields, with_meta
from .json_format import json_format
from .report import ConversionReport
from .shapes import OneOf, Shape
from .triples import Triple, check_triple, keep_findable, place_triples

VALUE = "@value"

STRING = OneOf((str, {VALUE: str}))
SHAPE: Shape = {"text": str, "spo_list": [dict.fromkeys(Triple._fields, STRING)]}


def matches(item: Any) -> bool:
    """Recognize a text by its list of triples."""
    return isinstance(item.get("spo_list"), list) and "text" in item


def parse(item: Any, place: str, report: ConversionReport) -> AnnotatedText:
    """Read a text, and find the entities of its triples."""
    triples = [_parse_triple(fields, place, report) for fields in item["spo_list"]]
    annotated = place_triples(item["text"], triples, place, report)
    return replace(annotated, meta=other_fields(item, ("text", "spo_list")))


def _parse_triple(fields: dict[str, Any], place: str, report: ConversionReport) -> Triple:
    values = [fields[name] for name in Triple._fields]
    triple = Triple(*(each[VALUE] if isinstance(each, dict) else each for each in values))
    check_triple(triple)
    marks = {name: value for name, value in fields.items() if value is not False}
    lose_other_fields("triples", marks, Triple._fields, place, report)
    if isinstance(fields["object"], dict):
        for role, value in other_fields(fields["object"], (VALUE,)).items():
            report.lose("additional roles of objects", place, f"{role!r}: {value!r} of {triple}")
    return triple


def serialize(annotated: AnnotatedText, report: ConversionReport) -> dict[str, Any]:
    """Write the relations of a text as triples."""
    annotated = keep_findable(without_repeats(annotated, report), report)
    triples = [_serialize_triple(annotated, relation) for relation in annotated.relations]
    return with_meta({"text": annotated.text, "spo_list": triples}, annotated, report)


def _serialize_triple(annotated: AnnotatedText, relation: AnnotatedRelation) -> dict[str, Any]:
    head, tail = annotated.entities[relation.head], annotated.entities[relation.tail]
    return {
        "predicate": relation.label,
        "subject": annotated.text[head.start : head.end],
        "subject_type": head.label,
        "object": {VALUE: annotated.text[tail.start : tail.end]},
        "object_type": {VALUE: tail.label},
    }


FORMAT = json_format(
    "spo",
    "triples of CMeIE and DuIE (JSON lines)",
    matches=matches,
    parse=parse,
    serialize=serialize,
    shape=SHAPE,
    suffix=".jsonl",
)
