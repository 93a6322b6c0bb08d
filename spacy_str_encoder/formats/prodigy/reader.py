"""Read Prodigy's tasks. The characters of a span count, not its tokens or text."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ..annotated_text import (
    AnnotatedEntity,
    AnnotatedRelation,
    AnnotatedText,
    AnnotationError,
    check_annotations,
    check_span,
)
from ..entities import UNFOUND, find_entity
from ..fields import lose_other_fields, other_fields
from ..report import ConversionReport
from ..scores import SCORE, is_score, read_scores, without_scores
from ..shapes import Nullable, Shape
from ..tokens import Offsets, inclusive_span, without_white_space

# The field with the metadata that Prodigy shows.
META = "meta"
FIELDS = ("text", "tokens", "spans", "relations", "answer")
PLACE = ("text", "start", "end")
TOKEN_FIELDS = (*PLACE, "id", "ws", "disabled")
SPAN_FIELDS = (*PLACE, "token_start", "token_end", "label", "type", "color", "answer")
RELATION_FIELDS = ("head", "child", "head_span", "child_span", "label", "color")
ANSWERS = ("accept", "reject", "ignore")
SPAN: Shape = {
    "text": Nullable(str),
    **dict.fromkeys(("start", "end"), int),
    **dict.fromkeys(("token_start", "token_end"), Nullable(int)),
    "label": Nullable(str),
}
SHAPE: Shape = {
    "text": str,
    "tokens": [{"text": str, "start": int, "end": int, "id": int}],
    "spans": [SPAN],
    "relations": [
        {
            **dict.fromkeys(("head", "child"), int),
            **dict.fromkeys(("head_span", "child_span"), Nullable(SPAN)),
            "label": Nullable(str),
        }
    ],
}


def parse(item: Any, place: str, report: ConversionReport) -> AnnotatedText | None:
    """Read a task, unless it was rejected or ignored.

    item (Any): The task.
    place (str): Its location, for messages.
    report (ConversionReport): The report, to count losses and choices.
    RETURNS (AnnotatedText | None): The text; None if the task was not accepted.
    RAISES (AnnotationError): If the task is invalid.
    """
    text = item["text"]
    if not _is_accepted(item, "tasks", repr(text[:40]), place, report):
        return None
    tokens = _parse_tokens(item["tokens"], place, report) if "tokens" in item else None
    words = tokens and _select_words(item["tokens"], tokens, text, place, report)
    checked = tokens if words else None
    entities = list(_parse_spans(item.get("spans", []), text, checked, place, report))
    annotated = AnnotatedText(text, entities, [], tokens, _find_meta(item), place)
    relations = list(_parse_relations(item.get("relations", []), annotated, report))
    is_annotated = "relations" in item
    annotated = replace(annotated, relations=relations, tokens=words, has_relations=is_annotated)
    # Whoever answered a task has corrected what was predicted.
    return without_scores(annotated) if "answer" in item else annotated


def _find_meta(item: dict[str, Any]) -> dict[str, Any]:
    """Get the metadata of a task, without the score of its prediction."""
    meta, shown = other_fields(item, FIELDS), item.get(META)
    score = item.get(SCORE)
    if not (is_score(score) and isinstance(shown, dict) and shown.get(SCORE) == score):
        return meta
    shown = other_fields(shown, (SCORE,))
    return {**other_fields(meta, (SCORE, META)), **({META: shown} if shown else {})}


def _is_accepted(
    item: dict[str, Any], kind: str, case: str, place: str, report: ConversionReport
) -> bool:
    answer = item.get("answer", "accept")
    if answer not in ANSWERS:
        raise AnnotationError(f"the answer must be one of {', '.join(ANSWERS)}, got {answer!r}")
    if answer != "accept":
        report.lose_other(f"{kind} answered with '{answer}'", place, case)
    return answer == "accept"


def _parse_tokens(tokens: list[Any], place: str, report: ConversionReport) -> Offsets:
    for number, token in enumerate(tokens):
        if token.get("id", number) != number:
            raise AnnotationError(f"the id of token {number} must be {number}, got {token['id']!r}")
        lose_other_fields("tokens", token, TOKEN_FIELDS, place, report)
    return [(token["start"], token["end"]) for token in tokens]


def _select_words(
    tokens: list[Any], places: Offsets, text: str, place: str, report: ConversionReport
) -> Offsets | None:
    """Select the tokens that are not whitespace, if all tokens fit the text."""
    words = without_white_space(text, places)
    try:
        for token, (start, end) in zip(tokens, places, strict=True):
            name, found = f"the token {start}-{end}", text[start:end]
            check_span(name, start, end, text)
            if token.get("text", found) != found:
                raise AnnotationError(f"{name} is {found!r}, not {token['text']!r}")
        check_annotations(AnnotatedText(text, [], [], words))
    except AnnotationError as error:
        report.choose("texts read without their tokens, which do not fit", place, str(error))
        return None
    return words


def _parse_place(
    span: dict[str, Any], text: str, place: str, report: ConversionReport
) -> tuple[int, int]:
    start, end = span["start"], span["end"]
    check_span(f"the span {start}-{end}", start, end, text)
    if span.get("text") not in (None, text[start:end]):
        reason = "spans whose text differs from that at their offsets (the offsets are read)"
        report.choose(reason, place, f"{text[start:end]!r}, not {span['text']!r}")
    return start, end


def _parse_spans(
    spans: list[Any], text: str, tokens: Offsets | None, place: str, report: ConversionReport
) -> Iterator[AnnotatedEntity]:
    for span in spans:
        start, end = _parse_place(span, text, place, report)
        case = f"{text[start:end]!r} ({span.get('label')}, {start}-{end})"
        if tokens is not None and not _is_at_tokens(span, tokens):
            reason = "spans whose tokens and characters differ (the characters are read)"
            named = f"the tokens {span.get('token_start')} to {span['token_end']}"
            report.choose(reason, place, f"{case}, not {named}")
        scores = read_scores(span)
        lose_other_fields("spans", span, (*SPAN_FIELDS, *scores), place, report)
        if span.get("label") is None:
            report.lose("spans without a label", place, case)
        elif _is_accepted(span, "spans", case, place, report):
            yield AnnotatedEntity(start, end, span["label"], score=scores.get(SCORE))


def _is_at_tokens(span: dict[str, Any], tokens: Offsets) -> bool:
    """Check whether the tokens that a span names, if any, are those of its characters."""
    first, last = span.get("token_start"), span.get("token_end")
    if last is None:
        return True
    if first is None or not 0 <= first <= last < len(tokens):
        return False
    return (tokens[first][0], tokens[last][1]) == (span["start"], span["end"])


def _parse_relations(
    relations: list[Any], annotated: AnnotatedText, report: ConversionReport
) -> Iterator[AnnotatedRelation]:
    for relation in relations:
        head = _find_end(relation, "head", annotated, report)
        tail = _find_end(relation, "child", annotated, report)
        label, scores = relation.get("label"), read_scores(relation)
        case = f"{label} between the tokens {relation.get('head')} and {relation.get('child')}"
        if head is None or tail is None:
            report.lose(UNFOUND, annotated.place, case)
        elif label is None:
            report.lose("relations without a label", annotated.place, case)
        else:
            yield AnnotatedRelation(head, tail, label, **scores)
        known = (*RELATION_FIELDS, *scores)
        lose_other_fields("relations", relation, known, annotated.place, report)


def _find_end(
    relation: dict[str, Any], end: str, annotated: AnnotatedText, report: ConversionReport
) -> int | None:
    if span := relation.get(f"{end}_span"):
        place = _parse_place(span, annotated.text, annotated.place, report)
        return find_entity(annotated, place, span.get("label"), report)
    if annotated.tokens is None:
        raise AnnotationError(
            f"a relation refers to the token {relation[end]!r}, but the text has no tokens"
        )
    _, last = inclusive_span(annotated.tokens, relation[end], relation[end])
    found = [i for i, entity in enumerate(annotated.entities) if entity.end == last]
    return found[0] if len(found) == 1 else None
