"""Annotated texts of all kinds, and what remains of them if a format can't hold everything."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from hypothesis import strategies as st

from spacy_str_encoder.formats.annotated_text import (
    AnnotatedEntity,
    AnnotatedRelation,
    AnnotatedText,
)

# Whitespace and line breaks of many kinds, combining and astral characters, invisible marks.
CHARACTERS = st.one_of(
    st.sampled_from("ab ,;\t\n\r\x0b\x0c\x1c\x85\u2028\xa0\u3000\u200b\ufeff药é\u0301😀\0"),
    st.characters(codec="utf-8"),
)
# Labels must not have control characters or line breaks.
LABEL_CHARACTERS = st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"])
LABELS = st.one_of(
    st.sampled_from(["Drug", "药物", "a:b", "#", "a b"]), st.text(LABEL_CHARACTERS, min_size=1)
)


NO_ATTRIBUTES: st.SearchStrategy[None] = st.none()
# Formats that can't tell unannotated attributes from none read both as None.
ATTRIBUTES: st.SearchStrategy[dict[str, str] | None] = NO_ATTRIBUTES | st.dictionaries(
    st.one_of(
        st.sampled_from(["Negation", "id", "label", "type", "class", "x y", "x_1", "_x"]), LABELS
    ),
    st.one_of(st.sampled_from(["true", "a,b", "1"]), st.text(min_size=1)),
    min_size=1,
    max_size=2,
)


@st.composite
def crowded_texts(
    draw: st.DrawFn, attributes: st.SearchStrategy[dict[str, str] | None] = NO_ATTRIBUTES
) -> AnnotatedText:
    """Any text, with entities that overlap and repeat, and relations that do too."""
    text = draw(st.text(CHARACTERS, max_size=20))
    offsets = st.integers(0, len(text))
    entities = [
        AnnotatedEntity(min(pair), max(pair), draw(LABELS), draw(attributes))
        for pair in draw(st.lists(st.tuples(offsets, offsets), max_size=6))
        if pair[0] != pair[1]
    ]
    if not entities:
        return AnnotatedText(text, [], [])
    indices = st.integers(0, len(entities) - 1)
    relations = st.lists(st.builds(AnnotatedRelation, indices, indices, LABELS), max_size=5)
    return AnnotatedText(text, entities, draw(relations))


def expect(
    annotated: AnnotatedText,
    entity_problem: Callable[[AnnotatedEntity], str | None],
    relation_problem: Callable[[AnnotatedRelation], str | None],
) -> tuple[AnnotatedText, Counter[str]]:
    """Determine what remains of a text, and the number of losses for each reason."""
    lost: Counter[str] = Counter()
    entities, relations = [], []
    kept = []
    for i, entity in enumerate(annotated.entities):
        if problem := entity_problem(entity):
            lost[problem] += 1
        else:
            kept.append(i)
            entities.append(entity)
    for relation in annotated.relations:
        if relation.head not in kept or relation.tail not in kept:
            lost["relations of entities that were left out"] += 1
        elif problem := relation_problem(relation):
            lost[problem] += 1
        else:
            head, tail = kept.index(relation.head), kept.index(relation.tail)
            relations.append(AnnotatedRelation(head, tail, relation.label))
    return AnnotatedText(annotated.text, entities, relations), lost


def expect_attributes(
    annotated: AnnotatedText, is_kept: Callable[[str, str], bool]
) -> tuple[AnnotatedText, int]:
    """Determine what remains of the attributes of a text, and the number of the others."""
    entities, lost = [], 0
    for entity in annotated.entities:
        attributes = entity.attributes or {}
        kept = {name: value for name, value in attributes.items() if is_kept(name, value)}
        entities.append(replace(entity, attributes=kept or None))
        lost += len(attributes) - len(kept)
    return replace(annotated, entities=entities), lost
