"""JSON lines: `{"text", "entities": [{"start", "end", "label"}], "relations": [{"head", "tail",
"label"}]}` a line, with character offsets, ends exclusive; head and tail are indices of entities.
It may have `"tokens"`, a list of strings, and `"meta"`, an object. Other fields are ignored.
"""

from typing import Any

from .fields import are_objects
from .json_format import json_format
from .records import EntityRecord, Record, RelationRecord
from .report import ConversionReport
from .tokens import find_tokens, token_texts, without_white_space


def matches(item: Any) -> bool:
    return "text" in item and are_objects(item.get("entities"), "start", "end", "label")


def parse(item: Any, place: str, report: ConversionReport) -> Record:
    text, tokens = item["text"], item.get("tokens")
    return Record(
        text,
        [EntityRecord(e["start"], e["end"], e["label"]) for e in item["entities"]],
        [RelationRecord(r["head"], r["tail"], r["label"]) for r in item["relations"]],
        tokens=None if tokens is None else without_white_space(text, find_tokens(text, tokens)),
        meta=item.get("meta") or {},
    )


def serialize(record: Record, report: ConversionReport) -> dict[str, Any]:
    item = {
        "text": record.text,
        "tokens": None if record.tokens is None else token_texts(record),
        "entities": [vars(entity) for entity in record.entities],
        "relations": [vars(relation) for relation in record.relations],
    }
    return {**item, "meta": record.meta} if record.meta else item


FORMAT = json_format(
    "jsonl",
    "JSON lines with character offsets",
    matches=matches,
    parse=parse,
    serialize=serialize,
    suffix=".jsonl",
)
