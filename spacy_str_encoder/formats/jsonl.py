"""JSON lines: `{"text", "entities": [{"start", "end", "label"}], "relations": [{"head", "tail",
"label"}]}` a line, with character offsets, ends exclusive; head and tail are indices of entities.
Other fields are ignored.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .files import parse_json, read_lines
from .records import EntityRecord, Record, RecordError, RelationRecord, check_record, describe


def read(path: Path) -> Iterator[Record]:
    """Read annotated texts.

    path (Path): The file.
    YIELDS (Record): The texts, entities and relations.
    RAISES (ValueError): If the file is not in this format; the message names file and line.
    """
    for number, line in read_lines(path):
        if line.strip():
            item = parse_json(line, path, first_line=number)
            try:
                record = _parse(item)
                check_record(record)
            except (KeyError, TypeError, ValueError) as error:
                raise RecordError(f"{path}, line {number}: {describe(error)}") from None
            yield record


def _parse(item: Any) -> Record:
    if not isinstance(item, dict):
        raise RecordError("it is no object")
    entities = [EntityRecord(e["start"], e["end"], e["label"]) for e in item["entities"]]
    relations = [RelationRecord(r["head"], r["tail"], r["label"]) for r in item["relations"]]
    return Record(item["text"], entities, relations)
