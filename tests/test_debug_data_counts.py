"""What is counted before training, against counts written anew."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc, DocBin, Span

from spacy_str_encoder import Relation
from spacy_str_encoder.debug_data.aligned import align_doc
from spacy_str_encoder.debug_data.collect import Statistics, collect_statistics
from spacy_str_encoder.debug_data.findings import CHECKS, EXAMPLES
from spacy_str_encoder.debug_data.settings import PipelineSettings, make_settings
from spacy_str_encoder.debug_data.split import SplitStatistics, count_doc
from spacy_str_encoder.formats.registry import read_docs
from spacy_str_encoder.formats.report import ConversionReport
from spacy_str_encoder.modules.crf import read_entities
from spacy_str_encoder.modules.nested_crf import NestedCRF
from spacy_str_encoder.pairs.candidates import make_max_distance

# First token, the one after the last, and label; a relation by its head, tail and label.
Mention = tuple[int, int, str]
Arc = tuple[Mention, Mention, str]

NLP = spacy.blank("en")
KEY = "sc"
GROUP = make_settings(spans_key=KEY)
FLAT = make_settings()
SIZE = 7
PLACES = list(combinations(range(SIZE + 1), 2))


@dataclass(frozen=True)
class Text:
    """What is annotated in a text of `SIZE` words."""

    mentions: list[Mention]
    arcs: list[Arc] | None

    def to_doc(self) -> Doc:
        return make_doc(self.mentions, self.arcs)


def with_task(settings: PipelineSettings, **task: Any) -> PipelineSettings:
    return replace(settings, task=replace(settings.task, **task))


def list_arcs(annotated: Iterable[Text]) -> list[Arc]:
    """The relations, those that are written twice once."""
    return [arc for text in annotated for arc in set(text.arcs or [])]


def list_pairs(annotated: Iterable[Text]) -> list[tuple[Mention, Mention, set[Arc]]]:
    """All pairs of entities, and their relations, where relations are annotated."""
    return [
        (one, other, {arc for arc in text.arcs if {*arc[:2]} == {one, other}})
        for text in annotated
        if text.arcs is not None
        for one, other in combinations(text.mentions, 2)
    ]


@st.composite
def texts(draw: st.DrawFn) -> Text:
    """Entities that may overlap, and relations, also of an entity with itself."""
    mention = st.tuples(st.sampled_from(PLACES), st.sampled_from("AB"))
    mentions = [(*place, label) for place, label in draw(st.sets(mention, max_size=6))]
    if not mentions:
        return Text([], draw(st.sampled_from([[], None])))
    ends = st.sampled_from(mentions)
    arcs = st.lists(st.tuples(ends, ends, st.sampled_from("XY")), max_size=8)
    return Text(mentions, draw(st.none() | arcs))


def make_doc(
    mentions: Iterable[Mention] | None,
    arcs: Iterable[Arc] | None = (),
    *,
    text: str = "a b c d e f g",
    key: str | None = KEY,
) -> Doc:
    """A doc whose entities are in a span group, or in `doc.ents` if there is no key."""
    doc = NLP.make_doc(text)
    if mentions is not None:
        spans = [Span(doc, *mention) for mention in mentions]
        doc.set_ents(spans) if key is None else doc.spans.update({key: spans})
    if arcs is not None:
        doc._.relations = [
            Relation(Span(doc, *head), Span(doc, *tail), label) for head, tail, label in arcs
        ]
    return doc


def count(docs: Iterable[Doc], settings: PipelineSettings = GROUP) -> SplitStatistics:
    split = SplitStatistics()
    for number, doc in enumerate(docs, start=1):
        count_doc(split, align_doc(doc, settings, number=number), settings)
    return split


def found(split: SplitStatistics) -> dict[str, int]:
    return {name: finding.count for name, finding in split.findings.items() if finding.count}


def examples(split: SplitStatistics, name: str) -> list[str]:
    return split.findings[name].examples


def tokens_between(one: Mention, other: Mention) -> int:
    """Tokens after the one that ends first and before the one that begins last."""
    first_end, last_start = min(one[1], other[1]), max(one[0], other[0])
    return sum(first_end <= token < last_start for token in range(SIZE))


def collect(folder: Path, settings: PipelineSettings = FLAT, **splits: Sequence[Doc]) -> Statistics:
    """Write docs to files, and count them."""
    paths = {name: folder / f"{name}.spacy" for name in splits}
    for name, docs in splits.items():
        DocBin(docs=docs, store_user_data=True).to_disk(paths[name])
    return collect_statistics(paths, settings)


# Counts


@given(st.lists(texts(), max_size=3))
def test_labels_and_triples_are_counted(annotated: list[Text]) -> None:
    split = count(map(Text.to_doc, annotated))
    arcs = list_arcs(annotated)
    assert (split.docs, split.tokens) == (len(annotated), SIZE * len(annotated))
    assert (split.entities, split.relations) == (sum(len(t.mentions) for t in annotated), len(arcs))
    assert split.entity_labels == Counter(m[2] for text in annotated for m in text.mentions)
    assert split.relation_labels == Counter(label for _, _, label in arcs)
    assert split.triples == Counter((head[2], label, tail[2]) for head, tail, label in arcs)
    assert split.relation_classes == Counter(
        (label, ">" if head <= tail else "<") for head, tail, label in arcs
    )


def test_attributes_are_counted_by_type() -> None:
    doc = make_doc([(0, 1, "A"), (1, 2, "A"), (1, 2, "B"), (3, 4, "A"), (4, 5, "B")])
    values = [{"Mood": "sad"}, {"Mood": "sad", "Time": "past"}, {"Mood": "glad"}, {}, None]
    for span, attributes in zip(doc.spans[KEY], values, strict=True):
        span._.attributes = attributes
    split = count([doc])
    assert split.attributes == {
        ("A", "Mood", "sad"): 2,
        ("A", "Time", "past"): 1,
        ("B", "Mood", "glad"): 1,
    }
    assert split.attribute_labels == {"Mood=sad": 2, "Mood=glad": 1, "Time=past": 1}
    assert (split.without_attributes, split.unannotated_attributes) == ({"A": 1}, {"B": 1})


@given(st.lists(texts(), max_size=3))
def test_pairs_and_distances_are_counted(annotated: list[Text]) -> None:
    split = count(map(Text.to_doc, annotated))
    pairs = list_pairs(annotated)
    labels = [sorted(arc[2] for arc in arcs) for _, _, arcs in pairs]
    in_order = [sorted(pair[:2]) for pair in pairs]
    assert split.pair_types == Counter((first[2], second[2]) for first, second in in_order)
    assert split.distances == Counter(tokens_between(a, b) for a, b, arcs in pairs for _ in arcs)
    assert split.shared_pairs == Counter(tuple(names) for names in labels if len(names) > 1)
    for label in "XY":
        assert split.count_mutual(label) == sum(names.count(label) == 2 for names in labels)


@given(st.lists(texts(), max_size=3), st.sampled_from([(), ("X",)]))
def test_an_observed_schema_asks_about_types_in_the_orders_of_a_label(
    annotated: list[Text], symmetric: tuple[str, ...]
) -> None:
    arcs = list_arcs(annotated)
    head_first = {label for head, tail, label in arcs if head <= tail} | {*symmetric}
    tail_first = {label for head, tail, label in arcs if head > tail} | {*symmetric}
    types = {(head[2], tail[2]) for head, tail, label in arcs if label in head_first}
    types |= {(tail[2], head[2]) for head, tail, label in arcs if label in tail_first}
    asked = [sorted(pair[:2]) for pair in list_pairs(annotated)]
    settings = replace(with_task(GROUP, symmetric=symmetric), observes_schema=True)
    train = count(map(Text.to_doc, annotated), settings)
    balance = Statistics({"train": train}, {}, settings).balance
    left = sum((first[2], second[2]) in types for first, second in asked)
    assert balance.related + balance.unrelated == left


@given(st.lists(texts(), max_size=3), st.integers(0, SIZE))
def test_the_reach_of_candidates_is_counted(annotated: list[Text], limit: int) -> None:
    settings = with_task(GROUP, candidates=make_max_distance(tokens=limit))
    split = count(map(Text.to_doc, annotated), settings)
    limits = {"all pairs": SIZE, "max_distance 5": 5, "max_distance 50": 50, "as configured": limit}
    for name, most in limits.items():
        near = [arcs for a, b, arcs in list_pairs(annotated) if tokens_between(a, b) <= most]
        reach = split.reach[name]
        assert reach.docs == sum(t.arcs is not None and len(t.mentions) > 1 for t in annotated)
        assert reach.pairs == len(near)
        assert reach.related == sum(bool(arcs) for arcs in near)
        assert reach.relations == sum(map(len, near))


def count_overlaps(annotated: Iterable[Text]) -> dict[str, int]:
    """The entities that overlap another one, by what their tokens have in common."""
    counts: Counter[str] = Counter()
    for text in annotated:
        tokens = {mention: {*range(*mention[:2])} for mention in text.mentions}
        overlapping = set()
        for mention, own in tokens.items():
            others = [each for each in tokens if each != mention and own & tokens[each]]
            kinds = {
                "overlapping_entities": others,
                "entities_inside_another": [e for e in others if own < tokens[e]],
                "entities_around_another": [e for e in others if own > tokens[e]],
                "entities_that_cross_another": [
                    e for e in others if own - tokens[e] and tokens[e] - own
                ],
                "entities_at_the_place_of_another": [e for e in others if own == tokens[e]],
                "overlapping_entities_of_the_same_label": [e for e in others if e[2] == mention[2]],
            }
            counts.update(name for name, found in kinds.items() if found)
            overlapping |= {mention} if others else set()
        counts["overlapping_entities_not_learned"] += len(text.mentions) - len(
            write_tags(text.mentions)
        )
        counts["relations_of_overlapping_entities"] += sum(
            not overlapping.isdisjoint(arc[:2]) for arc in list_arcs([text])
        )
    return dict(counts)


def write_tags(mentions: Iterable[Mention]) -> set[Mention]:
    """The entities that the tags of training hold: one sequence for each label."""
    crf = NestedCRF(["A", "B"])
    rows = [(start, end, crf.labels.index(label)) for start, end, label in mentions]
    tags = crf.write_entities(rows, SIZE)
    found = read_entities(tags.T).tolist()
    return {(start, end, crf.labels[row]) for row, start, end, _ in found}


@given(st.lists(texts(), max_size=3), st.integers(0, SIZE))
def test_odd_annotation_is_counted(annotated: list[Text], limit: int) -> None:
    settings = with_task(GROUP, candidates=make_max_distance(tokens=limit))
    split = count(map(Text.to_doc, annotated), settings)
    pairs = list_pairs(annotated)
    expected = {
        "docs_with_unannotated_relations": sum(text.arcs is None for text in annotated),
        "docs_without_entities": sum(not text.mentions for text in annotated),
        "docs_without_relations": sum(text.arcs == [] for text in annotated),
        "further_relations_of_pairs": sum(max(0, len(arcs) - 1) for _, _, arcs in pairs),
        "relations_of_an_entity_with_itself": sum(h == t for h, t, _ in list_arcs(annotated)),
        "relations_not_proposed": sum(
            len(arcs) for a, b, arcs in pairs if tokens_between(a, b) > limit
        ),
        **count_overlaps(annotated),
    }
    assert found(split) == {name: number for name, number in expected.items() if number}


windows = st.lists(st.sampled_from(PLACES), min_size=1, max_size=4)


@given(texts(), windows)
def test_what_no_window_holds_whole_is_found(text: Text, places: list[tuple[int, int]]) -> None:
    settings = replace(
        GROUP, get_spans=lambda docs: [[doc[i:j] for i, j in places] for doc in docs]
    )
    held = [set(range(*place)) for place in places]

    def is_held(*mentions: Mention) -> bool:
        tokens = {token for start, end, _ in mentions for token in range(start, end)}
        return any(tokens <= window for window in held)

    split = count([text.to_doc()], settings)
    apart = [arc for arc in list_arcs([text]) if arc[0] != arc[1]]
    lost = sum(not is_held(head, tail) for head, tail, _ in apart)
    assert split.findings["entities_across_windows"].count == sum(
        not is_held(mention) for mention in text.mentions
    )
    assert split.findings["relations_across_windows"].count == lost


def test_without_an_encoder_nothing_is_said_of_windows() -> None:
    split = count([make_doc([(0, 1, "A"), (6, 7, "A")], [((0, 1, "A"), (6, 7, "A"), "X")])])
    assert found(split) == {}


# Tokens and sentences of the pipeline

BORDERS = [(0, 2, "A"), (2, 3, "B"), (3, 4, "C")]
ARCS = [
    (BORDERS[0], BORDERS[2], "X"),
    (BORDERS[1], BORDERS[1], "Z"),
    (BORDERS[1], BORDERS[2], "Y"),
]


def make_cut_doc() -> Doc:
    """A doc with tokens that no tokenizer of English makes."""
    doc = Doc(NLP.vocab, words=["New", "York", "ers", "live"], spaces=[True, False, True, False])
    doc.set_ents([Span(doc, *mention) for mention in BORDERS])
    doc._.relations = [Relation(Span(doc, *h), Span(doc, *t), label) for h, t, label in ARCS]
    return doc


def test_entities_that_end_inside_of_a_token_of_the_pipeline_are_found() -> None:
    split = count([make_cut_doc()], make_settings("en"))
    assert found(split) == {
        "misaligned_entities": 2,
        "misaligned_relations": 2,
        "relations_of_an_entity_with_itself": 1,
    }
    assert examples(split, "misaligned_entities") == [
        "doc 1: 'New York' (A, 0-8)",
        "doc 1: 'ers' (B, 8-11)",
    ]
    assert examples(split, "misaligned_relations") == [
        "doc 1: 'New York' X 'live'",
        "doc 1: 'ers' Y 'live'",
    ]
    assert (split.tokens, split.entities, split.relations) == (3, 3, 3)
    assert (split.pair_types, split.distances) == (Counter(), Counter())


def test_entities_that_the_pipeline_cuts_otherwise_are_found() -> None:
    words = ["Kosovo", "and", "Boise.", "or", "U.S.", "-"]
    doc = Doc(NLP.vocab, words=words, spaces=[True] * 5 + [False])
    ents = [Span(doc, 0, 1, "A"), Span(doc, 2, 3, "B"), Span(doc, 2, 4, "C"), Span(doc, 4, 5, "D")]
    doc.spans["sc"] = ents
    doc._.relations = []
    split = count([doc], make_settings("en", spans_key="sc"))
    assert examples(split, "entities_of_other_tokens") == [
        "doc 1: 'Boise.' (B, 11-17)",
        "doc 1: 'Boise. or' (C, 11-20)",
    ]


def test_the_tokens_of_the_data_are_those_of_the_pipeline_if_it_is_not_known() -> None:
    split = count([make_cut_doc()], FLAT)
    assert found(split) == {"relations_of_an_entity_with_itself": 1}
    assert split.tokens == 4


def test_a_doc_that_was_made_of_words_keeps_them_as_in_training() -> None:
    doc = Doc(NLP.vocab, words=["New-York", "don't"])
    doc.set_ents([Span(doc, 0, 1, "A")])
    doc._.relations = []
    split = count([doc], make_settings("en"))
    assert split.tokens == 2
    assert found(split) == {"docs_without_relations": 1}


@pytest.mark.parametrize("settings", [FLAT, make_settings("en")], ids=["as it is", "tokenized"])
def test_candidates_in_the_same_sentence_are_tried_if_sentences_are_known(
    settings: PipelineSettings,
) -> None:
    mentions = [(0, 1, "A"), (1, 2, "A"), (3, 4, "A")]
    arcs = [(mentions[0], mentions[1], "X"), (mentions[1], mentions[2], "X")]
    doc = make_doc(mentions, arcs, text="a b . c .", key=None)
    assert "same sentence" not in count([doc], settings).reach
    doc[3].is_sent_start = True
    reach = count([doc], settings).reach["same sentence"]
    assert (reach.docs, reach.pairs, reach.related, reach.relations) == (1, 1, 1, 1)


def test_sentences_that_the_pipeline_finds_are_those_that_count() -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    doc = make_doc([(0, 1, "A"), (3, 4, "A")], [], text="a b . c .", key=None)
    for token in doc:
        token.is_sent_start = token.i == 0
    split = count([doc], replace(make_settings("en"), nlp=nlp))
    assert split.reach["same sentence"].pairs == 0
    assert count([doc], make_settings("en")).reach["same sentence"].pairs == 1


# Findings by hand


def test_what_nobody_annotated_is_not_taken_for_none() -> None:
    docs = [make_doc(None, None, key=None), make_doc([], [], key=None)]
    assert found(count(docs, FLAT)) == {
        "docs_with_unannotated_entities": 1,
        "docs_with_unannotated_relations": 1,
        "docs_without_entities": 1,
        "docs_without_relations": 1,
    }
    assert found(count(docs, GROUP)) == {
        "docs_with_unannotated_entities": 1,
        "docs_with_unannotated_relations": 1,
        "docs_without_entities": 1,
        "docs_without_relations": 1,
    }


@pytest.mark.parametrize("text", ["", " ", "\n\t\u3000"])
def test_docs_without_text_are_found(text: str) -> None:
    split = count([make_doc([], [], text=text), make_doc([], [])])
    assert split.findings["empty_docs"].count == 1
    assert examples(split, "empty_docs") == [f"doc 1: {text!r}"]


def test_entities_with_white_space_around_or_of_punctuation_are_found() -> None:
    doc = make_doc([(1, 3, "A"), (3, 4, "B"), (4, 5, "C")], [], text="a  b ... %c ", key=None)
    assert [token.text for token in doc] == ["a", " ", "b", "...", "%", "c"]
    split = count([doc], FLAT)
    assert examples(split, "entities_with_outer_space") == ["doc 1: ' b' (A, 2-4)"]
    assert examples(split, "entities_of_punctuation") == [
        "doc 1: '...' (B, 5-8)",
        "doc 1: '%' (C, 9-10)",
    ]


def test_relations_of_spans_that_are_no_entities_are_found() -> None:
    first, second, other = (0, 1, "A"), (2, 3, "A"), (4, 5, "A")
    split = count([make_doc([first, second], [(first, other, "X"), (first, second, "X")])])
    assert found(split) == {"relations_of_other_spans": 1}
    assert split.reach["all pairs"].relations == 1


def test_in_doc_ents_an_entity_is_recognized_by_its_place_as_in_training() -> None:
    arcs = [((0, 1, "B"), (2, 3, "A"), "X")]
    mentions = [(0, 1, "A"), (2, 3, "A")]
    assert found(count([make_doc(mentions, arcs, key=None)], FLAT)) == {}
    assert found(count([make_doc(mentions, arcs)], GROUP)) == {"relations_of_other_spans": 1}


def test_a_few_examples_are_kept_and_long_texts_are_cut() -> None:
    docs = [make_doc([], None, text="左主干" * 20) for _ in range(EXAMPLES + 2)]
    finding = count(docs).findings["docs_with_unannotated_relations"]
    assert finding.count == EXAMPLES + 2
    assert len(finding.examples) == EXAMPLES
    assert finding.examples[0] == f"doc 1: '{'左主干' * 7}左主…'"


def test_the_longest_docs_come_first() -> None:
    split = count(make_doc([], [], text="a " * tokens) for tokens in (3, 9, 1, 9, 5))
    assert [(doc.number, doc.tokens) for doc in split.longest] == [(2, 9), (4, 9), (5, 5)]


def test_labels_without_direction_are_counted_as_in_training() -> None:
    first, second = (0, 1, "A"), (2, 3, "A")
    doc = make_doc([first, second], [(first, second, "X"), (second, first, "X")])
    split = count([doc], with_task(GROUP, symmetric=("X",)))
    assert split.relation_classes == {("X", ">"): 1}
    assert split.shared_pairs == {}


# Texts that occur again

TEXT = "a b c d e f g"
ONE, TWO = (0, 1, "A"), (2, 3, "A")


def repeats(
    folder: Path, settings: PipelineSettings = FLAT, **splits: Sequence[Doc]
) -> dict[str, str]:
    """How many docs occur again, and how many with another annotation."""
    statistics = collect(folder, settings, **splits)
    return {
        f"{split} in {other}": f"{each.docs.count}, {each.annotated_otherwise.count} otherwise"
        for (split, other), each in statistics.repeats.items()
    }


def annotate(mentions: list[Mention] | None, arcs: list[Arc] | None, text: str = TEXT) -> Doc:
    return make_doc(mentions, arcs, text=text, key=None)


def test_texts_are_found_again_whatever_their_white_space(tmp_path: Path) -> None:
    first = annotate([ONE, TWO], [(ONE, TWO, "X")])
    spaced = [(1, 2, "A"), (4, 5, "A")]
    again = annotate(spaced, [(*spaced, "X")], text=" a \nb c d\u3000e f g ")
    assert [again[i].text for i in (1, 4)] == ["a", "c"]
    other = annotate([], [], text="ab c d e f g")
    found = repeats(tmp_path, train=[first, other, again], dev=[other, first], test=[again])
    assert found == {
        "train in train": "1, 0 otherwise",
        "dev in train": "2, 0 otherwise",
        "test in train": "1, 0 otherwise",
        "test in dev": "1, 0 otherwise",
    }


@pytest.mark.parametrize(
    "other",
    [
        annotate([ONE], []),
        annotate([ONE, (2, 3, "B")], [(ONE, (2, 3, "B"), "X")]),
        annotate([ONE, (3, 4, "A")], [(ONE, (3, 4, "A"), "X")]),
        annotate([ONE, TWO], []),
        annotate([ONE, TWO], [(TWO, ONE, "X")]),
        annotate([ONE, TWO], [(ONE, TWO, "Y")]),
    ],
    ids=["entity", "type", "place", "relation", "direction", "label"],
)
def test_another_annotation_of_the_same_text_is_found(tmp_path: Path, other: Doc) -> None:
    doc = annotate([ONE, TWO], [(ONE, TWO, "X")])
    assert repeats(tmp_path, train=[doc], dev=[other, doc]) == {
        "dev in train": "2, 1 otherwise",
        "dev in dev": "1, 1 otherwise",
    }


@pytest.mark.parametrize("mentions", [[ONE, TWO], None])
def test_what_nobody_annotated_contradicts_nothing(
    tmp_path: Path, mentions: list[Mention] | None
) -> None:
    doc = annotate([ONE, TWO], [(ONE, TWO, "X")])
    assert repeats(tmp_path, train=[doc, annotate(mentions, None)]) == {
        "train in train": "1, 0 otherwise"
    }


def test_docs_without_text_do_not_repeat_each_other(tmp_path: Path) -> None:
    blank = [annotate([], [], text=text) for text in (" ", "\n", " ")]
    assert repeats(tmp_path, train=blank, dev=blank) == {}


def test_examples_of_repeated_texts_name_the_doc_and_the_first_one(tmp_path: Path) -> None:
    doc, other = annotate([], []), annotate([], [], text="other")
    statistics = collect(tmp_path, train=[other, doc, doc, doc], dev=[doc])
    examples = {key: repeats.docs.examples for key, repeats in statistics.repeats.items()}
    assert examples == {
        ("train", "train"): [f"doc {i} of train, doc 2 of train: {TEXT!r}" for i in (3, 4)],
        ("dev", "train"): [f"doc 1 of dev, doc 2 of train: {TEXT!r}"],
    }


# Files


def test_what_docs_can_not_hold_is_counted_by_the_reason(tmp_path: Path) -> None:
    path = tmp_path / "train.jsonl"
    path.write_text(
        '{"text": "New Yorkers", "entities": [{"start": 0, "end": 8, "label": "A"}, '
        '{"start": 0, "end": 3, "label": "A"}, {"start": 0, "end": 11, "label": "B"}], '
        '"relations": []}\n'
    )
    lost = collect_statistics({"train": path}, make_settings("en")).train.lost
    assert {reason: finding.count for reason, finding in lost.items()} == {
        "entities that do not align with tokens": 1,
    }
    overlaps = {
        "docs_without_relations": 1,
        "overlapping_entities": 2,
        "entities_inside_another": 1,
        "entities_around_another": 1,
    }
    kept = collect_statistics({"train": path}, make_settings("en", spans_key=KEY)).train
    assert (kept.entity_labels, kept.annotated) == ({"A": 1, "B": 1}, 2)
    assert found(kept) == overlaps
    flat = collect_statistics({"train": path}, make_settings("en")).train
    assert (flat.entity_labels, flat.annotated) == ({"B": 1}, 2)
    assert found(flat) == overlaps | {"entities_only_in_the_span_group": 1}


def test_what_docs_keep_apart_is_counted_wherever_they_come_from(tmp_path: Path) -> None:
    path, converted = tmp_path / "train.jsonl", tmp_path / "train.spacy"
    path.write_text(
        '{"text": "hypertension treated", "entities": [{"start": 5, "end": 12, "label": "A"}, '
        '{"start": 13, "end": 20, "label": "B"}], "relations": '
        '[{"head": 0, "tail": 1, "label": "R"}]}\n'
    )
    settings = make_settings("en")
    docs = read_docs(path, settings.nlp, ConversionReport(), spans_key=KEY)
    DocBin(docs=docs, store_user_data=True).to_disk(converted)
    for source in (path, converted):
        lost = collect_statistics({"train": source}, settings).train.lost
        assert {reason: (each.count, each.examples) for reason, each in lost.items()} == {
            "entities that do not align with tokens": (1, ["doc 1: 'tension' (A, 5-12)"]),
            "relations of entities that were left out": (1, ["doc 1: 'tension' R 'treated'"]),
        }


def test_docs_without_the_span_group_are_counted() -> None:
    mention: Mention = (0, 1, "A")
    docs = [make_doc([mention]), make_doc([mention], key=None), make_doc(None)]
    assert found(count(docs))["docs_without_the_span_group"] == 1
    assert "docs_without_the_span_group" not in found(count(docs, FLAT))


@given(texts())
def test_what_doc_ents_lacks_is_found_if_the_pipeline_has_no_span_group(text: Text) -> None:
    doc = text.to_doc()
    kept = [mention for i, mention in enumerate(sorted(text.mentions)) if i % 2]
    flat = [each for each in kept if not any(each != e and meet(each, e) for e in kept)]
    doc.set_ents([Span(doc, *mention) for mention in flat])
    split = count([doc], FLAT)
    lacking = {*text.mentions} - {*flat}
    cut = [arc for arc in list_arcs([text]) if arc[0] != arc[1] and lacking & {*arc[:2]}]
    assert split.annotated == len(text.mentions)
    assert split.findings["entities_only_in_the_span_group"].count == len(lacking)
    assert split.findings["relations_of_entities_only_in_the_span_group"].count == len(cut)
    assert split.findings["relations_of_other_spans"].count == 0
    overlaps = count_overlaps([text])
    for name in ("overlapping_entities", "entities_inside_another"):
        assert split.findings[name].count == overlaps.get(name, 0)
    grouped = found(count([doc]))
    assert not {name for name in grouped if name.endswith("only_in_the_span_group")}


def meet(one: Mention, other: Mention) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def test_duplicates_are_no_overlap() -> None:
    assert found(count([make_doc([ONE, ONE, TWO], [(ONE, TWO, "X")])])) == {}


def test_a_group_of_another_name_is_not_read() -> None:
    doc = make_doc([ONE, (0, 3, "B")], [], key="other")
    doc.set_ents([Span(doc, *ONE)])
    split = count([doc], FLAT)
    assert (split.annotated, found(split)) == (1, {"docs_without_relations": 1})


def test_every_check_is_named_by_what_it_finds() -> None:
    assert all(check.find.__name__ == f"_find_{check.name}" for check in CHECKS)
