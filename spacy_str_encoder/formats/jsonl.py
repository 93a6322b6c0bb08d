"""JSON lines with character offsets.

`{"text", "entities": [{"start", "end", "label"}], "relations": [{"head", "tail", "label"}]}` per
line. Offsets count characters (exclusive end); head and tail are indices of entities. `"tokens"` (a
list of strings) and `"meta"` (an object) are optional, and other fields become metadata. A text
without `"relations"` has unannotated relations. An entity can have `"attributes"`, an object of
strings; without it, its attributes are unannotated. If it has a `"text"`, this must be the text at
its offsets; it may also have an `"id"`, a `"kb_id"` and `"codes"`. Or it is a list `[start, end,
label]`. Predicted entities and relations have a `"score"`, see `scores.py`. The Parquet files of
`annotate` hold the same in columns.
"""

from typing import Any

from .annotated_text import AnnotatedEntity, AnnotatedRelation, AnnotatedText, check_surface
from .fields import are_lists, are_objects, lose_other_fields, other_fields
from .identifiers import known_identifiers, read_identifiers
from .json_format import json_format
from .report import ConversionReport
from .scores import ALL_SCORES, known_fields, read_scores
from .shapes import Nullable, OneOf, Shape
from .tokens import find_tokens, token_texts, without_white_space

ENTITY_FIELDS = ("start", "end", "label", "attributes", "text")
RELATION_FIELDS = ("head", "tail", "label")
# Records are made from predictions, and would be stale once these are corrected.
PREDICTED = {"source", "number", "records"}
FIELDS = ("text", "tokens", "entities", "relations", "meta")

ENTITY: Shape = {"start": int, "end": int, "label": str, "text": Nullable(str)}
SHAPE: Shape = {
    "text": str,
    "tokens": Nullable([str]),
    "entities": [OneOf((ENTITY, (int, int, str)))],
    "relations": [{"head": int, "tail": int, "label": str}],
    "meta": Nullable(dict),
}


def matches(item: Any) -> bool:
    """Recognize a text by the start, end and label of its entities."""
    entities = item.get("entities")
    # With classes of the text, it may be doccano's, whose offsets count something else.
    are_triples = are_lists(entities, 3) and "cats" not in item
    return "text" in item and (are_triples or are_objects(entities, "start", "end", "label"))


def parse(item: Any, place: str, report: ConversionReport) -> AnnotatedText:
    """Read a text; its relations are unannotated if the field is not there."""
    text, tokens = item["text"], item.get("tokens")
    is_predicted = item.keys() >= PREDICTED
    if is_predicted and item["records"]:
        report.lose_other("records that annotate predicted", place, f"{len(item['records'])}")
    fields = (*FIELDS, "records") if is_predicted else FIELDS
    for relation in item.get("relations", []):
        known = {*RELATION_FIELDS, *known_fields(relation)}
        lose_other_fields("relations", relation, known, place, report)
    return AnnotatedText(
        text,
        [_parse_entity(entity, text, place, report) for entity in item["entities"]],
        [
            AnnotatedRelation(*(each[name] for name in RELATION_FIELDS), **read_scores(each))
            for each in item.get("relations", [])
        ],
        tokens=None if tokens is None else without_white_space(text, find_tokens(text, tokens)),
        meta=other_fields(item, fields) | (item.get("meta") or {}),
        has_relations="relations" in item,
        is_predicted=is_predicted,
    )


def _parse_entity(entity: Any, text: str, place: str, report: ConversionReport) -> AnnotatedEntity:
    if isinstance(entity, list):
        start, end, label = entity
        return AnnotatedEntity(start, end, label)
    start, end, surface = entity["start"], entity["end"], entity.get("text")
    if surface is not None:
        check_surface(text, start, end, surface)
    known = {*ENTITY_FIELDS, *known_fields(entity), *known_identifiers(entity)}
    lose_other_fields("entities", entity, known, place, report)
    return AnnotatedEntity(
        start,
        end,
        entity["label"],
        entity.get("attributes"),
        identifiers=read_identifiers(entity),
        **read_scores(entity),
    )


def serialize(annotated: AnnotatedText, report: ConversionReport) -> dict[str, Any]:
    """Write a text, and its tokens and meta data if it has any."""
    item = {
        "text": annotated.text,
        "tokens": None if annotated.tokens is None else token_texts(annotated),
        "entities": [*map(_without_missing, annotated.entities)],
    }
    if annotated.has_relations:
        item["relations"] = [*map(_without_missing, annotated.relations)]
    return {**item, "meta": annotated.meta} if annotated.meta else item


def _without_missing(item: AnnotatedEntity | AnnotatedRelation) -> dict[str, Any]:
    given = {name: value for name, value in vars(item).items() if value is not None}
    return given | given.pop("identifiers", {})


FORMAT = json_format(
    "jsonl",
    "JSON lines with character offsets",
    matches=matches,
    parse=parse,
    serialize=serialize,
    shape=SHAPE,
    suffix=".jsonl",
    keeps_unannotated=True,
    keeps_attributes=True,
    keeps_missing_attributes=True,
    keeps_scores=ALL_SCORES,
    keeps_identifiers=True,
)
