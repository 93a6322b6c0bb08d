"""Write Prodigy's tasks. Those that a pipeline predicted have scores, and no answer yet."""

from dataclasses import replace
from typing import Any

from ..annotated_text import AnnotatedEntity, AnnotatedRelation, AnnotatedText
from ..entities import without_repeats
from ..fields import other_fields, with_meta
from ..report import ConversionReport
from ..scores import GIVEN_ENTITIES, SCORE, has_scores, mean_score
from ..tokens import Offsets, align_entities, spaces_after, with_white_space
from .reader import META


def serialize(annotated: AnnotatedText, report: ConversionReport) -> dict[str, Any]:
    """Write a task, with offsets of characters and of tokens.

    annotated (AnnotatedText): The text.
    report (ConversionReport): The report, to count losses.
    RETURNS (dict[str, Any]): The fields of the task.
    """
    annotated = replace(without_repeats(annotated, report), tokens=with_white_space(annotated))
    annotated, token_spans = align_entities(annotated, report)
    spans = [
        {"start": entity.start, "end": entity.end, "token_start": start, "token_end": end - 1}
        | {"label": entity.label}
        for entity, (start, end) in zip(annotated.entities, token_spans, strict=True)
    ]
    surfaces = [annotated.text[entity.start : entity.end] for entity in annotated.entities]
    item = {
        "text": annotated.text,
        "tokens": _serialize_tokens(annotated.text, annotated.tokens or []),
        "spans": [
            {"text": surface, **span, "type": "span", **_list_scores(entity)}
            for surface, span, entity in zip(surfaces, spans, annotated.entities, strict=True)
        ],
        "relations": [
            {**_serialize_relation(spans[r.head], spans[r.tail], r.label), **_list_scores(r)}
            for r in annotated.relations
        ],
    }
    if not (annotated.is_predicted or has_scores(annotated)):
        return with_meta({**item, "answer": "accept"}, annotated, report)
    return _add_score(item, annotated, report)


def _add_score(
    item: dict[str, Any], annotated: AnnotatedText, report: ConversionReport
) -> dict[str, Any]:
    """Add the score of the whole text, also to the metadata that Prodigy shows."""
    score, shown = mean_score(annotated), annotated.meta.get(META, {})
    if score is not None and isinstance(shown, dict):
        item |= {SCORE: score, META: {**shown, SCORE: score}}
        annotated = replace(annotated, meta=other_fields(annotated.meta, (META,)))
    return with_meta(item, annotated, report)


def _list_scores(each: AnnotatedEntity | AnnotatedRelation) -> dict[str, float]:
    scores = {name: vars(each).get(name) for name in (SCORE, GIVEN_ENTITIES)}
    return {name: score for name, score in scores.items() if score is not None}


def _serialize_tokens(text: str, tokens: Offsets) -> list[dict[str, Any]]:
    spaces = spaces_after(text, tokens)
    return [
        {"text": text[start:end], "start": start, "end": end, "id": number}
        | {"ws": spaces[number], "disabled": False}
        for number, (start, end) in enumerate(tokens)
    ]


def _serialize_relation(head: dict[str, Any], child: dict[str, Any], label: str) -> dict[str, Any]:
    tokens = {"head": head["token_end"], "child": child["token_end"]}
    return {**tokens, "head_span": head, "child_span": child, "label": label}
