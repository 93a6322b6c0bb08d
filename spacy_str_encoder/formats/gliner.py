"""The JSON that GLiNER trains on (https://github.com/urchade/GLiNER).

A list of `{"tokenized_text", "ner": [[first, last, label]], "relations": [[head, tail, label]]}`.
Entities count tokens, the last one included; head and tail are indices of entities. Texts of which
only entities are known lack `"relations"`. GLiNER ignores `"text"`, which is written beside them,
so that white space is not lost. Other fields, such as `"ner_negatives"`, go to the meta data.
"""

from typing import Any

from .annotated_text import AnnotatedEntity, AnnotatedRelation, AnnotatedText, AnnotationError
from .fields import other_fields, with_meta
from .json_format import json_format
from .report import ConversionReport
from .tokens import (
    Offsets,
    align_entities,
    inclusive_span,
    place_tokens,
    token_texts,
    without_white_space,
)


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
    """Make an entity of what GLiNER and GLiREL say of it.

    entity (list[Any]): Its first and last token, its label, and for GLiREL its text.
    text (str): The text.
    tokens (list[tuple[int, int]]): The character offsets of its tokens.
    RETURNS (AnnotatedEntity): The entity.
    RAISES (AnnotationError): If there are no such tokens, or its text is another one.
    """
    first, last, label, *surface = entity
    return AnnotatedEntity(*parse_place(text, tokens, first, last, *surface), label)


def parse_place(
    text: str, tokens: Offsets, first: int, last: int, surface: str | None = None
) -> tuple[int, int]:
    """Find the characters of tokens, and check that they are what they are said to be.

    text (str): The text.
    tokens (list[tuple[int, int]]): The character offsets of its tokens.
    first (int): The first token.
    last (int): The last token.
    surface (str | None): The characters, whatever the white space between them.
    RETURNS (tuple[int, int]): Their offsets, the end exclusive.
    RAISES (AnnotationError): If there are no such tokens, or the characters are other ones.
    """
    start, end = inclusive_span(tokens, first, last)
    found = text[start:end]
    if surface is not None and "".join(surface.split()) != "".join(found.split()):
        raise AnnotationError(
            f"the tokens {first} to {last} (inclusive) are {found!r}, not {surface!r}"
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
        "relations": [list(vars(relation).values()) for relation in annotated.relations],
    }
    return with_meta(item, annotated, report)


FORMAT = json_format(
    "gliner",
    "the JSON that GLiNER trains on",
    matches=matches,
    parse=parse,
    serialize=serialize,
    suffix=".json",
    needs_tokens=True,
)
