"""All scores of a report against a count of plain tuples, written anew."""

from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.scorer import get_ner_prf
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.vocab import Vocab

from spacy_str_encoder import Relation
from spacy_str_encoder.evaluation import Outcomes, Report, collect_outcomes, make_report
from spacy_str_encoder.evaluation.confusion import confuse
from spacy_str_encoder.evaluation.distance import recall_by_distance
from spacy_str_encoder.evaluation.outcomes import RelationOutcome
from spacy_str_encoder.scorers import score_relations

# An entity by its characters and its type, and a relation by its head, tail and label.
Mention = tuple[int, int, str]
Arc = tuple[Mention, Mention, str]
# Entities, relations with their scores: of the gold doc (None if not annotated), and what was found
# with predicted and with gold entities.
Drawn = dict[str, Any]
# What was found and what is gold in each doc.
Counted = list[tuple[list[Any], list[Any]]]

VOCAB = Vocab(strings=["X", "Y"])
TEXT = "前降支近段轻度狭窄约百分"
# Where entities may be, and two places of each: they match in part often enough.
PLACES = [[(0, 2), (0, 1)], [(2, 4), (3, 4)], [(5, 6), (5, 7)], [(8, 9), (7, 9)], [(11, 12)]]
TYPES, LABELS = "XY", "ABS"
BINS = [(0, 0), (1, 2), (3, 5), (6, 10), (11, 20), (21, 50), (51, None)]

mentions = st.tuples(
    *(
        st.sampled_from([None, *((*place, label) for place in places for label in TYPES)])
        for places in PLACES
    )
).map(lambda drawn: [mention for mention in drawn if mention is not None])
found_scores = st.sampled_from([0.0, 0.1, 0.25, 0.3, 0.7, 0.95, 1.0]) | st.floats(0, 1)
# By the indices of head and tail: several of a pair among them, and some of an entity with itself.
index = st.integers(0, 4)
links = st.lists(st.tuples(index, index, st.sampled_from(LABELS), found_scores), max_size=5)


def make_arcs(between: list[Mention], drawn: Any) -> dict[Arc, float]:
    if not between:
        return {}
    entities = [between[i % len(between)] for i in range(5)]
    return {(entities[i], entities[j], label): score for i, j, label, score in drawn}


def make_drawn(gold: Any, found: Any, links: Any, scores: Any, annotated: Any) -> Drawn:
    has_entities, has_relations = annotated
    return {
        "gold_entities": gold if has_entities else None,
        "gold": list(make_arcs(gold, links[0])) if has_relations else None,
        "entities": found,
        "entity_scores": scores[: len(found)],
        "relations": make_arcs(found, links[1]),
        "relations_gold_entities": make_arcs(gold, links[2]),
    }


drawn_docs = st.builds(
    make_drawn,
    mentions,
    mentions,
    st.tuples(links, links, links),
    st.lists(st.none() | found_scores, min_size=5, max_size=5),
    st.sampled_from([(True, True)] * 4 + [(True, False), (False, True)]),
)
few = settings(max_examples=50)
collections = st.lists(drawn_docs, min_size=1, max_size=3)
symmetric_labels = st.sampled_from([(), ("S",), ("A", "S")])


# Docs of what was drawn


def make_doc(entities: list[Mention] | None, relations: Any) -> Doc:
    doc = Doc(VOCAB, words=list(TEXT), spaces=[False] * len(TEXT))
    if entities is not None:
        doc.set_ents([span(doc, mention) for mention in entities])
    if relations is not None:
        found = relations if isinstance(relations, dict) else dict.fromkeys(relations, 1.0)
        doc._.relations = [
            Relation(span(doc, head), span(doc, tail), label, score)
            for (head, tail, label), score in found.items()
        ]
    return doc


def span(doc: Doc, mention: Mention) -> Span:
    start, end, label = mention
    return Span(doc, start, end, label=label)


def make_examples(docs: list[Drawn]) -> tuple[list[Example], list[Example]]:
    predicted, with_gold = [], []
    for doc in docs:
        gold = make_doc(doc["gold_entities"], doc["gold"])
        found = make_doc(doc["entities"], doc["relations"])
        for entity, score in zip(found.ents, doc["entity_scores"], strict=True):
            if score is not None:
                entity._.score = score
        predicted.append(Example(found, gold))
        related = doc["relations_gold_entities"]
        with_gold.append(Example(make_doc(doc["gold_entities"], related), gold))
    return predicted, with_gold


def report_of(docs: list[Drawn], symmetric: Any = ()) -> Report:
    outcomes = collect_outcomes(*make_examples(docs), symmetric=symmetric)
    return make_report(outcomes, samples=2)


# The same, counted in the plainest way


def turn(arc: Any, symmetric: Any) -> Any:
    head, tail, label = arc
    return (tail, head, label) if label in symmetric and tail < head else arc


def pairs_of(docs: list[Drawn], task: str, symmetric: Any) -> Counted:
    """What was found and what is gold in each doc that is annotated."""
    if task == "entities":
        return [
            (doc["entities"], doc["gold_entities"])
            for doc in docs
            if doc["gold_entities"] is not None
        ]
    return [
        ([turn(arc, symmetric) for arc in doc[task]], [turn(arc, symmetric) for arc in doc["gold"]])
        for doc in docs
        if doc["gold"] is not None
    ]


def place(key: Any) -> Any:
    """What is left of an entity or relation without types of entities."""
    if isinstance(key[0], int):
        return key[:2]
    head, tail, label = key
    return head[:2], tail[:2], label


def tally(docs: Counted, wanted: Any = lambda key: True) -> dict[str, Any]:
    """Precision, recall, F1 and the counts, of the keys that are wanted."""
    correct = n_found = n_gold = 0
    for found, gold in docs:
        found_here = {key for key in found if wanted(key)}
        gold_here = {key for key in gold if wanted(key)}
        n_found += len(found_here)
        n_gold += len(gold_here)
        correct += sum(key in gold_here for key in found_here)
    return {
        "p": correct / n_found if n_found else 0,
        "r": correct / n_gold if n_gold else 0,
        "f": 2 * correct / (n_found + n_gold) if correct else 0,
        "correct": correct,
        "predicted": n_found,
        "gold": n_gold,
    }


TASKS = ["entities", "relations", "relations_gold_entities"]


@pytest.mark.parametrize("task", TASKS)
@few
@given(docs=collections, symmetric=symmetric_labels)
def test_strict_scores(task: str, docs: list[Drawn], symmetric: Any) -> None:
    scores: Any = report_of(docs, symmetric)["model"][task]
    counted = pairs_of(docs, task, symmetric)
    if not any(found or gold for found, gold in counted):
        assert scores is None
    else:
        assert scores["strict"]["micro"] == pytest.approx(tally(counted))
        assert_scores_by_label(scores["strict"], counted)


@pytest.mark.parametrize("task", TASKS)
@few
@given(docs=collections, symmetric=symmetric_labels)
def test_scores_of_boundaries(task: str, docs: list[Drawn], symmetric: Any) -> None:
    scores: Any = report_of(docs, symmetric)["model"][task]
    if scores is None:
        return
    counted = [
        ([place(key) for key in found], [place(key) for key in gold])
        for found, gold in pairs_of(docs, task, symmetric)
    ]
    assert scores["boundaries"]["micro"] == pytest.approx(tally(counted))
    if task == "entities":
        assert scores["boundaries"]["per_type"] is scores["boundaries"]["macro_f"] is None
    else:
        assert_scores_by_label(scores["boundaries"], counted)


def assert_scores_by_label(scores: Any, counted: Counted) -> None:
    labels = {key[2] for found, gold in counted for key in [*found, *gold]}
    assert set(scores["per_type"]) == labels
    for label, found in scores["per_type"].items():
        expected = tally(counted, lambda key, label=label: key[2] == label)
        assert found == pytest.approx(expected)
    in_gold = {key[2] for _, gold in counted for key in gold}
    f = [scores["per_type"][label]["f"] for label in in_gold]
    assert scores["macro_f"] == (pytest.approx(sum(f) / len(f)) if f else None)


@pytest.mark.parametrize("task", TASKS[1:])
@few
@given(docs=collections, symmetric=symmetric_labels)
def test_scores_of_triples(task: str, docs: list[Drawn], symmetric: Any) -> None:
    scores: Any = report_of(docs, symmetric)["model"][task]
    if scores is None:
        return

    def triple(arc: Arc) -> tuple[str, str, str]:
        (*_, head), (*_, tail), label = arc
        return (tail, label, head) if label in symmetric and tail < head else (head, label, tail)

    counted = pairs_of(docs, task, symmetric)
    triples = [(each["head"], each["label"], each["tail"]) for each in scores["per_triple"]]
    expected = {triple(key) for found, gold in counted for key in [*found, *gold]}
    assert len(triples) == len(expected) and set(triples) == expected
    for name, each in zip(triples, scores["per_triple"], strict=True):
        row = tally(counted, lambda key, name=name: triple(key) == name)
        assert {x: each[x] for x in row} == pytest.approx(row)


@few
@given(docs=collections, symmetric=symmetric_labels)
def test_micro_scores_are_those_of_spacy_to_the_last_digit(
    docs: list[Drawn], symmetric: Any
) -> None:
    model: Any = report_of(docs, symmetric)["model"]
    predicted, with_gold = make_examples(docs)
    for task, spacys in (
        ("entities", get_ner_prf(predicted)),
        ("relations", score_relations(predicted, symmetric=symmetric)),
        ("relations_gold_entities", score_relations(with_gold, symmetric=symmetric)),
    ):
        prefix = "ents" if task == "entities" else "rels"
        if model[task] is not None:
            micro = model[task]["strict"]["micro"]
            assert [micro[x] for x in "prf"] == [spacys[f"{prefix}_{x}"] for x in "prf"]


@few
@given(st.lists(st.booleans(), min_size=11), st.lists(st.booleans(), min_size=11), st.data())
def test_entities_of_other_tokens_are_counted_as_spacy_does(
    gold_ends: list[bool], found_ends: list[bool], data: st.DataObject
) -> None:
    gold, found = split_doc(gold_ends), split_doc(found_ends)
    for doc in (gold, found):
        starts = data.draw(st.sets(st.integers(0, len(doc) - 1)))
        spans = [Span(doc, i, i + 1, label=data.draw(st.sampled_from(TYPES))) for i in starts]
        unknown = [doc[i : i + 1] for i in data.draw(st.sets(st.integers(0, len(doc) - 1)))]
        missing = [each for each in unknown if each.start not in starts]
        doc.set_ents(spans, missing=missing if doc is gold else [])
    example = Example(found, gold)
    spacys = get_ner_prf([example])
    scores: Any = make_report(collect_outcomes([example], []), samples=2)["model"]["entities"]
    if scores is None:
        assert not spacys["ents_f"]
    else:
        micro = scores["strict"]["micro"]
        assert [micro[x] for x in "prf"] == [spacys[f"ents_{x}"] for x in "prf"]


def split_doc(ends: list[bool]) -> Doc:
    words = [""]
    for character, ends_here in zip(TEXT, [*ends[: len(TEXT) - 1], False], strict=True):
        words[-1] += character
        if ends_here:
            words.append("")
    return Doc(VOCAB, words=words, spaces=[False] * len(words))


def make_words(*words: str) -> Doc:
    return Doc(VOCAB, words=list(words), spaces=[False] * len(words))


def test_entities_that_align_with_the_same_tokens_count_one_by_one() -> None:
    gold, found = make_words("前降", "支"), make_words("前", "降", "支")
    gold.set_ents([Span(gold, 0, 1, "X")])
    found.set_ents([Span(found, 0, 1, "X"), Span(found, 1, 2, "X")])
    assert_counted([Example(found, gold)], correct=1, predicted=2)


def test_entities_that_reach_where_nobody_annotated_are_not_counted() -> None:
    gold, found = make_words("前", "降", "支"), make_words("前降", "支")
    gold.set_ents([Span(gold, 2, 3, "X")], missing=[gold[1:2]])
    found.set_ents([Span(found, 0, 1, "X"), Span(found, 1, 2, "X")])
    assert_counted([Example(found, gold)], correct=1, predicted=1)


def assert_counted(examples: list[Example], *, correct: int, predicted: int) -> None:
    scores: Any = make_report(collect_outcomes(examples, []), samples=2)["model"]["entities"]
    for view in ("strict", "boundaries"):
        micro = scores[view]["micro"]
        assert (micro["correct"], micro["predicted"], micro["gold"]) == (correct, predicted, 1)
        assert micro["f"] == get_ner_prf(examples)["ents_f"]


def test_relations_that_differ_in_types_alone_are_one_by_boundaries() -> None:
    head, tail, other_tail = (0, 2, "X"), (3, 4, "X"), (3, 4, "Y")
    predicted = [(head, tail, "A"), (head, other_tail, "A")]
    outcome = RelationOutcome({predicted[0]: 1}, predicted, [1.0, 1.0], True, set(), set())
    outcomes = Outcomes(frozenset(), 1, [], [outcome], [])
    scores: Any = make_report(outcomes, samples=2)["model"]["relations"]
    assert scores["strict"]["micro"]["predicted"] == 2
    assert scores["boundaries"]["micro"]["predicted"] == 1
    assert scores["boundaries"]["micro"]["f"] == 1


# Confusion


def class_of(arc: Arc, symmetric: Any) -> str:
    head, tail, label = arc
    if label in symmetric:
        return label
    return f"{label} >" if head <= tail else f"{label} <"


@few
@given(docs=collections, symmetric=symmetric_labels)
def test_rows_and_columns_of_the_confusion_add_up(docs: list[Drawn], symmetric: Any) -> None:
    scores: Any = report_of(docs, symmetric)["model"]["relations_gold_entities"]
    if scores is None:
        return
    annotated = [doc for doc in docs if doc["gold"] is not None]
    counted = pairs_of(docs, "relations_gold_entities", symmetric)
    none, *classes = scores["confusion"]["classes"]
    counts = scores["confusion"]["counts"]
    assert none is None and len(set(classes)) == len(classes)
    for i, name in enumerate(classes, start=1):
        row = tally(counted, lambda arc, name=name: class_of(arc, symmetric) == name)
        assert counts[i][i] == row["correct"]
        assert sum(each[i] for each in counts) == row["predicted"]
        assert sum(counts[i]) == row["gold"]
    unrelated = 0
    for doc in annotated:
        related = [{arc[0], arc[1]} for arc in [*doc["gold"], *doc["relations_gold_entities"]]]
        pairs = combinations(doc["gold_entities"] or [], 2)
        unrelated += sum(set(pair) not in related for pair in pairs)
    assert counts[0][0] == unrelated


@few
@given(docs=collections, symmetric=symmetric_labels)
def test_the_confusion_of_pairs_with_one_relation(docs: list[Drawn], symmetric: Any) -> None:
    cells: dict[tuple[Any, Any], int] = {}
    for doc in docs:
        doc["gold_entities"] = doc["gold_entities"] or []
        doc["gold"] = list(one_of_each_pair(doc["gold"] or [], doc["gold_entities"]))
        related = doc["relations_gold_entities"]
        kept = one_of_each_pair(related, doc["gold_entities"])
        doc["relations_gold_entities"] = {arc: related[arc] for arc in kept}
        for pair in combinations(doc["gold_entities"], 2):
            cell = tuple(
                next((class_of(arc, symmetric) for arc in side if set(arc[:2]) == set(pair)), None)
                for side in (doc["gold"], doc["relations_gold_entities"])
            )
            cells[cell] = cells.get(cell, 0) + 1
    scores: Any = report_of(docs, symmetric)["model"]["relations_gold_entities"]
    if scores is not None:
        classes, counts = scores["confusion"]["classes"], scores["confusion"]["counts"]
        found = {
            (gold, predicted): counts[i][j]
            for i, gold in enumerate(classes)
            for j, predicted in enumerate(classes)
            if counts[i][j]
        }
        assert found == cells


def one_of_each_pair(found: Any, entities: list[Mention]) -> list[Arc]:
    kept: dict[frozenset[Mention], Arc] = {}
    for arc in found:
        if arc[0] != arc[1] and {arc[0], arc[1]} <= set(entities):
            kept[frozenset(arc[:2])] = arc
    return list(kept.values())


def test_several_relations_of_a_pair_are_set_against_each_other_in_order() -> None:
    first, second = (0, 2, "X"), (3, 4, "X")
    gold = {(first, second, label): 1 for label in "ABC"} | {(second, first, "D"): 1}
    predicted = [(first, second, "B"), (second, first, "A")]
    outcome = RelationOutcome(gold, predicted, [1.0, 1.0], True, {first, second}, set())
    assert confuse([outcome]) == {
        "classes": [None, "A <", "A >", "B >", "C >", "D <"],
        "counts": [
            [0, 0, 0, 0, 0, 0],
            [0, 0, 0, 0, 0, 0],
            [0, 1, 0, 0, 0, 0],
            [0, 0, 0, 1, 0, 0],
            [1, 0, 0, 0, 0, 0],
            [1, 0, 0, 0, 0, 0],
        ],
    }


# Distance


@pytest.mark.parametrize("task", TASKS[1:])
@few
@given(docs=collections)
def test_recall_by_distance(task: str, docs: list[Drawn]) -> None:
    scores: Any = report_of(docs)["model"][task]
    if scores is None:
        return
    counted = pairs_of(docs, task, ())

    def tokens_between(arc: Arc) -> int:
        (_, *ends), (start, *_) = sorted(arc[:2])
        return len([i for i in range(len(TEXT)) if ends[0] <= i < start])

    for (least, most), found in zip(BINS, scores["distance"], strict=True):
        reach = range(least, 100 if most is None else most + 1)
        row = tally(counted, lambda arc, reach=reach: tokens_between(arc) in reach)
        assert (found["least"], found["most"]) == (least, most)
        assert (found["gold"], found["correct"]) == (row["gold"], row["correct"])
        assert found["recall"] == (row["r"] if row["gold"] else None)


def test_distances_beyond_the_text_above() -> None:
    keys = {distance: ((0, 1, "X"), (distance + 1, distance + 2, "X"), "A")
            for distance in (10, 11, 20, 21, 50, 51, 1000)}  # fmt: skip
    gold = {key: distance for distance, key in keys.items()}
    outcome = RelationOutcome(gold, [keys[20], keys[1000]], [1.0, 1.0], True, set(), set())
    found = [(each["gold"], each["correct"]) for each in recall_by_distance([outcome])]
    assert found == [(0, 0), (0, 0), (0, 0), (1, 0), (2, 1), (2, 0), (2, 1)]


# Calibration


@pytest.mark.parametrize("task", TASKS)
@few
@given(docs=collections, symmetric=symmetric_labels)
def test_calibration(task: str, docs: list[Drawn], symmetric: Any) -> None:
    scores: Any = report_of(docs, symmetric)["model"][task]
    if scores is None:
        return
    scored = [pair for doc in docs for pair in scored_in(doc, task, symmetric)]
    if not scored:
        assert scores["calibration"] is None
        return
    error = 0.0
    for m, found in enumerate(scores["calibration"]["bins"], start=1):
        inside = [
            (s, correct) for s, correct in scored if s <= m / 10 and (s > (m - 1) / 10 or m == 1)
        ]
        mean = sum(s for s, _ in inside) / len(inside) if inside else None
        share = sum(correct for _, correct in inside) / len(inside) if inside else None
        assert found == pytest.approx(
            {"least": (m - 1) / 10, "most": m / 10, "count": len(inside), "confidence": mean,
             "correct": share}
        )  # fmt: skip
        error += len(inside) / len(scored) * abs((share or 0) - (mean or 0))
    assert scores["calibration"]["ece"] == pytest.approx(error)
    assert scores["calibration"]["count"] == len(scored)


def scored_in(doc: Drawn, task: str, symmetric: Any) -> list[tuple[float, bool]]:
    """The scores of what was found in a doc, and whether it is correct."""
    if task == "entities":
        gold = doc["gold_entities"]
        pairs = zip(doc["entities"], doc["entity_scores"], strict=True)
        return [(s, key in gold) for key, s in pairs if gold is not None and s is not None]
    if doc["gold"] is None:
        return []
    best: dict[Arc, float] = {}
    for arc, score in doc[task].items():
        key = turn(arc, symmetric)
        best[key] = max(score, best.get(key, 0.0))
    gold = [turn(arc, symmetric) for arc in doc["gold"]]
    return [(score, key in gold) for key, score in best.items()]
