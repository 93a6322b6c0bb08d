"""Annotated texts for the tests of formats."""

import json
from collections.abc import Callable, Iterator
from itertools import combinations, permutations
from pathlib import Path

from hypothesis import strategies as st

from spacy_str_encoder.formats.annotated_text import (
    AnnotatedEntity,
    AnnotatedRelation,
    AnnotatedText,
)
from spacy_str_encoder.formats.format import Format
from spacy_str_encoder.formats.report import ConversionReport

from .crowded_texts import LABEL_CHARACTERS

Read = Callable[[Path], Iterator[AnnotatedText]]
Attributes = dict[str, str] | None
labels = st.text(LABEL_CHARACTERS, min_size=1, max_size=5)
values = st.text(min_size=1, max_size=5)
NO_ATTRIBUTES: st.SearchStrategy[None] = st.none()
# For formats that can't tell unannotated attributes from none, and for those that can.
SOME_ATTRIBUTES: st.SearchStrategy[Attributes] = NO_ATTRIBUTES | st.dictionaries(
    labels, values, min_size=1, max_size=2
)
ANY_ATTRIBUTES: st.SearchStrategy[Attributes] = st.just({}) | SOME_ATTRIBUTES


@st.composite
def any_records(
    draw: st.DrawFn, attributes: st.SearchStrategy[Attributes] = NO_ATTRIBUTES
) -> AnnotatedText:
    """Any text that JSON can hold, with entities and relations."""
    text = draw(st.text(min_size=1))
    places = st.lists(st.sampled_from(list(combinations(range(len(text) + 1), 2))), max_size=4)
    found = [
        AnnotatedEntity(*place, draw(labels), attributes=draw(attributes)) for place in draw(places)
    ]
    if len(found) < 2:
        return AnnotatedText(text, found, [])
    pairs = st.lists(st.sampled_from(list(permutations(range(len(found)), 2))), max_size=4)
    return AnnotatedText(
        text, found, [AnnotatedRelation(i, j, draw(labels)) for i, j in draw(pairs)]
    )


def reader(format: Format) -> Read:
    """What reads a format and loses nothing."""
    return lambda path: format.read(path, ConversionReport(strict_all=True))


def contents(record: AnnotatedText) -> tuple[object, ...]:
    """What a record says, whatever the order of its entities and relations, and as JSON tells it:
    docs make tuples of lists.
    """
    entities = [(*e.place, json.dumps(e.attributes, sort_keys=True)) for e in record.entities]
    relations = [(entities[r.head], r.label, entities[r.tail]) for r in record.relations]
    said = sorted(relations) if record.has_relations else None
    return record.text, sorted(entities), said, record.tokens, json.dumps(record.meta)
