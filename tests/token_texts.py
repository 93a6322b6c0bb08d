"""Annotated texts with tokens, for the tests of formats that count tokens."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations, pairwise

from hypothesis import strategies as st

from spacy_str_encoder.formats.annotated_text import (
    AnnotatedEntity,
    AnnotatedRelation,
    AnnotatedText,
)

from .crowded_texts import LABEL_CHARACTERS

MISALIGNED = "entities that do not align with tokens"
REPEATED = "duplicate entities"
UNCONNECTED = "relations of entities that were left out"
UNFOUND = "relations whose head or tail matches no entity, or several"

# Whitespace of several kinds, a character outside of the Basic Multilingual Plane, a mark that
# combines with the letter before.
TEXTS = st.text("  \n\u3000\t😀e\u0301前a", max_size=15) | st.text(
    st.characters(codec="utf-8"), max_size=15
)
META = st.dictionaries(st.sampled_from(["orig_id", "来源"]), st.integers() | st.text())


@st.composite
def tokenized_texts(draw: st.DrawFn) -> AnnotatedText:
    """Any text cut into tokens anywhere, with entities that may be crossing, nested, the same, or
    between tokens, and relations."""
    text = draw(TEXTS)
    cuts = sorted({0, len(text), *draw(st.sets(st.integers(0, len(text))))})
    tokens = [(start, end) for start, end in pairwise(cuts) if text[start:end].strip()]
    entities = draw(st.lists(_entities(text, tokens), max_size=5)) if text else []
    indices = st.integers(0, len(entities) - 1)
    relations = st.builds(AnnotatedRelation, indices, indices, _labels())
    found = draw(st.lists(relations, max_size=4)) if entities else []
    return AnnotatedText(text, entities, found, tokens, draw(META))


def _entities(text: str, tokens: list[tuple[int, int]]) -> st.SearchStrategy[AnnotatedEntity]:
    anywhere = list(combinations(range(len(text) + 1), 2))
    aligned = [(start, end) for start, _ in tokens for _, end in tokens if start < end]
    places = st.sampled_from(anywhere) | st.sampled_from(aligned or anywhere)
    return st.builds(lambda place, label: AnnotatedEntity(*place, label), places, _labels())


def _labels() -> st.SearchStrategy[str]:
    return st.sampled_from(["A", "B"]) | st.text(LABEL_CHARACTERS, min_size=1, max_size=3)


def keep(
    annotated: AnnotatedText, fits: Callable[[AnnotatedEntity], bool]
) -> tuple[AnnotatedText, Counter[str]]:
    """Remove the entities that do not fit, and count what is lost."""
    kept = [i for i, entity in enumerate(annotated.entities) if fits(entity)]
    relations = [
        AnnotatedRelation(kept.index(r.head), kept.index(r.tail), r.label)
        for r in annotated.relations
        if r.head in kept and r.tail in kept
    ]
    lost = {
        MISALIGNED: len(annotated.entities) - len(kept),
        UNCONNECTED: len(annotated.relations) - len(relations),
    }
    entities = [annotated.entities[i] for i in kept]
    return replace(annotated, entities=entities, relations=relations), +Counter(lost)


def keep_first(annotated: AnnotatedText) -> tuple[AnnotatedText, Counter[str]]:
    """Merge entities that are the same, and count the duplicates."""
    entities = [e for i, e in enumerate(annotated.entities) if e not in annotated.entities[:i]]
    place = [entities.index(entity) for entity in annotated.entities]
    relations = [
        AnnotatedRelation(place[r.head], place[r.tail], r.label) for r in annotated.relations
    ]
    lost = Counter({REPEATED: len(place) - len(entities)})
    return replace(annotated, entities=entities, relations=relations), +lost


def is_aligned(annotated: AnnotatedText) -> Callable[[AnnotatedEntity], bool]:
    """Make a check that an entity starts and ends where tokens of its text do."""
    starts = {start for start, _ in annotated.tokens or []}
    ends = {end for _, end in annotated.tokens or []}
    return lambda entity: entity.start in starts and entity.end in ends
