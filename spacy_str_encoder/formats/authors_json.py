"""The JSON of the paper's published code.

A list of `{"text", "entities": [[start, end, text, type]], "relations": [[i, j, "label_1_2"]]}`.
The entities i < j are in text order, and the direction is part of the label: `_1_2` from the first
to the second, `_2_1` from the second to the first.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .files import parse_json, read_lines
from .records import EntityRecord, Record, RecordError, RelationRecord, check_record, describe

FORWARD, BACKWARD = "_1_2", "_2_1"


def read(path: Path) -> Iterator[Record]:
    """Read annotated texts.

    path (Path): The file.
    YIELDS (Record): The texts, entities and relations.
    RAISES (ValueError): If the file is not in this format; the message names file and record.
    """
    lines = "".join(line for _, line in read_lines(path))
    content = parse_json(lines, path, first_line=1)
    if not isinstance(content, list):
        raise ValueError(f"{path}: the file is not a list of records")
    for number, item in enumerate(content, start=1):
        try:
            record = _parse(item)
            check_record(record)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise RecordError(f"{path}, record {number}: {describe(error)}") from None
        yield record


def _parse(item: Any) -> Record:
    entities = [
        _parse_entity(item["text"], start, end, surface, label)
        for start, end, surface, label in item["entities"]
    ]
    relations = [_parse_relation(i, j, label) for i, j, label in item["relations"]]
    return Record(item["text"], entities, relations)


def _parse_entity(text: str, start: int, end: int, surface: str, label: str) -> EntityRecord:
    if text[start:end] != surface:
        raise RecordError(f"the entity {start}-{end} is {text[start:end]!r}, not {surface!r}")
    return EntityRecord(start, end, label)


def _parse_relation(first: int, second: int, label: str) -> RelationRecord:
    if label.endswith(FORWARD):
        return RelationRecord(first, second, label.removesuffix(FORWARD))
    if label.endswith(BACKWARD):
        return RelationRecord(second, first, label.removesuffix(BACKWARD))
    raise RecordError(f"the relation label '{label}' ends neither in {FORWARD} nor in {BACKWARD}")
