"""JSON lines of DyGIE++ (https://github.com/dwadden/dygiepp), the form of SciERC.

`{"doc_key", "sentences": [[token]], "ner": [[[first, last, label]]], "relations": [[[first, last,
first, last, label]]]}` per line, with one list per sentence. Offsets count the tokens of the whole
document and include the last one. A document is read as one text, its tokens joined by spaces;
`sentence_offsets` in the metadata says at which character each sentence starts. Without these, a
text is written as one sentence. `doc_key` is the `id` in the metadata. Coreference, events and
predictions are left out. DyGIE++ ignores `"_text"` and `"_meta"`, which keep whitespace and
metadata; it wants them, too, as lists with one item per sentence.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import accumulate, chain, pairwise
from pathlib import Path
from typing import Any

from ..doc.origin import ID
from ..doc.plurals import count_noun
from .annotated_text import AnnotatedRelation, AnnotatedText
from .entities import UNFOUND, find_entity, keep_relations, without_repeats
from .fields import other_fields
from .gliner import parse_entity, parse_place
from .json_format import json_format
from .report import ConversionReport
from .shapes import Shape
from .tokens import Offsets, align_entities, place_tokens, token_texts, without_white_space

SENTENCES = "sentence_offsets"
# Fields of DyGIE++ that are metadata.
META_FIELDS = ("dataset", "weight")
FIELDS = ("doc_key", "sentences", "ner", "relations", "sentence_start", "_text", "_meta")
# Fields that are left out, by the end of their names.
OTHERS = {"clusters": "coreference clusters", "events": "events"}

SHAPE: Shape = {
    "sentences": [[str]],
    "ner": [[(int, int, str)]],
    "relations": [[(int, int, int, int, str)]],
    **dict.fromkeys(("clusters", "event_clusters"), list),
    "events": [list],
    "_text": [str],
    "_meta": [dict],
}


def matches(item: Any) -> bool:
    """Recognize a document by its key and its sentences, which are lists."""
    sentences = item.get("sentences")
    is_nested = isinstance(sentences, list) and all(isinstance(each, list) for each in sentences)
    return is_nested and "doc_key" in item


def parse(item: Any, place: str, report: ConversionReport) -> AnnotatedText:
    """Read a document; its entities or relations are unannotated if the field is not there."""
    whole = "".join(item["_text"]) if "_text" in item else None
    text, tokens = place_tokens(whole, [*chain.from_iterable(item["sentences"])])
    meta = _parse_meta(item, tokens, place, report)
    entities = [parse_entity(e, text, tokens) for e in chain.from_iterable(item.get("ner", []))]
    words, is_annotated = without_white_space(text, tokens), "relations" in item
    annotated = AnnotatedText(text, entities, [], words, meta, place, is_annotated, "ner" in item)
    relations = chain.from_iterable(item.get("relations", []))
    found = list(_parse_relations(relations, annotated, tokens, report))
    return replace(annotated, relations=found)


def _parse_meta(
    item: dict[str, Any], tokens: Offsets, place: str, report: ConversionReport
) -> dict[str, Any]:
    """Get the metadata, and report the fields that are left out."""
    others = other_fields(item, FIELDS)
    meta = {ID: item["doc_key"]}
    for name, value in others.items():
        reason = next((OTHERS[end] for end in OTHERS if name.endswith(end)), None)
        if name.startswith("predicted_"):
            report.lose_other("predictions", place, repr(name))
        elif reason is None:
            meta[name] = value
        else:
            lose = report.lose if name == "events" else report.lose_other
            for each in filter(None, chain.from_iterable(value) if name == "events" else value):
                lose(reason, place, str(each))
    lengths = accumulate(len(sentence) for sentence in item["sentences"][:-1])
    if starts := [tokens[first][0] for first in lengths if first < len(tokens)]:
        meta[SENTENCES] = [0, *starts]
    return meta | dict(chain.from_iterable(each.items() for each in item.get("_meta", [])))


def _parse_relations(
    relations: Iterable[list[Any]],
    annotated: AnnotatedText,
    tokens: Offsets,
    report: ConversionReport,
) -> Iterator[AnnotatedRelation]:
    for *ends, label in relations:
        places = [parse_place(annotated.text, tokens, *end) for end in (ends[:2], ends[2:])]
        head, tail = (find_entity(annotated, each, None, report) for each in places)
        if head is None or tail is None:
            report.lose(UNFOUND, annotated.place, f"{label} between the tokens {ends}")
        else:
            yield AnnotatedRelation(head, tail, label)


def serialize(annotated: AnnotatedText, report: ConversionReport) -> dict[str, Any]:
    """Write a document, with offsets of tokens."""
    annotated, spans = align_entities(without_repeats(annotated, report), report)
    annotated = _without_ambiguous(annotated, report)
    borders = _find_borders(annotated, spans, report)
    words = token_texts(annotated)
    tokens = annotated.tokens or []
    starts = [0, *(tokens[first][0] for first in borders[1:])]
    ends = [[start, end - 1] for start, end in spans]
    entities = [[*ends[i], entity.label] for i, entity in enumerate(annotated.entities)]
    relations = [[*ends[r.head], *ends[r.tail], r.label] for r in annotated.relations]
    known = {ID, SENTENCES, *META_FIELDS}
    item = {
        "doc_key": annotated.meta.get(ID, Path(annotated.place).name),
        **{name: annotated.meta[name] for name in META_FIELDS if name in annotated.meta},
        "sentences": [words[i:j] for i, j in pairwise([*borders, len(words)])],
        "_text": [annotated.text[i:j] for i, j in pairwise([*starts, len(annotated.text)])],
        "_meta": [other_fields(annotated.meta, known), *({} for _ in borders[1:])],
    }
    if annotated.has_entities:
        item["ner"] = _by_sentence(entities, borders)
    if annotated.has_relations:
        item["relations"] = _by_sentence(relations, borders)
    return item


def _without_ambiguous(annotated: AnnotatedText, report: ConversionReport) -> AnnotatedText:
    """Remove relations of entities that share their place, since only a place identifies them."""
    counts = Counter((entity.start, entity.end) for entity in annotated.entities)
    unique = [counts[entity.start, entity.end] == 1 for entity in annotated.entities]
    kept = [i for i, r in enumerate(annotated.relations) if unique[r.head] and unique[r.tail]]
    return keep_relations(annotated, kept, "relations of entities that share their place", report)


def _find_borders(annotated: AnnotatedText, spans: Offsets, report: ConversionReport) -> list[int]:
    """Find the first token of each sentence. DyGIE++ reads no annotation across their borders."""
    offsets = annotated.meta.get(SENTENCES)
    starts = [start for start, _ in annotated.tokens or []]
    known = offsets if isinstance(offsets, list) else []
    borders = {bisect_left(starts, each) for each in known if type(each) is int}
    pairs = [(*spans[r.head], *spans[r.tail]) for r in annotated.relations]
    linked = [*spans, *((min(pair), max(pair)) for pair in pairs)]
    crossed = {each for each in borders if any(first < each < end for first, end in linked)}
    if crossed:
        reason = "texts with sentences written as one, as an entity or a relation connects them"
        report.choose(reason, annotated.place, count_noun(len(crossed), "border"))
    return [0, *sorted(borders - crossed - {0, len(starts)})]


def _by_sentence(annotations: list[list[Any]], borders: list[int]) -> list[list[list[Any]]]:
    """Sort entities or relations by the sentence of their first token."""
    rows: list[list[list[Any]]] = [[] for _ in borders]
    for annotation in annotations:
        rows[bisect_right(borders, annotation[0]) - 1].append(annotation)
    return rows


FORMAT = json_format(
    "dygie",
    "JSON lines of DyGIE++ and SciERC",
    matches=matches,
    parse=parse,
    serialize=serialize,
    shape=SHAPE,
    suffix=".jsonl",
    needs_tokens=True,
    keeps_unannotated=True,
    keeps_missing_entities=True,
)
