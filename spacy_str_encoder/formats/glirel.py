"""The JSON lines that GLiREL trains on (https://github.com/jackboyla/GLiREL).

`{"tokenized_text", "ner": [[first, last, label, text]], "relations": [{"head", "tail",
"relation_text"}]}` a line. Entities count tokens, the last one included. Head and tail are
`{"mention", "position": [first, last], "type"}`: GLiREL goes by the position, and the type matters
only if several entities are there. GLiREL ignores `"text"`, which is written beside them, so that
white space is not lost. Other fields of a line go to the meta data.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from .entities import UNFOUND, find_entity, without_repeats
from .fields import are_objects, lose_other_fields, other_fields, with_meta
from .gliner import parse_entity, parse_place
from .json_format import json_format
from .records import Record, RelationRecord
from .report import ConversionReport
from .tokens import Offsets, align_entities, place_tokens, token_texts, without_white_space


def matches(item: Any) -> bool:
    return are_objects(item.get("relations")) and {"tokenized_text", "ner"} <= item.keys()


def parse(item: Any, place: str, report: ConversionReport) -> Record:
    text, tokens = place_tokens(item.get("text"), item["tokenized_text"])
    entities = [parse_entity(entity, text, tokens) for entity in item["ner"]]
    meta = other_fields(item, ("text", "tokenized_text", "ner", "relations"))
    record = Record(text, entities, [], without_white_space(text, tokens), meta, place)
    relations = list(_parse_relations(item["relations"], record, tokens, report))
    return replace(record, relations=relations)


def _parse_relations(
    relations: list[Any], record: Record, tokens: Offsets, report: ConversionReport
) -> Iterator[RelationRecord]:
    for relation in relations:
        label = relation["relation_text"]
        head = _find_end(relation["head"], record, tokens, report)
        tail = _find_end(relation["tail"], record, tokens, report)
        if head is None or tail is None:
            ends = f"{relation['head']['position']} and {relation['tail']['position']}"
            report.lose(UNFOUND, record.place, f"{label} between the tokens {ends}")
        else:
            yield RelationRecord(head, tail, label)
        known = ("head", "tail", "relation_text")
        lose_other_fields("relations", relation, known, record.place, report)


def _find_end(
    end: dict[str, Any], record: Record, tokens: Offsets, report: ConversionReport
) -> int | None:
    known = ("mention", "position", "type")
    lose_other_fields("heads and tails", end, known, record.place, report)
    first, last = end["position"]
    place = parse_place(record.text, tokens, first, last, end.get("mention"))
    return find_entity(record, place, end.get("type"), report)


def serialize(record: Record, report: ConversionReport) -> dict[str, Any]:
    record, spans = align_entities(without_repeats(record, report), report)
    ends = [
        {"mention": record.text[entity.start : entity.end], "position": [start, end - 1]}
        | {"type": entity.label}
        for entity, (start, end) in zip(record.entities, spans, strict=True)
    ]
    item = {
        "text": record.text,
        "tokenized_text": token_texts(record),
        "ner": [[*end["position"], end["type"], end["mention"]] for end in ends],
        "relations": [
            {"head": ends[r.head], "tail": ends[r.tail], "relation_text": r.label}
            for r in record.relations
        ],
    }
    return with_meta(item, record, report)


FORMAT = json_format(
    "glirel",
    "the JSON lines that GLiREL trains on",
    matches=matches,
    parse=parse,
    serialize=serialize,
    suffix=".jsonl",
    needs_tokens=True,
)
