"""Triples without types, as CasRel (https://github.com/weizhepei/CasRel) reads them.

A list of `{"text", "triple_list": [[subject, predicate, object]]}`. There are no offsets: a triple
is located as those of `spo`, but occurrences of a string inside of words count only if there are no
others. Entities have no types: all are read as `Entity`, and types are lost in writing. Other
fields become metadata.
"""

from dataclasses import replace
from typing import Any

from .annotated_text import AnnotatedText
from .entities import describe_entity, without_repeats
from .fields import other_fields, with_meta
from .json_format import json_format
from .occurrences import find_words
from .report import ConversionReport
from .shapes import Shape
from .triples import LABEL, UNTYPED, Triple, check_triple, keep_findable, place_triples

SHAPE: Shape = {"text": str, "triple_list": [(str, str, str)]}


def matches(item: Any) -> bool:
    """Recognize a text by its list of triples."""
    return isinstance(item.get("triple_list"), list) and "text" in item


def parse(item: Any, place: str, report: ConversionReport) -> AnnotatedText:
    """Read a text, and find the entities of its triples."""
    triples = [_parse_triple(each) for each in item["triple_list"]]
    annotated = place_triples(item["text"], triples, place, report, find=find_words)
    for i in range(len(annotated.entities)):
        report.choose(UNTYPED, place, describe_entity(annotated, i))
    return replace(annotated, meta=other_fields(item, ("text", "triple_list")))


def _parse_triple(strings: list[str]) -> Triple:
    subject, predicate, object_ = strings
    triple = Triple(subject, LABEL, predicate, object_, LABEL)
    check_triple(triple)
    return triple


def serialize(annotated: AnnotatedText, report: ConversionReport) -> dict[str, Any]:
    """Write the relations of a text as triples."""
    annotated = _without_types(keep_findable(annotated, report, find=find_words), report)
    strings = [annotated.text[entity.start : entity.end] for entity in annotated.entities]
    triples = [[strings[r.head], r.label, strings[r.tail]] for r in annotated.relations]
    return with_meta({"text": annotated.text, "triple_list": triples}, annotated, report)


def _without_types(annotated: AnnotatedText, report: ConversionReport) -> AnnotatedText:
    for i, entity in enumerate(annotated.entities):
        if entity.label != LABEL:
            report.lose("types of entities", annotated.place, describe_entity(annotated, i))
    untyped = [replace(entity, label=LABEL) for entity in annotated.entities]
    return without_repeats(replace(annotated, entities=untyped), report)


FORMAT = json_format(
    "casrel",
    "triples without types of CasRel (JSON)",
    matches=matches,
    parse=parse,
    serialize=serialize,
    shape=SHAPE,
    suffix=".json",
)
