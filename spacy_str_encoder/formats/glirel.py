"""JSON lines that GLiREL trains on (https://github.com/jackboyla/GLiREL).

`{"tokenized_text", "ner": [[first, last, label, text]], "relations": [{"head", "tail",
"relation_text"}]}` per line. The offsets of entities count tokens and include the last one. Head
and tail are `{"mention", "position": [first, last], "type"}`: GLiREL uses the position, and the
type matters only if several entities have the same position. `"text"` is written as well, so that
whitespace is not lost; GLiREL ignores it. Other fields of a line become metadata.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from .annotated_text import AnnotatedRelation, AnnotatedText
from .entities import UNFOUND, find_entity, without_repeats
from .fields import are_objects, lose_other_fields, other_fields, with_meta
from .gliner import parse_entity, parse_place
from .json_format import json_format
from .report import ConversionReport
from .shapes import Nullable, Shape
from .tokens import Offsets, align_entities, place_tokens, token_texts, without_white_space

END: Shape = {"mention": Nullable(str), "position": (int, int), "type": Nullable(str)}
SHAPE: Shape = {
    "text": Nullable(str),
    "tokenized_text": [str],
    "ner": [(int, int, str, ...)],
    "relations": [{"head": END, "tail": END, "relation_text": str}],
}


def matches(item: Any) -> bool:
    """Recognize a text by its tokens, and by relations that are objects."""
    return are_objects(item.get("relations")) and {"tokenized_text", "ner"} <= item.keys()


def parse(item: Any, place: str, report: ConversionReport) -> AnnotatedText:
    """Read a text, and find the entities of its relations."""
    text, tokens = place_tokens(item.get("text"), item["tokenized_text"])
    entities = [parse_entity(entity, text, tokens) for entity in item["ner"]]
    meta = other_fields(item, ("text", "tokenized_text", "ner", "relations"))
    annotated = AnnotatedText(text, entities, [], without_white_space(text, tokens), meta, place)
    relations = list(_parse_relations(item["relations"], annotated, tokens, report))
    return replace(annotated, relations=relations)


def _parse_relations(
    relations: list[Any], annotated: AnnotatedText, tokens: Offsets, report: ConversionReport
) -> Iterator[AnnotatedRelation]:
    for relation in relations:
        label = relation["relation_text"]
        head = _find_end(relation["head"], annotated, tokens, report)
        tail = _find_end(relation["tail"], annotated, tokens, report)
        if head is None or tail is None:
            ends = f"{relation['head']['position']} and {relation['tail']['position']}"
            report.lose(UNFOUND, annotated.place, f"{label} between the tokens {ends}")
        else:
            yield AnnotatedRelation(head, tail, label)
        known = ("head", "tail", "relation_text")
        lose_other_fields("relations", relation, known, annotated.place, report)


def _find_end(
    end: dict[str, Any], annotated: AnnotatedText, tokens: Offsets, report: ConversionReport
) -> int | None:
    known = ("mention", "position", "type")
    lose_other_fields("heads and tails", end, known, annotated.place, report)
    first, last = end["position"]
    place = parse_place(annotated.text, tokens, first, last, end.get("mention"))
    return find_entity(annotated, place, end.get("type"), report)


def serialize(annotated: AnnotatedText, report: ConversionReport) -> dict[str, Any]:
    """Write a text; each relation repeats what its entities are."""
    annotated, spans = align_entities(without_repeats(annotated, report), report)
    ends = [
        {"mention": annotated.text[entity.start : entity.end], "position": [start, end - 1]}
        | {"type": entity.label}
        for entity, (start, end) in zip(annotated.entities, spans, strict=True)
    ]
    item = {
        "text": annotated.text,
        "tokenized_text": token_texts(annotated),
        "ner": [[*end["position"], end["type"], end["mention"]] for end in ends],
        "relations": [
            {"head": ends[r.head], "tail": ends[r.tail], "relation_text": r.label}
            for r in annotated.relations
        ],
    }
    return with_meta(item, annotated, report)


FORMAT = json_format(
    "glirel",
    "training data of GLiREL (JSON lines)",
    matches=matches,
    parse=parse,
    serialize=serialize,
    shape=SHAPE,
    suffix=".jsonl",
    needs_tokens=True,
)
