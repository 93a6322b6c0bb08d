"""What people changed of what a model said: pairs, changes, scores, and merged training data."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_str_encoder.formats.annotated_text import (
    AnnotatedEntity,
    AnnotatedRelation,
    AnnotatedText,
)
from spacy_str_encoder.formats.entities import trim_entities
from spacy_str_encoder.formats.report import ConversionReport
from spacy_str_encoder.learning.corrections.comparison import Comparison, compare
from spacy_str_encoder.learning.corrections.merging import Merged, merge
from spacy_str_encoder.learning.corrections.pairing import pair_texts, show_both, unify

from .crowded_texts import ATTRIBUTES, crowded_texts
from .json_files import counts

# "No fever, mild pain."
TEXT = "No fever, mild pain."
FEVER, MILD, PAIN = (3, 8, "Finding"), (10, 14, "Degree"), (15, 19, "Finding")
Attributes = dict[str, str]


def annotate(
    *places: tuple[int, int, str],
    relations: tuple[tuple[int, int, str], ...] = (),
    attributes: Attributes | None = None,
    **fields: Any,
) -> AnnotatedText:
    """The text above; the attributes are those of its first entity."""
    first = [AnnotatedEntity(*place, attributes=attributes) for place in places[:1]]
    others = [AnnotatedEntity(*place) for place in places[1:]]
    related = [AnnotatedRelation(*each) for each in relations]
    return AnnotatedText(
        **{"text": TEXT, "place": "c", **fields}, entities=first + others, relations=related
    )


def plain(text: str, identifier: object = None, place: str = "") -> AnnotatedText:
    meta = {} if identifier is None else {"id": identifier}
    return AnnotatedText(text, [], [], meta=meta, place=place or f"{identifier}: {text}")


def examples(found: Comparison) -> dict[str, list[str]]:
    assert all(case["place"] == "c" for cases in found.changes.values() for case in cases)
    return {kind: [case["example"] for case in cases] for kind, cases in found.changes.items()}


OF = ((1, 2, "of"),)
CASES = [
    ((FEVER,), (FEVER, PAIN), {"added entity Finding": ["'pain'"]}),
    ((FEVER, MILD), (FEVER,), {"removed entity Degree": ["'mild'"]}),
    (((3, 8, "Place"),), (FEVER,), {"entity Place -> Finding": ["'fever'"]}),
    (
        ((0, 8, "Finding"),),
        (FEVER,),
        {"boundaries of Finding changed": ["'No fever' -> 'fever'"]},
    ),
    # Another place and another label are two changes.
    (
        ((0, 8, "Place"),),
        (FEVER,),
        {"added entity Finding": ["'fever'"], "removed entity Place": ["'No fever'"]},
    ),
    # One of two entities that overlap the new one is left.
    (
        ((0, 5, "Finding"), (6, 8, "Finding")),
        (FEVER,),
        {
            "boundaries of Finding changed": ["'No fe' -> 'fever'"],
            "removed entity Finding": ["'er'"],
        },
    ),
]


@pytest.mark.parametrize(("before", "after", "expected"), CASES)
def test_changed_entities(before: Any, after: Any, expected: dict[str, list[str]]) -> None:
    found = compare([(annotate(*before), annotate(*after))])
    assert (examples(found), found.unchanged) == (expected, 0)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ((), OF, {"added relation of": ["'mild' of 'pain'"]}),
        (OF, (), {"removed relation of": ["'mild' of 'pain'"]}),
        (OF, ((2, 1, "of"),), {"direction of of turned": ["'pain' of 'mild'"]}),
        (OF, ((1, 2, "how"),), {"relation of -> how": ["'mild' how 'pain'"]}),
        (OF, (*OF, *OF), {}),
    ],
)
def test_changed_relations(before: Any, after: Any, expected: dict[str, list[str]]) -> None:
    pair = [annotate(FEVER, MILD, PAIN, relations=each) for each in (before, after)]
    assert examples(compare([(pair[0], pair[1])])) == expected


def test_relations_of_a_changed_entity_stay_the_same() -> None:
    before = annotate(FEVER, (10, 14, "Place"), (10, 19, "Finding"), relations=OF)
    after = annotate(FEVER, MILD, PAIN, relations=OF)
    assert [*compare([(before, after)]).changes] == [
        "boundaries of Finding changed",
        "entity Place -> Degree",
    ]


def test_relations_of_a_replaced_entity_stay_the_same() -> None:
    before = annotate(FEVER, MILD, (10, 19, "Place"), relations=OF)
    after = annotate(FEVER, MILD, PAIN, relations=OF)
    assert [*compare([(before, after)]).changes] == [
        "added entity Finding",
        "removed entity Place",
    ]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"A": "negated"}, {"A": "present"}, ["A negated -> present"]),
        ({"A": "negated"}, {}, ["removed A negated"]),
        (None, {"A": "negated"}, ["added A negated"]),
        ({"A": "x", "B": "y"}, {"A": "x", "B": "z", "C": "w"}, ["B y -> z", "added C w"]),
        # Attributes that a format can't hold were not changed.
        ({"A": "negated"}, None, []),
        (None, {}, []),
    ],
)
def test_changed_attributes(
    before: Attributes | None, after: Attributes | None, expected: list[str]
) -> None:
    moved = (0, 8, "Finding")
    for place in (FEVER, moved):
        pair = annotate(place, attributes=before), annotate(FEVER, attributes=after)
        own = [] if place == FEVER else ["boundaries of Finding changed"]
        assert sorted(compare([pair]).changes) == sorted([*own, *expected])


def test_the_most_frequent_changes_come_first() -> None:
    before, after = annotate(FEVER), annotate(FEVER, MILD, PAIN, (10, 19, "Finding"))
    found = compare([(before, after), (after, after)])
    assert [len(cases) for cases in found.changes.values()] == [2, 1]
    assert [*found.changes] == ["added entity Finding", "added entity Degree"]
    assert found.unchanged == 1


def test_what_is_unannotated_was_not_changed() -> None:
    before = annotate(FEVER, MILD, PAIN, relations=OF)
    after = replace(before, relations=[], has_relations=False)
    found = compare([(before, after)])
    assert found.changes == {}
    assert found.scores["model"]["relations"] is None


def test_scores_have_the_corrected_texts_as_gold() -> None:
    before = annotate(FEVER, MILD, (15, 20, "Finding"), attributes={"A": "x", "B": "y"})
    before = replace(before, relations=[AnnotatedRelation(1, 0, "of")])
    after = annotate(FEVER, MILD, PAIN, relations=OF, attributes={"A": "x", "B": "z"})
    scores = compare([(before, after)]).scores["model"]
    assert scores["entities"] is not None
    types = scores["entities"]["strict"]["per_type"]
    assert types is not None
    assert types["Degree"]["f"] == 1.0
    finding = {"p": 0.5, "r": 0.5, "f": 0.5, "correct": 1, "predicted": 2, "gold": 2}
    assert types["Finding"] == pytest.approx(finding)
    assert scores["relations"] is not None and scores["attributes"] is not None
    micro = scores["relations"]["strict"]["micro"]
    assert (micro["correct"], micro["predicted"], micro["gold"]) == (0, 1, 1)
    micro = scores["attributes"]["strict"]["micro"]
    assert (micro["correct"], micro["predicted"], micro["gold"]) == (1, 2, 2)
    # Nothing has a probability, and nothing was predicted of gold entities.
    assert scores["relations"]["calibration"] is None
    assert not any("gold entities" in note for note in scores["notes"])


def test_what_a_model_does_not_predict_it_has_missed() -> None:
    after = annotate(FEVER, MILD, PAIN, relations=OF)
    before = replace(after, relations=[], has_relations=False)
    scores = compare([(before, after)]).scores["model"]["relations"]
    assert scores is not None
    assert scores["strict"]["micro"]["r"] == 0


@given(st.lists(crowded_texts(ATTRIBUTES), min_size=1, max_size=3))
def test_texts_that_nobody_changed_score_full_marks(texts: list[AnnotatedText]) -> None:
    # As readers do: no entity has white space at its ends.
    texts = [trim_entities(each, ConversionReport()) for each in texts]
    found = compare([(each, each) for each in texts])
    assert (found.changes, found.unchanged) == ({}, len(texts))
    scores = found.scores["model"]
    for task in (scores["entities"], scores["relations"], scores["attributes"]):
        assert task is None or task["strict"]["micro"]["f"] == 1.0
    assert (scores["entities"] is None) == (not any(each.entities for each in texts))


def test_line_ends_do_not_count() -> None:
    windows = AnnotatedText("a\r\nb\r\nbc\rd", [AnnotatedEntity(6, 8, "X")], [])
    unix = AnnotatedText("a\nb\nbc\nd", [AnnotatedEntity(4, 6, "X")], [])
    assert unify(windows) == unix
    pairing = pair_texts([windows], [unix], ConversionReport())
    assert len(pairing.pairs) == 1
    assert compare(pairing.pairs).unchanged == 1


def test_white_space_at_the_ends_of_texts_does_not_count() -> None:
    before = AnnotatedText("\r\n 药 b\r\nc", [AnnotatedEntity(3, 4, "X")], [], place="c")
    after = AnnotatedText("\u3000药 b\nc \n", [AnnotatedEntity(1, 4, "X")], [], place="c")
    pairing = pair_texts([before], [after], ConversionReport())
    assert pairing.pairs == [(before, after)]
    found = compare(pairing.pairs)
    assert examples(found) == {"boundaries of X changed": ["'药' -> '药 b'"]}
    merged, _ = merge_all([plain("b\n")], [plain("a "), plain("b")], [plain("a")])
    assert [each.text for each in merged.texts] == ["b\n"]


def test_texts_are_paired_by_id() -> None:
    before = [plain("a", 1), plain("a", 2), plain("b", 3)]
    # Names of files are strings.
    after = [plain("a", "2"), plain("b", "3"), plain("c", "4")]
    pairing = pair_texts(before, after, ConversionReport())
    assert pairing.by == "id"
    assert pairing.pairs == [(before[1], after[0]), (before[2], after[1])]
    assert (pairing.predicted, pairing.corrected) == (1, 1)


def test_an_id_whose_texts_differ_is_reported() -> None:
    report = ConversionReport()
    before, after = [plain("a", 1), plain("b" * 50, 2)], [plain("a", 1), plain("c", 2, "c.txt")]
    pairing = pair_texts(before, after, report)
    assert pairing.pairs == [(before[0], after[0])]
    assert (pairing.predicted, pairing.corrected) == (1, 1)
    [case] = report.lost["ids with another text in the other file, which are not paired"]
    assert case == f"c.txt: 2: {'b' * 40!r} and 'c'"


def test_texts_are_shown_where_they_differ() -> None:
    one, other = plain(f"{'a' * 60}X{'b' * 60}", 1), plain("a" * 60, 1)
    expected = f"1: ...{'a' * 10 + 'X' + 'b' * 29!r} and ...{'a' * 10!r}"
    assert show_both(one, other) == expected


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([plain("a"), plain("b")], [plain("b", 1), plain("a", 2)]),
        ([plain("a", 1), plain("b", 1)], [plain("b", 1), plain("a", 2)]),
        ([plain("a", 1), plain("b", 2)], [plain("b", 7), plain("a", 8)]),
        ([plain("a", ""), plain("b", 2)], [plain("b", 2), plain("a", "")]),
    ],
    ids=["no ids", "no unique ids", "other ids", "empty ids"],
)
def test_texts_are_paired_by_text(before: list[AnnotatedText], after: list[AnnotatedText]) -> None:
    pairing = pair_texts(before, after, ConversionReport())
    assert pairing.by == "text"
    assert pairing.pairs == [(before[0], after[1]), (before[1], after[0])]


def test_a_text_that_occurs_twice_is_paired_in_order() -> None:
    before = [plain("a", place="1"), plain("a", place="2"), plain("a", place="3")]
    after = [plain("a", place="4"), plain("a", place="5")]
    pairing = pair_texts(before, after, ConversionReport())
    places = [(one.place, other.place) for one, other in pairing.pairs]
    assert places == [("1", "4"), ("2", "5")]
    assert (pairing.predicted, pairing.corrected) == (1, 0)


def merge_all(
    corrected: list[AnnotatedText],
    old: list[AnnotatedText],
    held_out: list[AnnotatedText] | None = None,
) -> tuple[Merged, ConversionReport]:
    report = ConversionReport()
    return merge(corrected, old, held_out or [], report), report


def test_corrected_texts_replace_old_ones_and_others_are_added() -> None:
    old = [plain("a"), plain("b"), plain("c")]
    new = [annotate(text="z"), annotate((0, 1, "X"), text="b")]
    merged, report = merge_all(new, old)
    assert merged.texts == [old[0], new[1], old[2], new[0]]
    assert (merged.replaced, merged.added, merged.held_out) == (1, 1, 0)
    assert report == ConversionReport()


def test_of_equal_texts_the_one_with_the_same_id_is_replaced() -> None:
    old = [plain("a", 1), plain("a", 2)]
    new = annotate((0, 1, "X"), text="a", meta={"id": "2"})
    assert merge_all([new], old)[0].texts == [old[0], new]
    other = replace(new, meta={"id": "3"})
    merged, _ = merge_all([other, new], old)
    assert (merged.texts, merged.replaced) == ([other, new], 2)


def test_an_id_with_another_text_replaces_nothing() -> None:
    old, new = plain("a", 1), plain("b", 1, "new.txt")
    merged, report = merge_all([new], [old])
    assert (merged.texts, merged.replaced, merged.added) == ([old, new], 0, 1)
    reason = "ids of corrected texts with another text in the old data, which both are kept"
    assert report.chosen == {reason: ["new.txt: 1: 'a' and 'b'"]}


def test_texts_that_were_corrected_twice_are_kept_and_reported() -> None:
    one, other = annotate(FEVER, place="1"), annotate(FEVER, PAIN, place="2")
    same = annotate(FEVER, text=f"{TEXT}\n", place="3")
    merged, report = merge_all([one, other, same], [])
    assert merged.texts == [one, other, same]
    reason = "texts that were corrected several times, differently, which are all kept"
    assert report.chosen == {reason: ["2: unlike 1: added entity Finding: 'pain'"]}


def test_held_out_texts_are_left_out() -> None:
    old = [plain("a"), plain("dev\r\n"), plain("b")]
    new = [plain("dev\n"), plain("c", 7), plain("d", 8)]
    merged, report = merge_all(new, old, [plain("dev\n"), plain("e", "7")])
    assert merged.texts == [old[0], old[2], new[2]]
    assert (merged.replaced, merged.added, merged.held_out) == (0, 1, 3)
    assert counts(report.lost) == {
        "texts that are held out": 2,
        "texts with the id of a held-out text": 1,
    }
    assert report.lost["texts with the id of a held-out text"] == ["7: c: 7: 'e' and 'c'"]


def test_old_annotations_that_nobody_looked_at_are_reported() -> None:
    old = annotate(FEVER, MILD, PAIN, relations=OF, attributes={"A": "x"})
    new = replace(annotate(FEVER, MILD, PAIN, place="new"), has_relations=False)
    _, report = merge_all([new], [old])
    assert report.lost == {
        "relations of old texts, which are unannotated in the corrected ones": ["new: 1 of c"],
        "attributes of old texts, which are unannotated in the corrected ones": ["new: 1 of c"],
    }


def test_scores_do_not_enter_the_training_data() -> None:
    entities = [
        AnnotatedEntity(*FEVER, {"A": "x"}, 0.5, {"A": 0.6}),
        AnnotatedEntity(*PAIN, None, 0.7),
    ]
    relations = [AnnotatedRelation(0, 1, "of", 0.2, 0.3)]
    scored = AnnotatedText(TEXT, entities, relations, meta={"id": 1, "label_studio": {"task": {}}})
    [merged] = merge_all([scored], [])[0].texts
    assert merged.entities == entities and merged.relations == relations
    assert [(each.score, each.attribute_scores) for each in merged.entities] == [(None, None)] * 2
    [relation] = merged.relations
    assert (relation.score, relation.score_given_entities) == (None, None)
    assert merged.meta == {"id": 1}


SMALL_TEXTS = st.lists(
    st.builds(
        lambda text, identifier, label: annotate(
            (0, 1, label), text=text, meta={} if identifier is None else {"id": identifier}
        ),
        st.sampled_from("ab"),
        st.sampled_from([None, 1, 2]),
        st.sampled_from("XYZ"),
    ),
    max_size=5,
)


@given(SMALL_TEXTS, SMALL_TEXTS, SMALL_TEXTS)
def test_merging_again_changes_nothing(
    corrected: list[AnnotatedText], old: list[AnnotatedText], held_out: list[AnnotatedText]
) -> None:
    once, _ = merge_all(corrected, old, held_out)
    again, _ = merge_all(corrected, once.texts, held_out)
    # Copies of a text with the same id may change places.
    assert sorted(map(str, again.texts)) == sorted(map(str, once.texts))
    assert again.added == 0
    held = {each.text for each in held_out}
    assert all(each.text not in held for each in once.texts)
    assert len(once.texts) + once.held_out + once.replaced == len(corrected) + len(old)
