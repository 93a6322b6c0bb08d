"""Look up entities by their place."""

from dataclasses import dataclass, field

from spacy.tokens import Doc, Span

# Start and end token of an entity, and its label.
TokenPlace = tuple[int, int, str]
# Values of `token.ent_iob`.
INSIDE, BEGIN = 1, 3


@dataclass(frozen=True)
class EntityLookup:
    """Lookup of the entities of one doc, without going through all of them each time. It keeps
    positions in span groups, but checks them, since groups may change.

    positions (dict[str, dict[tuple[int, int, str], int]]): Positions in each span group by place.
    complete (set[str]): The span groups whose positions are not stale.
    """

    positions: dict[str, dict[TokenPlace, int]] = field(default_factory=dict)
    complete: set[str] = field(default_factory=set)

    def find(self, doc: Doc, spans_key: str | None, place: TokenPlace) -> Span | None:
        """Find an entity.

        doc (Doc): The doc, always the same.
        spans_key (str | None): The span group that holds the entities; `doc.ents` if None.
        place (tuple[int, int, str]): Start and end token of the entity, and label.
        RETURNS (Span | None): The entity with its identifiers; None if there is none.
        """
        if spans_key is None:
            return _find_in_ents(doc, place)
        group = doc.spans[spans_key]
        position = self.positions.get(spans_key, {}).get(place, -1)
        if 0 <= position < len(group) and _token_place(group[position]) == place:
            return group[position]
        if spans_key in self.complete:
            return None
        self.positions[spans_key] = {_token_place(span): i for i, span in enumerate(group)}
        self.complete.add(spans_key)
        return self.find(doc, spans_key, place)


def _find_in_ents(doc: Doc, place: TokenPlace) -> Span | None:
    start, end, label = place
    first = doc[start]
    if first.ent_iob != BEGIN or first.ent_type_ != label:
        return None
    # The token behind the entity, if there is one, must not belong to it.
    if any((token.ent_iob == INSIDE) != (token.i < end) for token in doc[start + 1 : end + 1]):
        return None
    return Span(doc, start, end, label, kb_id=first.ent_kb_id, span_id=first.ent_id)


def _token_place(span: Span) -> TokenPlace:
    return span.start, span.end, span.label_
