"""Write Prodigy's tasks."""

from dataclasses import replace
from typing import Any

from ..annotated_text import AnnotatedText
from ..entities import without_repeats
from ..fields import with_meta
from ..report import ConversionReport
from ..tokens import Offsets, align_entities, spaces_after, with_white_space


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
            {"text": surface, **span, "type": "span"}
            for surface, span in zip(surfaces, spans, strict=True)
        ],
        "relations": [
            _serialize_relation(spans[r.head], spans[r.tail], r.label) for r in annotated.relations
        ],
        "answer": "accept",
    }
    return with_meta(item, annotated, report)


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
