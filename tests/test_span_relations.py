"""Relations of single entities: from one index of the doc, which is never stale."""

import gc
import weakref
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc, Span
from spacy.vocab import Vocab

from spacy_str_encoder import Relation
from spacy_str_encoder.doc import relation_index
from spacy_str_encoder.doc.entities import get_entities
from spacy_str_encoder.doc.entity_lookup import EntityLookup
from spacy_str_encoder.doc.relation import set_predicted

VOCAB = Vocab()
Change = Callable[[Doc], object]


def make_doc(length: int = 8) -> Doc:
    """A doc of an entity at each second token, each related to the next one; and a span group."""
    doc = Doc(VOCAB, words=[f"w{i}" for i in range(length)])
    doc.ents = [Span(doc, i, i + 1, "A") for i in range(0, length, 2)]
    doc.spans["sc"] = [*doc.ents, Span(doc, 0, 2, "B")]
    pairs = zip(doc.ents, doc.ents[1:], strict=False)
    doc._.relations = [Relation(*pair, "next") for pair in pairs]
    return doc


def make_predicted(spans_key: str | None) -> Doc:
    doc = make_doc()
    first, second, *_ = get_entities(doc, spans_key)
    set_predicted(doc, [Relation(first, second, "x"), Relation(second, first, "y")], spans_key)
    return doc


def describe(relations: list[Relation]) -> list[tuple[object, ...]]:
    ends = [[(s.start, s.end, s.label_, s.kb_id_) for s in (r.head, r.tail)] for r in relations]
    return [(*pair, r.label, r.score) for pair, r in zip(ends, relations, strict=True)]


def check(doc: Doc) -> None:
    """Compare the relations of each span with those of the doc."""
    for span in [doc[i:j] for i in range(len(doc)) for j in range(i + 1, len(doc) + 1)]:
        place = (span.start, span.end)
        expected = [
            r for r in doc._.relations if place in [(e.start, e.end) for e in (r.head, r.tail)]
        ]
        assert describe(span._.relations) == describe(expected)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Doc]:
    """The docs of which an index was made."""
    docs: list[Doc] = []
    make_index = relation_index.make_index

    def count(doc: Doc) -> relation_index.RelationIndex:
        docs.append(doc)
        return make_index(doc)

    monkeypatch.setattr(relation_index, "make_index", count)
    return docs


def test_a_doc_has_one_index_for_all_entities(made: list[Doc]) -> None:
    doc, other = make_doc(40), make_doc(4)
    for _ in range(2):
        assert sum(len(ent._.relations) for ent in doc.ents) == 2 * 19
        assert sum(len(ent._.relations) for ent in other.ents) == 2
    assert [*map(id, made)] == [id(doc), id(other)]


def test_changes_of_entities_need_no_other_index(made: list[Doc]) -> None:
    doc = make_predicted(None)
    check(doc)
    doc.ents = doc.ents[1:]
    check(doc)
    assert len(made) == 1


def update(doc: Doc) -> None:
    """Take over the user data of another doc, under the same keys."""
    other = make_doc()
    other._.relations = [Relation(each.head, each.head, "self") for each in other._.relations]
    assert other.user_data.keys() == doc.user_data.keys()
    doc.user_data.update(other.user_data)


def replace_user_data(doc: Doc) -> None:
    other = make_doc()
    other._.relations = other._.relations[:1]
    doc.user_data = other.user_data


def exchange(doc: Doc) -> None:
    """Take one key away, and add another one."""
    key = next(key for key in doc.user_data if key[1] == "str_relations")
    del doc.user_data[key]
    doc.user_data["x"] = 1


def merge(doc: Doc) -> None:
    with doc.retokenize() as retokenizer:
        retokenizer.merge(doc[2:4])


def relate_again(doc: Doc) -> None:
    doc._.relations = [Relation(doc.ents[0], doc[5:6], "other", 0.5)]


@pytest.mark.parametrize(
    "change",
    [update, replace_user_data, exchange, merge, relate_again, lambda doc: doc.user_data.clear()],
)
def test_changes_of_relations_are_seen(change: Change) -> None:
    doc = make_doc()
    check(doc)
    before = describe(doc._.relations)
    change(doc)
    assert describe(doc._.relations) != before
    check(doc)


def drop_first(doc: Doc) -> None:
    doc.ents = doc.ents[1:]


def relabel(doc: Doc) -> None:
    doc.ents = [Span(doc, 0, 1, "C"), *doc.ents[1:]]


def lengthen(doc: Doc) -> None:
    doc.ents = [Span(doc, 0, 2, "A"), *doc.ents[1:]]


def empty_group(doc: Doc) -> None:
    doc.spans["sc"] = []


def exchange_in_group(doc: Doc) -> None:
    doc.spans["sc"][0] = Span(doc, 5, 6, "A")


@pytest.mark.parametrize(
    ("change", "spans_key"),
    [
        (drop_first, None),
        (relabel, None),
        (lengthen, None),
        (empty_group, "sc"),
        (exchange_in_group, "sc"),
    ],
)
def test_relations_of_changed_entities_are_hidden_and_shown_again(
    change: Change, spans_key: str | None
) -> None:
    doc = make_predicted(spans_key)
    check(doc)
    ents, spans = doc.ents, [*doc.spans["sc"]]
    change(doc)
    assert doc._.relations == []
    check(doc)
    doc.ents = ents
    doc.spans["sc"] = spans
    assert len(doc._.relations) == 2
    check(doc)


def test_identifiers_that_were_set_later_are_seen() -> None:
    doc = make_doc()
    check(doc)
    doc.ents = [Span(doc, 0, 1, "A", kb_id="Q1"), *doc.ents[1:]]
    assert [r.head.kb_id_ for r in doc.ents[0]._.relations] == ["Q1"]
    check(doc)


def test_a_span_without_a_label_stands_for_each_entity_at_its_place() -> None:
    doc = make_doc()
    doc._.relations = [Relation(Span(doc, 0, 2, label), doc[4:5], "x") for label in "AB"]
    assert [len(Span(doc, 0, 2, label)._.relations) for label in ("A", "B", "C", "")] == [
        1,
        1,
        0,
        2,
    ]


def test_an_index_keeps_no_doc_alive() -> None:
    doc = make_doc()
    assert doc.ents[0]._.relations
    alive = weakref.ref(doc)
    del doc
    gc.collect()
    assert alive() is None


places = st.tuples(st.integers(0, 5), st.integers(1, 3), st.sampled_from("AB"))


@given(st.lists(places, max_size=4), st.lists(places, max_size=4))
def test_entities_are_found_where_they_are(
    found: list[tuple[int, int, str]], asked: list[tuple[int, int, str]]
) -> None:
    doc = Doc(VOCAB, words=[*"abcdefgh"])
    spans = [Span(doc, start, start + length, label) for start, length, label in found]
    doc.spans["sc"] = spans
    taken: set[int] = set()
    flat = []
    for span in spans:
        if taken.isdisjoint(tokens := {*range(span.start, span.end)}):
            flat.append(span)
            taken |= tokens
    doc.ents = flat
    lookup = EntityLookup()
    for start, length, label in [*found, *asked]:
        place = (start, start + length, label)
        for key, entities in ((None, flat), ("sc", spans)):
            is_there = place in [(s.start, s.end, s.label_) for s in entities]
            assert (lookup.find(doc, key, place) is not None) == is_there
