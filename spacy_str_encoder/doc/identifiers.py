"""Identifiers of entities: that of a knowledge base, which spaCy calls `kb_id_`, and that of a rule
or another source, `id_`.
"""

from collections.abc import Mapping
from typing import NotRequired, TypedDict

from spacy.tokens import Doc, Span, SpanGroup

from .codes import Code, get_codes
from .relation import Place, place_of


class Identifiers(TypedDict):
    """Identifiers of an entity, as plain data. Those that it does not have are left out.

    id (str): That of a rule or another source, `span.id_`.
    kb_id (str): That of a knowledge base, `span.kb_id_`; with `str_codes`, the best code.
    codes (list[Code]): Its codes, best first; empty if none was found.
    """

    id: NotRequired[str]
    kb_id: NotRequired[str]
    codes: NotRequired[list[Code]]


def get_identifiers(span: Span) -> Identifiers:
    """Return the identifiers of an entity.

    span (Span): The entity.
    RETURNS (Identifiers): Those that it has.
    """
    found = Identifiers()
    if span.id_:
        found["id"] = span.id_
    if span.kb_id_:
        found["kb_id"] = span.kb_id_
    if (codes := get_codes(span)) is not None:
        found["codes"] = codes
    return found


def set_kb_ids(doc: Doc, kb_ids: Mapping[Place, str], spans_key: str | None) -> None:
    """Set `kb_id_` of entities. All else stays as it is.

    doc (Doc): The doc.
    kb_ids (Mapping[tuple[int, int, str], str]): The identifiers by start and end character of the
        entity, and label. Those of other entities stay.
    spans_key (str | None): The span group that holds the entities; `doc.ents` if None.
    """
    if not kb_ids:
        return
    # spaCy gives out copies of entities: neither doc.ents nor a group follows what is set on them.
    if spans_key is not None:
        group = doc.spans[spans_key]
        spans = [_with_kb_id(span, kb_ids.get(place_of(span), span.kb_id_)) for span in group]
        doc.spans[spans_key] = SpanGroup(doc, name=group.name, attrs=group.attrs, spans=spans)
        return
    for entity in doc.ents:
        if (kb_id := kb_ids.get(place_of(entity))) is not None:
            for token in entity:
                token.ent_kb_id_ = kb_id


def _with_kb_id(span: Span, kb_id: str) -> Span:
    return Span(span.doc, span.start, span.end, label=span.label, kb_id=kb_id, span_id=span.id)
