"""Each piece of advice is given where it is true, and nowhere else."""

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from spacy_str_encoder.debug_data.advice import give_advice
from spacy_str_encoder.debug_data.advice.wording import list_counts, percent
from spacy_str_encoder.debug_data.collect import Statistics
from spacy_str_encoder.debug_data.findings import CHECKS, Finding
from spacy_str_encoder.debug_data.reach import Reach
from spacy_str_encoder.debug_data.repeats import Repeats
from spacy_str_encoder.debug_data.settings import make_settings
from spacy_str_encoder.debug_data.split import SplitStatistics
from spacy_str_encoder.pairs.task import RelationTask

Change = Callable[[Statistics], None]
Case = tuple[Change, dict[str, Any], str]

TRIPLE = ("Person", "lives_in", "City")


def make_split(docs: int, relations: int) -> SplitStatistics:
    """A split that is as it should be: a quarter of the pairs have a relation, in either order."""
    reach = Reach(docs, pairs=4 * relations, related=relations, relations=relations)
    half = relations // 2
    split = SplitStatistics(
        docs=docs,
        tokens=20 * docs,
        annotated=4 * docs,
        entity_labels=Counter(Person=2 * docs, City=2 * docs),
        relation_labels=Counter(lives_in=relations),
        relation_classes=Counter({("lives_in", ">"): half, ("lives_in", "<"): half}),
        triples=Counter({TRIPLE: relations}),
        pair_types=Counter({("Person", "City"): 4 * relations}),
        reach=defaultdict(Reach, {"all pairs": reach, "as configured": reach}),
    )
    split.findings["docs_without_relations"].count = docs // 2
    return split


def advise(change: Change, settings: dict[str, Any]) -> list[str]:
    """The advice on data that are as they should be but for a change."""
    known = {"get_spans": lambda docs: [[doc[:]] for doc in docs], **settings}
    splits = {"train": make_split(1000, 800), "dev": make_split(200, 160)}
    statistics = Statistics(splits, {}, replace(make_settings("en"), **known))
    change(statistics)
    return give_advice(statistics)


def nothing(statistics: Statistics) -> None:
    """Change nothing."""


def both(*changes: Change) -> Change:
    def change(statistics: Statistics) -> None:
        for each in changes:
            each(statistics)

    return change


def shrink(relations: int) -> Change:
    """Let the training data have few relations."""

    def change(statistics: Statistics) -> None:
        statistics.splits["train"] = make_split(1000, relations)

    return change


def find(name: str, count: int) -> Change:
    """Find something in the training data."""

    def change(statistics: Statistics) -> None:
        statistics.train.findings[name].count = count

    return change


def read_pieces(pieces: int, unknown: int) -> Change:
    """Let the encoder read pieces of the training data."""

    def change(statistics: Statistics) -> None:
        statistics.train.pieces, statistics.train.unknown_pieces = pieces, unknown

    return change


def repeat(split: str, other: str, docs: int, otherwise: int = 0) -> Change:
    """Let texts occur again."""

    def change(statistics: Statistics) -> None:
        examples = ["doc 1 of dev, doc 2 of train: 'a'"]
        statistics.repeats[split, other] = Repeats(
            Finding(docs, examples), Finding(otherwise, examples[:otherwise])
        )

    return change


def lose(reason: str, **counts: int) -> Change:
    """Let docs be unable to hold something."""

    def change(statistics: Statistics) -> None:
        for split, count in counts.items():
            statistics.splits[split].lost[reason] = Finding(count, ["line 1: 'a'"])

    return change


def add_attributes(
    split: str, counts: dict[str, int], without: int = 0, unknown: int = 0, *, name: str = "Mood"
) -> Change:
    """Let people have an attribute, by value."""

    def change(statistics: Statistics) -> None:
        of_split = statistics.splits[split]
        for value, count in counts.items():
            of_split.attributes["Person", name, value] += count
        of_split.without_attributes["Person"] += without
        of_split.unannotated_attributes["Person"] += unknown
        # Other types may well have none.
        of_split.without_attributes["City"] += 100

    return change


MOODS = add_attributes("train", {"sad": 100, "glad": 100})


def add_label(split: str, count: int, *, counts: str = "relation_labels") -> Change:
    """Let a split have another label."""

    def change(statistics: Statistics) -> None:
        getattr(statistics.splits[split], counts)["Other"] += count

    return change


def take_relations(split: str, count: int) -> Change:
    """Let a split have few relations."""

    def change(statistics: Statistics) -> None:
        statistics.splits[split].relation_labels["lives_in"] = count

    return change


def share_pairs(labels: tuple[str, ...], count: int) -> Change:
    """Let pairs of the training data have several relations, which are counted already."""

    def change(statistics: Statistics) -> None:
        statistics.train.shared_pairs[labels] = count
        further = statistics.train.findings["further_relations_of_pairs"]
        further.count = count * (len(labels) - 1)

    return change


def balance(related: int, unrelated: int) -> Change:
    """Let so many pairs of the training data have a relation, and so many none."""

    def change(statistics: Statistics) -> None:
        train = statistics.train
        reach = Reach(train.docs, related + unrelated, related, train.relations)
        train.reach["all pairs"] = train.reach["as configured"] = reach
        train.pair_types = Counter({("Person", "City"): related + unrelated})

    return change


def reach(name: str, *, relations: int, pairs: int, docs: int = 1000) -> Change:
    """Let candidates reach relations of the 800, by pairs of the 3,200."""

    def change(statistics: Statistics) -> None:
        statistics.train.reach[name] = Reach(docs, pairs, relations, relations)

    return change


def type_pairs(related: int, unrelated: int, new: int = 0) -> Change:
    """Let so many pairs of the training data be of types that are related, or never are, and
    relations of dev between types that the label has not in training.
    """

    def change(statistics: Statistics) -> None:
        types = {("Person", "City"): related, ("Person", "Person"): unrelated}
        statistics.train.pair_types = Counter(types)
        statistics.splits["dev"].triples["City", "lives_in", "City"] = new

    return change


def drop(split: str, name: str) -> Change:
    """Take counts away."""

    def change(statistics: Statistics) -> None:
        getattr(statistics.splits[split], name).clear()

    return change


def set_size(split: str, docs: int) -> Change:
    def change(statistics: Statistics) -> None:
        statistics.splits[split].docs = docs

    return change


def set_tokens(split: str, tokens: int) -> Change:
    def change(statistics: Statistics) -> None:
        statistics.splits[split].tokens = tokens

    return change


def turn_all(split: str) -> Change:
    """Let all heads come first in the text."""

    def change(statistics: Statistics) -> None:
        classes = statistics.splits[split].relation_classes
        classes["lives_in", ">"] += classes.pop(("lives_in", "<"))

    return change


MISALIGNED = "entities that do not align with tokens"
FAR = {"negative_rate": 0.1}

GIVEN: dict[str, Case] = {
    "no entities": (drop("dev", "entity_labels"), {}, "dev has no entities in doc.ents"),
    "no spans": (
        drop("dev", "entity_labels"),
        {"task": RelationTask(spans_key="sc")},
        "dev has no entities in the span group 'sc'. Convert the data with --spans-key sc, or "
        "change spans_key of str_ner.",
    ),
    "no relations": (
        drop("dev", "relation_labels"),
        {},
        "dev has no relations. Set doc._.relations, and save the DocBin with store_user_data=True.",
    ),
    "no texts": (
        set_tokens("dev", 0),
        {},
        "dev has no texts, so nothing can be learned or scored. Choose another file.",
    ),
    "leak": (
        repeat("dev", "train", 17),
        {},
        "17 of 200 texts of dev (8.5 %) are in train. Scores will be too high.",
    ),
    "contradiction": (
        repeat("train", "train", 5, 1),
        {},
        "different annotations: 1 in train, such as doc 1 of dev, doc 2 of train: 'a'.",
    ),
    "loss": (
        lose(MISALIGNED, train=7, dev=2),
        {},
        f"Left out: {MISALIGNED} (7 in train, 2 in dev). Use a tokenizer that splits there",
    ),
    "loss of any format": (lose("events", dev=2), {}, "Left out: events (2 in dev)."),
    "rare entities": (
        add_label("train", 19, counts="entity_labels"),
        {},
        "fewer than 20 examples in train are hard to learn: entities Other (19).",
    ),
    "rare relations": (add_label("train", 1), {}, "hard to learn: relations Other (1)."),
    "new entities": (
        add_label("dev", 3, counts="entity_labels"),
        {},
        "dev has labels that train lacks: entities Other (3).",
    ),
    "new relations": (add_label("dev", 2), {}, "that train lacks: relations Other (2)."),
    "rare value": (
        both(MOODS, add_attributes("train", {"calm": 19})),
        {},
        "hard to learn: attributes Mood=calm (19).",
    ),
    "new value": (
        both(MOODS, add_attributes("dev", {"calm": 3})),
        {},
        "dev has labels that train lacks: attributes Mood=calm (3).",
    ),
    "single value": (
        add_attributes("train", {"sad": 100}),
        {},
        "Attributes with a single value in train: Mood. To learn which entities lack it, set the "
        'value of those in defaults of str_attr, such as {"Mood": "false"}.',
    ),
    "single value that is the default": (
        add_attributes("train", {"sad": 100}),
        {"defaults": {"Mood": "sad"}},
        "Attributes with a single value in train: Mood.",
    ),
    "attributes that nothing learns": (
        MOODS,
        {"predicts_attributes": False},
        "train has attributes of entities (Mood (200)), but the pipeline has no str_attr to learn "
        "them.",
    ),
    "default of an unknown attribute": (
        MOODS,
        {"defaults": {"Mod": "calm"}},
        "No entity of train has the attribute 'Mod', named in defaults of str_attr. The attributes "
        "are: Mood.",
    ),
    "default of an attribute in data without any": (
        nothing,
        {"defaults": {"Mood": "calm"}},
        "No entity of train has the attribute 'Mood', named in defaults of str_attr. The "
        "attributes are: none.",
    ),
    "without attributes, one of which has no default": (
        both(MOODS, add_attributes("train", {"big": 20, "small": 20}, name="Size", without=40)),
        {"defaults": {"Mood": "calm"}},
        "train has 40 entities without attributes",
    ),
    "without attributes": (
        both(MOODS, add_attributes("train", {}, without=40)),
        {},
        "train has 40 entities without attributes, although others of the same types have some.",
    ),
    "unannotated attributes": (
        both(MOODS, add_attributes("train", {}, unknown=50)),
        {},
        "train has 50 entities with unannotated attributes",
    ),
    "new direction": (
        turn_all("train"),
        {},
        "dev has relations in an order of head and tail that train lacks: lives_in with the "
        "tail first (80).",
    ),
    "new triples": (
        type_pairs(3200, 0, new=4),
        {"observes_schema": True},
        "4 of 160 relations of dev (2.5 %) are between types that are not related by this label in "
        "train.",
    ),
    "small train": (set_size("train", 99), {}, "train has 99 docs"),
    "small dev": (take_relations("dev", 40), {}, "dev has 40 relations: each is 2.5 %"),
    "no doc without relations": (
        find("docs_without_relations", 0),
        {},
        "All annotated docs in train have relations.",
    ),
    "both ways": (
        share_pairs(("lives_in", "lives_in"), 200),
        {},
        "Pairs with the relation lives_in in train often have it in both directions (200 of 600).",
    ),
    "several relations": (
        share_pairs(("lives_in", "works_in"), 9),
        {},
        "9 of 800 relations of train (1.1 %) are not learned, since a pair has at most one "
        "relation. Labels on the same pair: lives_in + works_in (9).",
    ),
    "no negatives": (balance(800, 0), {}, "All candidate pairs in train have a relation"),
    "many negatives": (
        balance(800, 19200),
        {},
        "Only 4.0 % of the candidate pairs in train have a relation. With negative_rate = 1, "
        "str_rel learns from 24 pairs without a relation per pair with one; with 0.21, from 5.",
    ),
    "many negatives of those that are left": (
        balance(800, 90000),
        {"negative_rate": 0.1},
        "With negative_rate = 0.1, str_rel learns from 11 pairs without a relation per pair with "
        "one; with 0.044, from 5.",
    ),
    "few negatives": (
        balance(800, 7200),
        {"negative_rate": 0.05},
        "With negative_rate = 0.05, str_rel learns from only 0.5 pairs without a relation per pair "
        "with one, and will predict too many relations. Set "
        "components.str_rel.negative_rate = 0.56.",
    ),
    "no negative is left": (balance(800, 800), {"negative_rate": 0.0}, "_rel.negative_rate = 1."),
    "near pairs": (
        reach("max_distance 20", relations=792, pairs=2400),
        {},
        "Use spacy-str-encoder.max_distance.v1 (tokens = 20) as candidates of str_rel: this covers "
        "99.0 % of the relations of train with 75.0 % of the pairs.",
    ),
    "pairs of a sentence": (
        reach("same sentence", relations=800, pairs=100),
        {},
        "Use spacy-str-encoder.same_sentence.v1 (and a component that sets sentences)",
    ),
    "schema": (
        type_pairs(2400, 800, new=1),
        {},
        "Only 75.0 % of the candidate pairs in train have types that are ever related there.",
    ),
    "pieces": (
        read_pieces(60001, 0),
        {},
        "The encoder reads 3.0 pieces per token of train; 1 to 2 are usual.",
    ),
    "unknown pieces": (
        read_pieces(20000, 401),
        {},
        "The encoder does not know 401 of 20,000 pieces of train (2.0 %)",
    ),
    "no tokenizer": (
        nothing,
        {"tokenizer_error": "Can't find the encoder."},
        "The pieces of the encoder were not counted: Can't find the encoder.",
    ),
    "no config": (
        nothing,
        {"get_spans": None},
        "Add --config to check the windows and candidate pairs",
    ),
    **{
        name: (find(name, 4), {}, f"4 of {whole} in train (0.{share} %)")
        for name, whole, share in [
            ("docs_with_unannotated_entities", "1,000", 4),
            ("docs_without_the_span_group", "1,000", 4),
            ("docs_with_unannotated_relations", "1,000", 4),
            ("misaligned_entities", "4,000", 1),
            ("entities_of_other_tokens", "4,000", 1),
            ("entities_across_windows", "4,000", 1),
            ("overlapping_entities_not_learned", "4,000", 1),
            ("entities_only_in_the_span_group", "4,000", 1),
            ("entities_with_outer_space", "4,000", 1),
            ("entities_of_punctuation", "4,000", 1),
            ("relations_across_windows", "800", 5),
            ("relations_not_proposed", "800", 5),
            ("relations_of_an_entity_with_itself", "800", 5),
            ("relations_of_other_spans", "800", 5),
        ]
    },
}

# Just on the other side of what is said above, or where it is of no use.
WITHHELD: dict[str, tuple[Change, dict[str, Any]]] = {
    "nothing to say": (nothing, {}),
    "a text twice in train": (repeat("train", "train", 5), {}),
    "enough examples": (add_label("train", 20), {}),
    "few examples in dev": (both(add_label("train", 20), add_label("dev", 1)), {}),
    "a direction that dev lacks": (turn_all("dev"), {}),
    "types that dev alone has, without a schema": (type_pairs(3200, 0, new=4), {}),
    "enough docs": (set_size("train", 100), {}),
    "enough relations": (take_relations("dev", 100), {}),
    "few pairs both ways": (share_pairs(("lives_in", "lives_in"), 133), {}),
    "few pairs with several relations": (share_pairs(("lives_in", "works_in"), 8), {}),
    "several relations are allowed": (
        share_pairs(("lives_in", "works_in"), 80),
        {"task": RelationTask(exclusive=False)},
    ),
    "ten negatives": (balance(800, 8000), {}),
    "one negative in two": (balance(800, 400), {}),
    "few pairs without a relation, all used": (balance(800, 100), {}),
    "candidates that miss too much": (reach("max_distance 20", relations=791, pairs=100), {}),
    "candidates that spare little": (reach("max_distance 20", relations=800, pairs=2401), {}),
    "sentences that few docs have": (
        reach("same sentence", relations=800, pairs=100, docs=999),
        {},
    ),
    "candidates that were chosen": (
        both(
            reach("as configured", relations=800, pairs=3000),
            reach("max_distance 20", relations=800, pairs=100),
        ),
        {},
    ),
    "candidates by few relations": (
        both(shrink(99), reach("max_distance 20", relations=99, pairs=100)),
        {},
    ),
    "a schema by few relations": (both(shrink(99), type_pairs(99, 400)), {}),
    "a schema that spares little": (type_pairs(2401, 799), {}),
    "a schema that loses much": (type_pairs(2400, 800, new=2), {}),
    "a schema that is chosen": (type_pairs(2400, 800), {"observes_schema": True}),
    "a single value beside the default": (
        add_attributes("train", {"sad": 100}),
        {"defaults": {"Mood": "calm"}},
    ),
    "no attributes, which stand for the default": (
        both(MOODS, add_attributes("train", {}, without=40)),
        {"defaults": {"Mood": "calm"}},
    ),
    "a default that is rarely annotated": (
        both(MOODS, add_attributes("train", {"calm": 1})),
        {"defaults": {"Mood": "calm"}},
    ),
    "a default that is annotated in dev alone": (
        both(MOODS, add_attributes("dev", {"calm": 1})),
        {"defaults": {"Mood": "calm"}},
    ),
    "a pipeline without attributes, as the data": (nothing, {"predicts_attributes": False}),
    "pieces of the language": (read_pieces(60000, 400), {}),
    "what is seldom and harmless": (find("empty_docs", 1), {}),
    "overlaps that a span group holds": (
        both(find("overlapping_entities", 400), find("entities_inside_another", 200)),
        {"task": RelationTask(spans_key="sc")},
    ),
}


@pytest.mark.parametrize(("change", "settings", "text"), GIVEN.values(), ids=GIVEN.keys())
def test_what_is_amiss_is_said_and_nothing_else(
    change: Change, settings: dict[str, Any], text: str
) -> None:
    [advice] = advise(change, settings)
    assert text in advice


@pytest.mark.parametrize(("change", "settings"), WITHHELD.values(), ids=WITHHELD.keys())
def test_nothing_is_said_of_what_is_right(change: Change, settings: dict[str, Any]) -> None:
    assert advise(change, settings) == []


def test_each_finding_leads_to_advice_or_is_harmless() -> None:
    harmless = {"empty_docs", "docs_without_entities", "docs_without_relations"}
    # Harmless in a span group.
    harmless |= {"overlapping_entities", "overlapping_entities_of_the_same_label"}
    harmless |= {"entities_inside_another", "entities_around_another"}
    harmless |= {"entities_that_cross_another", "entities_at_the_place_of_another"}
    harmless.add("relations_of_overlapping_entities")
    # Said of the entities already, or once for all pairs.
    elsewhere = {"misaligned_relations", "relations_of_entities_only_in_the_span_group"}
    elsewhere.add("further_relations_of_pairs")
    assert {check.name for check in CHECKS} - GIVEN.keys() == harmless | elsewhere


def test_the_setting_for_overlapping_entities_is_named() -> None:
    [advice] = advise(find("entities_only_in_the_span_group", 4), {})
    assert advice.endswith("train with --components.str_ner.spans_key sc.")


def test_the_candidates_with_the_fewest_pairs_are_proposed() -> None:
    def change(statistics: Statistics) -> None:
        reach("max_distance 20", relations=792, pairs=1600)(statistics)
        reach("max_distance 10", relations=800, pairs=1700)(statistics)

    [advice] = advise(change, {})
    assert "(tokens = 20) as candidates" in advice
    assert "99.0 % of the relations of train with 50.0 %" in advice


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (0, 5, "0.0 %"),
        (5, 5, "100.0 %"),
        (1, 3, "33.3 %"),
        (1, 2000, "under 0.1 %"),
        (1999, 2000, "over 99.9 %"),
        (0, 0, "0.0 %"),
    ],
)
def test_what_is_not_all_or_nothing_does_not_look_like_it(part: int, whole: int, text: str) -> None:
    assert percent(part, whole) == text


def test_long_lists_are_cut_and_say_so() -> None:
    counts = {f"label{i}": i for i in range(10)}
    assert list_counts(counts).startswith("label9 (9), label8 (8)")
    assert list_counts(counts).endswith("label2 (2) and 2 more")
    assert list_counts({"b": 1, "a": 1, "c": 1234}) == "c (1,234), a (1), b (1)"
