"""Which pairs of entities are asked about."""

from collections.abc import Sequence
from itertools import combinations

from spacy.tokens import Doc, Span

SpanPair = tuple[Span, Span]


def get_entities(doc: Doc, spans_key: str | None = None) -> list[Span]:
    """The entities that relations are looked for between, in text order.

    doc (Doc): The doc.
    spans_key (str | None): The span group that holds them; `doc.ents` if None.
    RETURNS (list[Span]): The entities.
    """
    spans = doc.ents if spans_key is None else doc.spans.get(spans_key, [])
    return sorted(spans, key=lambda span: (span.start, span.end, span.label_))


def all_pairs(entities: Sequence[Span]) -> list[SpanPair]:
    """Every pair of entities, once.

    Both task masks are symmetric in the two entities, so that one look at a pair tells the
    relations of either direction.

    entities (Sequence[Span]): Entities in text order.
    RETURNS (list[tuple[Span, Span]]): The pairs, each in text order.
    """
    return list(combinations(entities, 2))
