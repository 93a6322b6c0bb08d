"""JSON lines of Prodigy's `rel.manual` (https://prodi.gy/docs/dependencies-relations).

`{"text", "tokens": [{"text", "start", "end", "id", "ws"}], "spans": [{"start", "end",
"token_start", "token_end", "label"}], "relations": [{"head", "child", "head_span", "child_span",
"label"}], "answer"}` per line. Spans have character offsets and token offsets; the latter count
whitespace tokens too and include the last token. Head and child are the last tokens of spans, and
`head_span` and `child_span` identify the spans. These are matched by characters, since Prodigy
writes a wrong `token_start` if a text begins with a span. The text of a span may be outdated, and
the tokens may not fit the text: the characters count. Tasks of `ner.manual` have no relations, and
theirs are unannotated. Rejected and ignored tasks and spans are left out. Colors and disabled
tokens belong to the interface and are ignored. Other fields of a line become metadata. The file may
contain overlapping spans, although the interface shows none.

Tasks that a pipeline predicted have no answer, but a `"score"`, that of the text also in the
`"meta"` that Prodigy shows; spans and relations have their own. Once a task is answered, its scores
are not read.
"""

from typing import Any

from ..fields import are_objects
from ..json_format import json_format
from ..scores import ENTITIES, RELATIONS
from .reader import SHAPE, parse
from .writer import serialize


def matches(item: Any) -> bool:
    """Recognize a task by its tokens or spans."""
    has_objects = all(are_objects(item.get(name, [])) for name in ("tokens", "spans", "relations"))
    is_task = "text" in item and ("tokens" in item or "spans" in item)
    return has_objects and is_task and item.keys().isdisjoint(("entities", "ents"))


FORMAT = json_format(
    "prodigy",
    "JSON lines of Prodigy's rel.manual",
    matches=matches,
    parse=parse,
    serialize=serialize,
    shape=SHAPE,
    suffix=".jsonl",
    needs_tokens=True,
    keeps_scores=(ENTITIES, RELATIONS),
)
