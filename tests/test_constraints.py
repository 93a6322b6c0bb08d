"""Constraints, and the choice of the relations that break none."""

from collections.abc import Callable, Sequence
from itertools import combinations, permutations, product
from typing import Any

import numpy
import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy import registry
from spacy.tokens import Doc, Span
from thinc.api import NumpyOps

from spacy_str_encoder import Relation
from spacy_str_encoder.pairs.assignment import find_assignment
from spacy_str_encoder.pairs.constraints import Constraint
from spacy_str_encoder.pairs.decode import choose_relations
from spacy_str_encoder.pairs.task import RelationTask

# Head and tail by number, and label.
Edge = tuple[int, int, str]

VOCAB = spacy.blank("en").vocab


def make(name: str, label: str = "r", **settings: Any) -> Constraint:
    """A constraint, as a config makes it."""
    block = {"@misc": f"spacy-str-encoder.{name}.v1", "label": label, **settings}
    return registry.resolve({"constraint": block})["constraint"]


def make_relations(edges: Sequence[Edge]) -> list[Relation]:
    """Relations between entities of one token each."""
    count = 1 + max((end for edge in edges for end in edge[:2]), default=0)
    doc = Doc(VOCAB, words=[f"w{i}" for i in range(count)])
    doc.set_ents([Span(doc, i, i + 1, "X") for i in range(count)])
    ents = doc.ents
    return [Relation(ents[head], ents[tail], label) for head, tail, label in edges]


def clashes(constraint: Constraint, *edges: Edge) -> set[tuple[tuple[int, ...], int]]:
    return {(tuple(sorted(group)), most) for group, most in constraint(make_relations(edges))}


# What each constraint forbids


@pytest.mark.parametrize(
    ("constraint", "edges", "expected"),
    [
        (make("max_per_head", limit=1), [(0, 1, "r"), (0, 2, "r"), (3, 1, "r")], {((0, 1), 1)}),
        (make("max_per_head", limit=2), [(0, 1, "r"), (0, 2, "r")], set()),
        (
            make("max_per_head", limit=2),
            [(0, 1, "r"), (0, 2, "r"), (0, 3, "r")],
            {((0, 1, 2), 2)},
        ),
        (make("max_per_head", limit=1), [(0, 1, "r"), (0, 1, "other")], set()),
        (make("max_per_tail", limit=1), [(0, 1, "r"), (0, 2, "r"), (3, 1, "r")], {((0, 2), 1)}),
        (make("max_per_entity", limit=1), [(0, 1, "r"), (1, 2, "r")], {((0, 1), 1)}),
        (make("max_per_entity", limit=1), [(0, 1, "r"), (2, 3, "r")], set()),
        (make("inverse_of", inverse="s"), [(0, 1, "r"), (0, 1, "s")], {((0, 1), 1)}),
        # Both say the same.
        (make("inverse_of", inverse="s"), [(0, 1, "r"), (1, 0, "s")], set()),
        (make("inverse_of", inverse="s"), [(0, 1, "r"), (0, 2, "s")], set()),
        (make("acyclic"), [(0, 1, "r"), (1, 0, "r")], {((0, 1), 1)}),
        (make("acyclic"), [(0, 1, "r"), (1, 2, "r"), (0, 2, "r")], set()),
        (
            make("acyclic"),
            # What leads to a cycle, or from one to another, is in none.
            [(0, 1, "r"), (1, 2, "r"), (2, 1, "r"), (2, 3, "r"), (3, 4, "r"), (4, 3, "r")],
            {((1, 2), 1), ((4, 5), 1)},
        ),
        (
            make("acyclic"),
            [(0, 1, "r"), (1, 2, "r"), (2, 0, "r"), (1, 0, "r")],
            {((0, 1, 2, 3), 3)},
        ),
        (make("acyclic"), [(0, 1, "r"), (1, 0, "other")], set()),
        (make("acyclic"), [(i, i + 1, "r") for i in range(2000)], set()),
        (make("no_self"), [(0, 0, "r"), (0, 1, "r"), (1, 1, "other")], {((0,), 0)}),
    ],
)
def test_a_constraint_tells_which_relations_clash(
    constraint: Constraint, edges: list[Edge], expected: set[Any]
) -> None:
    assert clashes(constraint, *edges) == expected


def test_entities_of_other_types_in_one_place_are_others_but_for_no_self() -> None:
    doc = Doc(VOCAB, words=["a", "b"])
    one, other, tail = Span(doc, 0, 1, "X"), Span(doc, 0, 1, "Y"), Span(doc, 1, 2, "X")
    relations = [Relation(one, tail, "r"), Relation(other, tail, "r"), Relation(one, other, "r")]
    assert not list(make("max_per_head", limit=2)(relations))
    assert not list(make("max_per_head", limit=1)(relations[:2]))
    assert list(make("no_self")(relations)) == [((2,), 0)]


@pytest.mark.parametrize(
    ("name", "wrong", "message"),
    [
        ("max_per_head", {"limit": 0}, "limit of relations 'r' must be 1 or more, got 0"),
        ("max_per_tail", {"limit": -1}, "must be 1 or more, got -1"),
        ("max_per_entity", {"limit": 1.5}, "1.5"),
        ("max_per_head", {}, "limit"),
        ("inverse_of", {"inverse": "r"}, "must be another label"),
        ("acyclic", {"limit": 1}, "limit"),
    ],
)
def test_wrong_settings_are_refused(name: str, wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(name, **wrong)


# The choice

LIMITS = [
    make(name, limit=limit)
    for name, limit in product(["max_per_head", "max_per_tail", "max_per_entity"], [1, 2])
]
CONSTRAINTS = [*LIMITS, make("acyclic"), make("no_self"), make("inverse_of", inverse="s")]
edge_lists = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 4), st.sampled_from("rs")), unique=True, max_size=9
)
# Eighths, and few of them, so that many sets have the same total.
weight_lists = st.lists(st.integers(0, 24).map(lambda n: n / 8), min_size=9, max_size=9)


def holds(name: str, label: str, edges: Sequence[Edge], most: int = 1) -> bool:
    """The definition of each constraint, without its code."""
    own = [(head, tail) for head, tail, of in edges if of == label]
    match name:
        case "max_per_head":
            return all(sum(h == node for h, _ in own) <= most for node in range(9))
        case "max_per_tail":
            return all(sum(t == node for _, t in own) <= most for node in range(9))
        case "max_per_entity":
            return all(sum(node in ends for ends in own) <= most for node in range(9))
        case "inverse_of":
            return not any((head, tail, "s") in edges for head, tail in own)
        case "no_self":
            return all(head != tail for head, tail in own)
    # Without a cycle, the entities have an order.
    order = permutations(sorted({end for ends in own for end in ends}))
    return any(all(each.index(h) < each.index(t) for h, t in own) for each in order)


def search(weights: Sequence[float], is_allowed: Callable[[list[int]], bool]) -> list[int]:
    """The best of all sets: first by its total, then by what it keeps, in text order."""
    count = len(weights)
    sets = (list(each) for n in range(count + 1) for each in combinations(range(count), n))

    def value(chosen: list[int]) -> tuple[float, list[bool]]:
        return sum(weights[i] for i in chosen), [i in chosen for i in range(count)]

    return max(filter(is_allowed, sets), key=value)


named = st.one_of(
    st.tuples(
        st.sampled_from(["max_per_head", "max_per_tail", "max_per_entity"]),
        st.fixed_dictionaries({"limit": st.integers(1, 2)}),
    ),
    st.sampled_from([("acyclic", {}), ("no_self", {}), ("inverse_of", {"inverse": "s"})]),
)


@given(edge_lists, weight_lists, st.lists(named, max_size=3))
def test_no_set_of_relations_is_better(
    edges: list[Edge], weights: list[float], declared: list[tuple[str, dict[str, Any]]]
) -> None:
    edges, weights = sorted(edges), weights[: len(edges)]
    expected = search(
        weights,
        lambda chosen: all(
            holds(name, "r", [edges[i] for i in chosen], own.get("limit", 1))
            for name, own in declared
        ),
    )
    relations = make_relations(edges)
    constraints = [make(name, **own) for name, own in declared]
    assert choose_relations(relations, weights, constraints) == [relations[i] for i in expected]


@given(edge_lists, weight_lists, st.integers(1, 3), st.integers(1, 3))
def test_an_assignment_is_the_best_one(
    edges: list[Edge], weights: list[float], per_head: int, per_tail: int
) -> None:
    edges = sorted(edge for edge in edges if edge[2] == "r")
    groups = [
        ([i for i, edge in enumerate(edges) if edge[end] == node], most)
        for end, most in ((0, per_head), (1, per_tail))
        for node in range(5)
    ]
    # Without ties.
    values = [round(8 * weights[i]) * 2 ** len(edges) + 2**i for i in range(len(edges))]
    expected = search(
        values, lambda chosen: all(len({*chosen} & {*of}) <= most for of, most in groups)
    )
    assert sorted(find_assignment(groups, values) or []) == expected


@pytest.mark.parametrize(
    "groups",
    [
        # A triangle, and a relation in three groups.
        [([0, 1], 1), ([1, 2], 1), ([0, 2], 1)],
        [([0, 1], 1), ([0, 2], 1), ([0, 3], 1)],
    ],
)
def test_other_groups_are_no_assignment(groups: list[Any]) -> None:
    assert find_assignment(groups, [1, 2, 4, 8]) is None


def test_many_relations_with_one_head_and_one_tail_each_are_assigned() -> None:
    edges = [(head, tail, "r") for head in range(5) for tail in range(5, 10)]
    weights = numpy.random.default_rng(0).integers(1, 1000, (5, 5)) / 8
    best = max(
        permutations(range(5)), key=lambda tails: sum(weights[i, t] for i, t in enumerate(tails))
    )
    relations = make_relations(edges)
    constraints = [make("max_per_head", limit=1), make("max_per_tail", limit=1)]
    kept = choose_relations(relations, weights.ravel().tolist(), constraints)
    assert [(r.head.start, r.tail.start - 5) for r in kept] == list(enumerate(best))


def total(kept: list[Relation], relations: list[Relation], weights: Sequence[float]) -> float:
    return sum(weights[relations.index(each)] for each in kept)


def choose_greedily(
    relations: list[Relation], weights: Sequence[float], constraints: Sequence[Constraint]
) -> list[Relation]:
    kept: list[Relation] = []
    for i in sorted(range(len(relations)), key=lambda i: (-weights[i], i)):
        more = sorted([*kept, relations[i]], key=relations.index)
        if not any(list(constraint(more)) for constraint in constraints):
            kept = more
    return kept


@settings(max_examples=20)
@given(st.randoms(use_true_random=False), st.integers(4, 6), st.sampled_from([1, 3]))
def test_a_long_search_is_at_least_as_good_as_the_greedy_choice(
    random: Any, count: int, limit: int
) -> None:
    edges = [(head, tail, "r") for head, tail in permutations(range(count), 2)]
    edges = [*edges, *((tail, head, "s") for head, tail, _ in edges)]
    weights = [random.randrange(64) / 8 for _ in edges]
    relations = make_relations(edges)
    constraints = [
        *(make("acyclic", label) for label in "rs"),
        make("max_per_entity", limit=limit),
        make("inverse_of", inverse="s"),
    ]
    kept = choose_relations(relations, weights, constraints)
    assert not any(list(constraint(kept)) for constraint in constraints)
    greedy = choose_greedily(relations, weights, constraints)
    assert total(kept, relations, weights) >= total(greedy, relations, weights)
    assert choose_relations(relations, weights, constraints) == kept


def test_a_long_search_can_be_better_than_the_greedy_choice() -> None:
    # Greedily, the middle one of each three goes first: 3 where 2 + 2 is possible.
    edges = [edge for i in range(0, 20, 4) for edge in ((i, i + 1), (i + 1, i + 2), (i + 2, i + 3))]
    relations = make_relations([(*edge, "r") for edge in edges])
    weights = [2.0, 3.0, 2.0] * 5

    def one_component(of: Sequence[Relation]) -> list[Any]:
        # So that all are searched together.
        return [(range(len(of)), len(of) - 1)] if len(of) == 15 else []

    constraints = [make("max_per_entity", limit=1), one_component]
    kept = choose_relations(relations, weights, constraints)
    assert total(kept, relations, weights) > 15


def test_thousands_of_relations_are_decided() -> None:
    edges = [(head, tail, "r") for head, tail in permutations(range(40), 2)]
    weights = numpy.random.default_rng(0).random(len(edges)).tolist()
    relations = make_relations(edges)
    constraints = [make("max_per_head", limit=1), make("max_per_tail", limit=1)]
    kept = choose_relations(relations, weights, constraints)
    assert len({each.head.start for each in kept}) == len(kept) == 40


def test_relations_without_a_clash_stay_in_order() -> None:
    relations = make_relations([(3, 1, "r"), (0, 1, "s"), (0, 2, "s")])
    assert choose_relations(relations, [0.0, 0.0, 0.0], LIMITS[:1]) == relations


def test_groups_within_their_limits_are_no_clash() -> None:
    relations = make_relations([(0, 1, "r"), (0, 2, "r"), (3, 4, "r")])
    constraints = [lambda of: [([], 0), (range(len(of)), 2)]]
    assert choose_relations(relations, [2.0, 1.0, 3.0], constraints) == [relations[0], relations[2]]


def test_functions_are_asked_about_some_relations() -> None:
    [relation] = relations = make_relations([(0, 1, "r")])

    def none_of_the_first(of: Sequence[Relation]) -> list[Any]:
        return [([0], 0)] if of[0] is relation else []

    assert choose_relations(relations, [1.0], [none_of_the_first]) == []
    assert choose_relations([], [], [none_of_the_first]) == []


# In a task

CLASSES = [("a", ">"), ("b", ">"), ("a", "<")]


def decide(probabilities: list[list[float]], **settings: Any) -> list[tuple[int, int, str, float]]:
    """Relations of three entities, by the probabilities of none, a, b and a from the tail on, of
    the pairs 0-1, 0-2 and 1-2.
    """
    task = RelationTask(classes=CLASSES, **settings)
    doc = make_relations([(0, 2, "a")])[0].head.doc
    rows = numpy.array(probabilities, dtype="float32")
    found = task.decide(task.get_pairs(doc), rows)
    return [(r.head.start, r.tail.start, r.label, round(r.score, 3)) for r in found]


ONE_TAIL = {"one": make("max_per_head", "a", limit=1)}


def test_without_constraints_all_relations_are_kept() -> None:
    rows = [[0.3, 0.4, 0.2, 0.1], [0.1, 0.9, 0, 0], [0.6, 0.4, 0, 0]]
    assert decide(rows) == [(0, 1, "a", 0.4), (0, 2, "a", 0.9)]


def test_a_pair_falls_to_none_and_scores_stay() -> None:
    rows = [[0.1, 0.5, 0.4, 0], [0.1, 0.9, 0, 0], [0, 0, 0, 1]]
    assert decide(rows, constraints=ONE_TAIL) == [(0, 2, "a", 0.9), (2, 1, "a", 1.0)]


def test_an_unlikely_relation_without_a_clash_is_kept() -> None:
    rows = [[0.3, 0.4, 0.3, 0], [0, 0.1, 0.9, 0], [0.26, 0.25, 0.22, 0.27]]
    kept = decide(rows, constraints=ONE_TAIL)
    assert kept == [(0, 1, "a", 0.4), (0, 2, "b", 0.9), (2, 1, "a", 0.27)]


def test_two_unlikely_relations_may_be_worth_more_than_one() -> None:
    # The second clashes with both others, by its head and by its tail.
    constraints = {**ONE_TAIL, "head": make("max_per_tail", "a", limit=1)}
    odds = {"two": [3.0, 8.0, 3.0], "one": [3.0, 10.0, 3.0]}
    rows = {key: [[0.1, 0.1 * each, 0, 0] for each in odds[key]] for key in odds}
    assert [each[:2] for each in decide(rows["two"], constraints=constraints)] == [(0, 1), (1, 2)]
    assert [each[:2] for each in decide(rows["one"], constraints=constraints)] == [(0, 2)]


def test_what_counts_is_none_and_not_the_other_labels() -> None:
    # Without this relation, the first pair has none, which is very unlikely.
    rows = [[0.001, 0.5, 0.499, 0], [0.4, 0.6, 0, 0], [1, 0, 0, 0]]
    assert decide(rows, constraints=ONE_TAIL) == [(0, 1, "a", 0.5)]


@pytest.mark.parametrize(
    ("threshold", "expected"),
    [(None, [(0, 1, "a", 0.8), (1, 2, "b", 0.6)]), (0.7, [(0, 1, "a", 0.8)])],
)
def test_constraints_see_what_would_be_predicted(
    threshold: float | None, expected: list[Any]
) -> None:
    rows = [[0.2, 0.8, 0, 0], [0.35, 0.65, 0, 0], [0.4, 0, 0.6, 0]]
    assert decide(rows, threshold=threshold, constraints=ONE_TAIL) == expected


@pytest.mark.parametrize("threshold", [0.0, 0.1])
def test_scores_below_one_half_are_kept_if_the_threshold_is_lower(threshold: float) -> None:
    rows = [[0, 0.2, 0.3, 0], [0, 0.3, 0.2, 0], [0, 0.0, 0.4, 0.0]]
    kept = decide(rows, exclusive=False, threshold=threshold, constraints=ONE_TAIL)
    assert kept == [(0, 1, "b", 0.3), (0, 2, "a", 0.3), (0, 2, "b", 0.2), (1, 2, "b", 0.4)]


def test_several_relations_of_a_pair_can_contradict_each_other() -> None:
    rows = [[0, 0.8, 0.7, 0], [0, 0.6, 0.9, 0], [0, 0.9, 0, 0.8]]
    constraints = {"inverse": make("inverse_of", "a", inverse="b"), "cycle": make("acyclic", "a")}
    kept = decide(rows, exclusive=False, constraints=constraints)
    assert kept == [(0, 1, "a", 0.8), (0, 2, "b", 0.9), (1, 2, "a", 0.9)]


def test_probabilities_of_one_are_compared_by_those_of_none() -> None:
    ops = NumpyOps()
    logits = numpy.array([[0, 40, 0, 0], [0, 60, 0, 0], [9, 0, 0, 0]], dtype="float32")
    rows = RelationTask(classes=CLASSES).get_probabilities(ops, logits).tolist()
    assert decide(rows, constraints=ONE_TAIL) == [(0, 2, "a", 1.0)]


@pytest.mark.parametrize("temperature", [0.5, 3.0])
def test_the_temperature_changes_scores_alone(temperature: float) -> None:
    rows = [[0.2, 0.8, 0, 0], [0.35, 0.65, 0, 0], [0.4, 0, 0.6, 0]]
    [first, second] = decide(rows, temperature=temperature, constraints=ONE_TAIL)
    assert [first[:3], second[:3]] == [(0, 1, "a"), (1, 2, "b")]
    assert first[3] == pytest.approx(1 / (1 + (0.2 / 0.8) ** (1 / temperature)), abs=1e-3)
