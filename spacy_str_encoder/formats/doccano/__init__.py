"""doccano's JSON lines, for projects with entities and relations.

`{"id", "text", "entities": [{"id", "label", "start_offset", "end_offset"}], "relations": [{"id",
"from_id", "to_id", "type"}], "Comments": []}` per line (exclusive ends). Projects without relations
have `"label": [[start, end, label]]` instead, and until version 1.6 `"data"` for the text. Other
fields become metadata.

Files do not say which units offsets count: `units.py` finds the unit of each file. UTF-16
code units are written. Texts in which the units differ are reported. On import, a project drops
overlapping entities unless it allows them.

An export is a .zip of such files: `all.jsonl`, or one for each user, and `unknown.jsonl` with the
texts that no user has labeled.
"""

from functools import partial
from pathlib import Path
from typing import Any

from ..fields import are_objects
from ..format import Format
from ..json_archives import is_export
from ..json_format import write
from .reader import SUFFIX, read
from .writer import serialize


def matches(item: Any) -> bool:
    """Recognize a text with entities and relations, or with labelled spans alone."""
    if "entities" in item:
        has_entities = are_objects(item["entities"], "start_offset", "end_offset", "label")
        return has_entities and {"text", "relations"} <= item.keys()
    labels = item.get("label")
    is_list = isinstance(labels, list) and all(map(_is_span, labels))
    return is_list and not item.keys().isdisjoint(["text", "data"])


def _is_span(label: Any) -> bool:
    return isinstance(label, list) and [type(each) for each in label] == [int, int, str]


def recognizes(path: Path, item: Any) -> bool:
    """Recognize a file by its first text, and an export by that of its files."""
    return is_export(path, SUFFIX, matches) or (isinstance(item, dict) and matches(item))


FORMAT = Format(
    "doccano",
    "doccano's JSON lines, or a .zip of them",
    SUFFIX,
    recognizes=recognizes,
    read=read,
    write=partial(write, serialize=serialize),
)
