"""Alignment of spans between a gold doc and a predicted doc."""

from spacy.tokens import Span
from spacy.training import Alignment


def align_span(alignment: Alignment, span: Span) -> tuple[int, int] | None:
    """Find the place of a gold span in the predicted doc.

    alignment (Alignment): The alignment of the two docs.
    span (Span): A span of the gold doc.
    RETURNS (tuple[int, int] | None): Start and end token in the predicted doc; None if the span
        does not align with its tokens.
    """
    tokens = alignment.y2x[span.start : span.end]
    if not len(tokens):
        return None
    start, end = int(tokens[0]), int(tokens[-1]) + 1
    back = alignment.x2y[start:end]
    is_same = len(back) and (back[0], back[-1] + 1) == (span.start, span.end)
    return (start, end) if is_same else None
