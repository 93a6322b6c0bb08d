"""JSON of TACRED (https://nlp.stanford.edu/projects/tacred) and Re-TACRED. It is read, not written.

A list of `{"token": [token], "subj_start", "subj_end", "subj_type", "obj_start", "obj_end",
"obj_type", "relation"}`. Offsets count tokens and include the last one. Each item is a text of its
own, with its tokens joined by spaces, two entities and a relation from the subject to the object,
or none if it is `no_relation`. Items with the same tokens are not merged: each of them has
only the entities of its own pair. Other fields, such as `"stanford_pos"`, become metadata.
"""

from typing import Any

from .annotated_text import AnnotatedEntity, AnnotatedRelation, AnnotatedText
from .fields import other_fields
from .json_format import json_format
from .report import ConversionReport
from .shapes import Shape
from .tokens import Offsets, inclusive_span, join_tokens, without_white_space

ENDS = ("subj", "obj")
FIELDS = {"token", "relation"} | {
    f"{end}_{name}" for end in ENDS for name in ("start", "end", "type")
}
NO_RELATION = "no_relation"

SHAPE: Shape = {
    "token": [str],
    **{f"{end}_{name}": int for end in ENDS for name in ("start", "end")},
    **{f"{end}_type": str for end in ENDS},
    "relation": str,
}


def matches(item: Any) -> bool:
    """Recognize a text by its fields."""
    return item.keys() >= FIELDS


def parse(item: Any, place: str, report: ConversionReport) -> AnnotatedText:
    """Read a text with two entities, and at most one relation."""
    text, tokens = join_tokens(item["token"])
    entities = [_parse_end(item, end, tokens) for end in ENDS]
    label = item["relation"]
    relations = [] if label == NO_RELATION else [AnnotatedRelation(0, 1, label)]
    meta = other_fields(item, FIELDS)
    return AnnotatedText(text, entities, relations, without_white_space(text, tokens), meta)


def _parse_end(item: dict[str, Any], end: str, tokens: Offsets) -> AnnotatedEntity:
    place = inclusive_span(tokens, item[f"{end}_start"], item[f"{end}_end"])
    return AnnotatedEntity(*place, item[f"{end}_type"])


FORMAT = json_format(
    "tacred",
    "JSON of TACRED",
    matches=matches,
    parse=parse,
    shape=SHAPE,
    suffix=".json",
)
