"""JSON of DocRED (https://github.com/thunlp/DocRED) and Re-DocRED. It is read, not written.

A list of `{"title", "sents": [[token]], "vertexSet": [[{"name", "sent_id", "pos": [start, end],
"type"}]], "labels": [{"h", "t", "r", "evidence"}]}`. `pos` counts the tokens of the sentence
(exclusive end). A document is read as one text, its tokens joined by spaces. An entity of
`vertexSet` is a list of its mentions: each mention is read as an entity, and a relation is read
between the closest mentions of its two entities. Evidence is left out. Documents without `"labels"`
have unannotated relations. Other fields, such as the title, become metadata.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import accumulate, chain, pairwise
from typing import Any

from ..doc.plurals import count_noun
from .annotated_text import AnnotatedEntity, AnnotatedRelation, AnnotatedText, AnnotationError
from .entities import describe_entity
from .fields import lose_other_fields, other_fields
from .json_format import json_format
from .mentions import relate_closest
from .report import ConversionReport
from .shapes import Shape
from .tokens import Offsets, character_span, join_tokens, without_white_space

FIELDS = ("sents", "vertexSet", "labels")
# The last two are redundant fields of Re-DocRED.
MENTION_FIELDS = ("name", "sent_id", "pos", "type", "global_pos", "index")

SHAPE: Shape = {
    "sents": [[str]],
    "vertexSet": [[{"name": str, "sent_id": int, "pos": (int, int), "type": str}]],
    "labels": [{"h": int, "t": int, "r": str}],
}


def matches(item: Any) -> bool:
    """Recognize a document by its sentences, and by entities that are lists of mentions."""
    entities = item.get("vertexSet")
    is_nested = isinstance(entities, list) and all(isinstance(each, list) for each in entities)
    return is_nested and "sents" in item


def parse(item: Any, place: str, report: ConversionReport) -> AnnotatedText:
    """Read a document, with an entity for each mention."""
    text, tokens = join_tokens([*chain.from_iterable(item["sents"])])
    borders = [0, *accumulate(len(sentence) for sentence in item["sents"])]
    sentences = [tokens[start:end] for start, end in pairwise(borders)]
    mentions = [*chain.from_iterable(item["vertexSet"])]
    entities = [_parse_mention(mention, sentences) for mention in mentions]
    meta, words = other_fields(item, FIELDS), without_white_space(text, tokens)
    annotated = AnnotatedText(text, entities, [], words, meta, place, "labels" in item)
    for i, mention in enumerate(mentions):
        _report_mention(annotated, i, mention, report)
    return replace(annotated, relations=list(_parse_relations(item, annotated, report)))


def _parse_mention(mention: dict[str, Any], sentences: list[Offsets]) -> AnnotatedEntity:
    number, (start, end) = mention["sent_id"], mention["pos"]
    if not 0 <= number < len(sentences):
        counted = count_noun(len(sentences), "sentence")
        raise AnnotationError(f"the text has {counted}, got the sentence {number}")
    return AnnotatedEntity(*character_span(sentences[number], start, end), mention["type"])


def _report_mention(
    annotated: AnnotatedText, index: int, mention: dict[str, Any], report: ConversionReport
) -> None:
    entity, name = annotated.entities[index], mention.get("name", "")
    surface = annotated.text[entity.start : entity.end]
    if "name" in mention and "".join(name.split()) != "".join(surface.split()):
        reason = "mentions whose name differs from the text (their place is read)"
        report.choose(reason, annotated.place, f"{describe_entity(annotated, index)}, not {name!r}")
    lose_other_fields("mentions", mention, MENTION_FIELDS, annotated.place, report)


def _parse_relations(
    item: dict[str, Any], annotated: AnnotatedText, report: ConversionReport
) -> Iterator[AnnotatedRelation]:
    borders = [0, *accumulate(len(entity) for entity in item["vertexSet"])]
    entities = [range(start, end) for start, end in pairwise(borders)]
    for relation in item.get("labels", []):
        head, tail = (_find_mentions(relation[end], entities) for end in ("h", "t"))
        yield relate_closest(annotated, head, tail, relation["r"], report)
        if relation.get("evidence"):
            case = f"{relation['r']} in the sentences {relation['evidence']}"
            report.lose_other("evidence of relations", annotated.place, case)
        known = ("h", "t", "r", "evidence")
        lose_other_fields("relations", relation, known, annotated.place, report)


def _find_mentions(number: int, entities: list[range]) -> range:
    if not (0 <= number < len(entities) and entities[number]):
        raise AnnotationError(f"a relation refers to the entity {number}, which has no mention")
    return entities[number]


FORMAT = json_format(
    "docred",
    "JSON of DocRED and Re-DocRED",
    matches=matches,
    parse=parse,
    shape=SHAPE,
    suffix=".json",
)
