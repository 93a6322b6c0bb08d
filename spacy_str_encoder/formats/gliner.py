"""JSON that GLiNER trains on (https://github.com/urchade/GLiNER).

A list of `{"tokenized_text", "ner": [[first, last, label]], "relations": [[head, tail, label]]}`.
The offsets of entities count tokens and include the last one; head and tail are indices of
entities. Texts with unannotated relations lack `"relations"`. `"text"` is written as well, so that
whitespace is not lost; GLiNER ignores it. Other fields, such as `"ner_negatives"`, become metadata.
"""

from typing import Any

from .annotated_text import (
    AnnotatedEntity,
    AnnotatedRelation,
    AnnotatedText,
    AnnotationError,
    check_string,
)
from .fields import other_fields, with_meta
from .json_format import json_format
from .report import ConversionReport
from .shapes import Nullable, Shape
from .tokens import (
    Offsets,
    align_entities,
    inclusive_span,
    place_tokens,
    token_texts,
    without_white_space,
)

SHAPE: Shape = {
    "text": Nullable(str),
    "tokenized_text": [str],
    "ner": [(int, int, str, ...)],
    "relations": [(int, int, str)],
}


def matches(item: Any) -> bool:
    """Recognize a text by its tokens, and by entities and relations that are lists."""
    relations = item.get("relations", [])
    is_list = isinstance(relations, list) and all(isinstance(each, list) for each in relations)
    return is_list and {"tokenized_text", "ner"} <= item.keys()


def parse(item: Any, place: str, report: ConversionReport) -> AnnotatedText:
    """Read a text; its relations are unannotated if the field is not there."""
    text, tokens = place_tokens(item.get("text"), item["tokenized_text"])
    entities = [parse_entity(entity, text, tokens) for entity in item["ner"]]
    relations = [
        AnnotatedRelation(head, tail, label) for head, tail, label in item.get("relations", [])
    ]
    meta = other_fields(item, ("text", "tokenized_text", "ner", "relations"))
    words, is_annotated = without_white_space(text, tokens), "relations" in item
    return AnnotatedText(text, entities, relations, words, meta, has_relations=is_annotated)


def parse_entity(entity: list[Any], text: str, tokens: Offsets) -> AnnotatedEntity:
    """Parse an entity of GLiNER or GLiREL.

    entity (list[Any]): The first and last token, the label and, for GLiREL, the text.
    text (str): The text.
    tokens (list[tuple[int, int]]): The character offsets of the tokens.
    RETURNS (AnnotatedEntity): The entity.
    RAISES (AnnotationError): If the tokens don't exist, or their text is different.
    """
    if len(entity) > 4:
        raise AnnotationError(f"an entity must be a list of 3 or 4 values, got {entity!r}")
    first, last, label, *surface = entity
    return AnnotatedEntity(*parse_place(text, tokens, first, last, *surface), label)


def parse_place(
    text: str, tokens: Offsets, first: int, last: int, surface: str | None = None
) -> tuple[int, int]:
    """Get the character offsets of a span of tokens, and check its text.

    text (str): The text.
    tokens (list[tuple[int, int]]): The character offsets of the tokens.
    first (int): The first token.
    last (int): The last token.
    surface (str | None): The expected text of the span. Whitespace may differ.
    RETURNS (tuple[int, int]): The character offsets (exclusive end).
    RAISES (AnnotationError): If the tokens don't exist, or their text is different.
    """
    start, end = inclusive_span(tokens, first, last)
    found = text[start:end]
    if surface is not None:
        check_string("the text of an entity", surface)
    if surface is not None and "".join(surface.split()) != "".join(found.split()):
        raise AnnotationError(
            f"the tokens {first} to {last} (inclusive) must be {surface!r}, got {found!r}"
        )
    return start, end


def serialize(annotated: AnnotatedText, report: ConversionReport) -> dict[str, Any]:
    """Write a text, with offsets of tokens."""
    annotated, spans = align_entities(annotated, report)
    item = {
        "text": annotated.text,
        "tokenized_text": token_texts(annotated),
        "ner": [
            [start, end - 1, entity.label]
            for entity, (start, end) in zip(annotated.entities, spans, strict=True)
        ],
        "relations": [[each.head, each.tail, each.label] for each in annotated.relations],
    }
    return with_meta(item, annotated, report)


FORMAT = json_format(
    "gliner",
    "training data of GLiNER (JSON)",
    matches=matches,
    parse=parse,
    serialize=serialize,
    shape=SHAPE,
    suffix=".json",
    needs_tokens=True,
)
