"""Remedies for losses and choices: options of `convert` that avoid or change them."""

from .brat.events import EVENTS
from .brat.reader import EMPTY_FILES, NONE
from .brat.reader import UNANNOTATED as UNANNOTATED_FILES
from .brat.relations import OF_EVENTS
from .entities import (
    MISALIGNED,
    NO_ATTRIBUTES,
    NO_RELATIONS,
    NOT_IN_GROUP,
    OTHER_GROUPS,
    OVERLAPPING,
    UNANNOTATED,
    UNANNOTATED_ATTRIBUTES,
    WITHOUT_ENTITIES,
)
from .label_studio.annotation import PREDICTED
from .label_studio.field import OF_FILES, OF_OTHERS, OF_SEVERAL, REMEDY
from .scores import NO_SCORES, NOT_READ
from .sources import WITHOUT_ANY_ENTITY, WITHOUT_ANY_RELATION
from .writer import CHINESE

_FORMATS = "--list-formats shows which formats hold them"
# By reason, without its remark in parentheses.
REMEDIES = {
    CHINESE.partition(" (")[0]: "use --lang zh",
    MISALIGNED: "--alignment expand moves them to the borders of tokens; another --lang makes "
    "other tokens",
    OVERLAPPING: "docs hold them in a span group: use --to spacy --spans-key sc, without --flat",
    NOT_IN_GROUP: "name the span group to read with --spans-key; doc.ents is read from docs that "
    "lack it",
    OTHER_GROUPS: "name the span group to read with --spans-key",
    UNANNOTATED: "--relations none reads them as texts without relations",
    WITHOUT_ANY_ENTITY: "--entities none reads them as annotated texts without entities",
    WITHOUT_ANY_RELATION: "--relations none reads them as texts without relations",
    f"{UNANNOTATED}, written as none": "use --to spacy or --to jsonl, which keep them apart",
    f"{WITHOUT_ENTITIES}, written as none": "use --to spacy, which keeps them apart",
    f"{UNANNOTATED_ATTRIBUTES}, written as none": "use --to spacy or --to jsonl, which keep them "
    "apart",
    f"{EMPTY_FILES}, read as {NONE}": "--empty-ann unannotated reads them as unannotated texts",
    f"{EMPTY_FILES}, read as {UNANNOTATED_FILES}": "--entities none reads them as annotated texts "
    "without entities",
    NOT_READ: "--predictions reads them, if nobody has corrected these files",
    EVENTS: "--events relations reads their arguments as relations",
    OF_EVENTS: "--events relations reads them",
    **dict.fromkeys((OF_SEVERAL, OF_OTHERS, OF_FILES), REMEDY),
    PREDICTED: "--predictions reads their predictions",
    NO_RELATIONS: _FORMATS,
    NO_ATTRIBUTES: _FORMATS,
    NO_SCORES: "not needed to correct annotations; --to spacy and --to jsonl hold all of them",
}
