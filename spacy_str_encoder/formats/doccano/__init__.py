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

import zipfile
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from ..archives import archive_errors, is_small
from ..fields import are_objects
from ..format import Format
from ..json_format import write
from ..reading import read_items
from ..report import ConversionReport
from .reader import list_members, read
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
    if path.suffix.lower() != ".zip" or not zipfile.is_zipfile(path):
        return isinstance(item, dict) and matches(item)
    with zipfile.ZipFile(path) as archive, suppress(ValueError), archive_errors():
        report = ConversionReport(skip_bad=True)
        small = filter(is_small, list_members(archive))
        firsts = (next(read_items(each, report), None) for each in small)
        return any(isinstance(item, dict) and matches(item) for _, item in filter(None, firsts))
    return False


FORMAT = Format(
    "doccano",
    "doccano's JSON lines, or a .zip of them",
    ".jsonl",
    recognizes=recognizes,
    read=read,
    write=partial(write, serialize=serialize),
)
