"""Write columns of tokens and BIO tags."""

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from ..annotated_text import AnnotatedText
from ..entities import keep_entities, without_overlaps, without_relations, without_repeats
from ..fields import lose_meta
from ..report import ConversionReport
from ..tokens import align_entities, join_tokens, token_texts
from .reader import DOCUMENT_MARK

# A byte order mark at the start of a file would not be read again.
WORD = re.compile(r"[^\s\ufeff]+")


def write(texts: Iterable[AnnotatedText], path: Path, report: ConversionReport) -> None:
    """Write texts to a file, with a blank line after each.

    texts (Iterable[AnnotatedText]): The texts.
    path (Path): The file.
    report (ConversionReport): The report, to count losses.
    """
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(_serialize(annotated, report) for annotated in texts)


def _serialize(annotated: AnnotatedText, report: ConversionReport) -> str:
    lose_meta(annotated, (), report)
    annotated = without_repeats(without_relations(annotated, report), report)
    annotated = _split_at_white_space(annotated, report)
    writable = {i for i, e in enumerate(annotated.entities) if not re.search(r"\s", e.label)}
    annotated = keep_entities(annotated, writable, "entities whose label has white space", report)
    annotated, _ = align_entities(annotated, report)
    annotated, spans = align_entities(without_overlaps(annotated, report), report)
    words = token_texts(annotated)
    tags = ["O"] * len(words)
    for entity, (start, end) in zip(annotated.entities, spans, strict=True):
        tags[start:end] = [f"B-{entity.label}", *[f"I-{entity.label}"] * (end - start - 1)]
    return "".join(f"{word}\t{tag}\n" for word, tag in zip(words, tags, strict=True)) + "\n"


def _split_at_white_space(annotated: AnnotatedText, report: ConversionReport) -> AnnotatedText:
    """Split tokens that have white space, and report what will not be read again."""
    text, tokens, place = annotated.text, annotated.tokens or [], annotated.place
    words = [match.span() for start, end in tokens for match in WORD.finditer(text, start, end)]
    written = [text[start:end] for start, end in words]
    if not words:
        report.lose_other("texts without words", place, repr(text))
    elif join_tokens(written)[0] != text:
        report.lose_other("texts with other white space than one space", place, repr(text[:40]))
    if words and words != tokens:
        report.choose("texts with white space in tokens, which are split there", place, "")
    if written[:1] == [DOCUMENT_MARK]:
        report.choose("texts that begin with a mark of documents", place, DOCUMENT_MARK)
    return replace(annotated, tokens=words)
