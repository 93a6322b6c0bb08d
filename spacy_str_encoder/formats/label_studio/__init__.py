"""JSON export of Label Studio, for plain texts with labeled regions and their relations.

A list of `{"id", "data": {"text"}, "annotations": [{"was_cancelled", "result": [...]}]}`;
`regions.py` and `relations.py` describe the results. One annotation per task is read; exports
before 1.0 call annotations "completions". The other data become metadata, and all other fields of
the task and its annotation are kept there under `label_studio`. Older versions export a .zip of
this file (`result.json`), or of one file per task.

Texts of other formats are written for the template for named entities: `<Labels name="label"
toName="text">` and `<Text name="text" value="$text"/>`. An attribute such as Assertion needs
`<Choices name="Assertion" toName="text" perRegion="true">`.

Predicted texts are written as predictions, which annotators correct, with a `"score"` and, if it is
known, the `"model_version"`. Entities and attributes have their `"score"`
(https://labelstud.io/guide/predictions); `relations.py` describes those of relations.
"""

from functools import partial
from pathlib import Path
from typing import Any

from ..format import DEFAULT_OPTIONS, Format, ReadOptions
from ..json_archives import is_export
from ..json_format import write
from ..scores import ALL_SCORES
from .annotation import ANNOTATIONS, PREDICTIONS
from .reader import SUFFIX, read
from .writer import serialize


def matches(item: Any) -> bool:
    """Recognize a task by its data and annotations, or predictions."""
    lists = (item.get(name) for name in (*ANNOTATIONS, PREDICTIONS))
    return isinstance(item.get("data"), dict) and any(isinstance(each, list) for each in lists)


def recognizes(path: Path, item: Any) -> bool:
    """Recognize a file by its first task, and an export by that of its files."""
    return is_export(path, SUFFIX, matches) or (isinstance(item, dict) and matches(item))


def label_studio_format(options: ReadOptions = DEFAULT_OPTIONS) -> Format:
    """Define the format.

    options (ReadOptions): The field with the text, and whether to read predictions.
    RETURNS (Format): The format.
    """
    return Format(
        "label-studio",
        "Label Studio's JSON export, or a .zip of it",
        SUFFIX,
        recognizes=recognizes,
        read=partial(read, options=options),
        write=partial(write, serialize=serialize),
        keeps_attributes=True,
        keeps_scores=ALL_SCORES,
    )
