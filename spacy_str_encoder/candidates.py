"""Which pairs of entities are asked about."""

from collections.abc import Sequence

import numpy
from numpy.typing import NDArray
from spacy.tokens import Doc, Span

IntArray = NDArray[numpy.int64]


def get_entities(doc: Doc, spans_key: str | None = None) -> list[Span]:
    """The entities that relations are looked for between, in text order.

    doc (Doc): The doc.
    spans_key (str | None): The span group that holds them; `doc.ents` if None.
    RETURNS (list[Span]): The entities.
    """
    spans = doc.ents if spans_key is None else doc.spans.get(spans_key, [])
    return sorted(spans, key=lambda span: (span.start, span.end, span.label_))


def all_pairs(entities: Sequence[Span]) -> IntArray:
    """Every pair of entities, once.

    Both task masks are symmetric in the two entities, so that one look at a pair tells the
    relations of either direction.

    entities (Sequence[Span]): Entities in text order.
    RETURNS (IntArray): The indices of the two, in text order. *Shape:* (pairs, 2).
    """
    return numpy.stack(numpy.triu_indices(len(entities), k=1), axis=1)


def pair_offsets(entities: Sequence[Span], pairs: IntArray) -> IntArray:
    """Where the entities of pairs are.

    entities (Sequence[Span]): The entities.
    pairs (IntArray): The indices of the two. *Shape:* (pairs, 2).
    RETURNS (IntArray): Start and end token of the first, and of the second. *Shape:* (pairs, 4).
    """
    offsets = numpy.array([(span.start, span.end) for span in entities], dtype="int64")
    return offsets.reshape(-1, 2)[pairs].reshape(-1, 4)
