"""Relations of spaCy's project template `rel_component`, which are in `doc._.rel`.

A key is the start tokens of head and tail, its value the scores of labels. The template registers
the attribute with the default `{}`, so a doc whose `rel` was never set or read has no such user
data: its relations are unannotated. A stored `{}` says that there are none.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import product
from numbers import Real
from typing import Any

from spacy.tokens import Doc, Span

from .relation import (
    RELATIONS_SET,
    Relation,
    get_relations,
    has_relations,
    place_of,
    set_relations,
)
from .relation_index import RELATIONS
from .user_data import drop_values, get_user_data

REL = ("._.", "rel", None, None)
# Labels with at least this score are relations.
THRESHOLD = 0.5


@dataclass(frozen=True)
class RelFindings:
    """Relations of `doc._.rel` that are not in `doc._.relations`, or may be others there.

    lost (list[str]): Descriptions of relations whose head or tail is the start of no entity.
    chosen (list[str]): Descriptions of entities that were chosen among several with the same start.
    unread (int): The number of relations that were not read, as `doc._.relations` is set.
    """

    lost: list[str] = field(default_factory=list)
    chosen: list[str] = field(default_factory=list)
    unread: int = 0


def adopt_rel(doc: Doc) -> RelFindings:
    """Move the relations in `doc._.rel` to `doc._.relations`, unless these are set. Any other use
    of the name `rel` is left as it is.

    doc (Doc): The doc.
    RETURNS (RelFindings): What to report.
    """
    rel: Any = get_user_data(doc).get(REL)
    if not _is_rel(rel):
        return RelFindings()
    rows = [*_read_rows(rel)]
    if has_relations(doc):
        return RelFindings(unread=len(rows))
    starts = _find_starts(doc)
    kept = [row for row in rows if starts.keys() >= {*row[:2]}]
    lost = [row for row in rows if not starts.keys() >= {*row[:2]}]
    used = [starts[token] for token in sorted({token for row in kept for token in row[:2]})]
    set_relations(doc, [Relation(starts[h][0], starts[t][0], x, score) for h, t, x, score in kept])
    del get_user_data(doc)[REL]
    return RelFindings(
        [f"token {head} {label} token {tail}" for head, tail, label, _ in lost],
        [_describe(spans) for spans in used if len(spans) > 1],
    )


def set_rel(doc: Doc, labels: Iterable[str]) -> None:
    """Move the relations in `doc._.relations` to `doc._.rel`, with what the template trains on: the
    score of each label, 1.0 or 0.0, for each pair of `doc.ents`.

    doc (Doc): The doc, whose relations connect entities of `doc.ents`.
    labels (Iterable[str]): All labels.
    """
    starts = [entity.start for entity in doc.ents]
    scores = dict.fromkeys(labels, 0.0)
    rel = {pair: {**scores} for pair in product(starts, repeat=2)}
    for relation in get_relations(doc):
        rel[relation.head.start, relation.tail.start][relation.label] = 1.0
    drop_values(doc, RELATIONS, RELATIONS_SET)
    get_user_data(doc)[REL] = rel


def _is_rel(rel: Any) -> bool:
    return isinstance(rel, dict) and all(map(_is_pair, rel)) and all(map(_is_scores, rel.values()))


def _is_pair(key: Any) -> bool:
    return isinstance(key, tuple) and [*map(type, key)] == [int, int]


def _is_scores(scores: Any) -> bool:
    return isinstance(scores, dict) and all(
        isinstance(label, str) and label and isinstance(score, Real)
        for label, score in scores.items()
    )


def _read_rows(rel: dict[Any, Any]) -> Iterator[tuple[int, int, str, float]]:
    """YIELDS (tuple[int, int, str, float]): Start tokens of head and tail, label and score."""
    for (head, tail), scores in rel.items():
        for label, score in scores.items():
            if score >= THRESHOLD:
                yield head, tail, label, float(score)


def _find_starts(doc: Doc) -> dict[int, list[Span]]:
    """RETURNS (dict[int, list[Span]]): The entities that start at each token. The first is that of
    `doc.ents`, which the template reads; if there is none, the longest of the span groups.
    """
    groups = sorted((span for group in doc.spans.values() for span in group), key=_longest_first)
    starts: dict[int, dict[Any, Span]] = {}
    for span in [*doc.ents, *groups]:
        starts.setdefault(span.start, {}).setdefault(place_of(span), span)
    return {start: [*spans.values()] for start, spans in starts.items()}


def _longest_first(span: Span) -> tuple[int, str]:
    return -span.end, span.label_


def _describe(spans: list[Span]) -> str:
    chosen, *others = (f"{span.text!r} ({span.label_})" for span in spans)
    return f"{chosen}, not {', '.join(others)}"
