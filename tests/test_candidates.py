"""The candidate pairs, against pairs that are found one by one."""

import pickle
from collections.abc import Callable, Sequence
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.cli import app as spacy_app
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.util import load_config, load_model_from_config, registry
from spacy.vocab import Vocab
from typer.testing import CliRunner

from spacy_str_encoder.arrays import IntArray
from spacy_str_encoder.doc.entities import get_entities
from spacy_str_encoder.pairs.candidates import (
    Candidates,
    DocPairs,
    all_pairs,
    find_pairs,
    make_all_pairs,
    make_intersection,
    make_max_distance,
    make_nesting,
    make_same_sentence,
    make_type_pairs,
    pair_offsets,
    pairs_within,
)

from .pipelines import ANNOTATIONS, MakeNlp, build_trained, found, make_example, make_examples

Mention = tuple[int, int, str]

VOCAB = Vocab()
SIZE = 6
MENTIONS: list[Mention] = [
    (start, end, label)
    for start in range(SIZE)
    for end in range(start + 1, SIZE + 1)
    for label in ("A", "B")
]
TYPES = ["A", "B", "C"]
NAMES = ["all_pairs", "max_distance", "same_sentence", "type_pairs", "nesting", "intersection"]
NEAR = {"@misc": "spacy-str-encoder.max_distance.v1", "tokens": 0}
SAME_SENTENCE = {"@misc": "spacy-str-encoder.same_sentence.v1"}
BODY_PARTS = {
    "@misc": "spacy-str-encoder.type_pairs.v1",
    "allowed": [["Location", "BodyPart"], ["BodyPart", "Negation"]],
}
NEAR_BODY_PARTS = {
    "@misc": "spacy-str-encoder.intersection.v1",
    "*": {"near": NEAR, "types": BODY_PARTS},
}

mentions_lists = st.lists(st.sampled_from(MENTIONS), unique=True, max_size=8)


def make_doc(mentions: list[Mention], sentences: Sequence[int] = (0,)) -> Doc:
    """A doc with a span group, whose spans may be nested, and sentences by their first tokens."""
    starts = [i in sentences for i in range(SIZE)]
    doc = Doc(VOCAB, words=list("abcdef"), sent_starts=starts)
    doc.spans["sc"] = [Span(doc, *mention) for mention in mentions]
    return doc


def read(spans: list[Span]) -> list[Mention]:
    return [(span.start, span.end, span.label_) for span in spans]


def propose(candidates: Candidates, doc: Doc) -> list[tuple[Mention, Mention]]:
    entities = get_entities(doc, "sc")
    pairs = candidates(doc, entities)
    assert pairs.shape == (len(pairs), 2)
    mentions = read(entities)
    return [(mentions[first], mentions[second]) for first, second in pairs]


def expect(
    mentions: list[Mention], is_proposed: Callable[[Mention, Mention], bool]
) -> list[tuple[Mention, Mention]]:
    """The pairs in text order that a function of two entities is true of."""
    return [pair for pair in combinations(sorted(mentions), 2) if is_proposed(*pair)]


def tokens_of(mention: Mention) -> set[int]:
    return set(range(*mention[:2]))


def is_near(first: Mention, second: Mention, tokens: int) -> bool:
    one, other = tokens_of(first), tokens_of(second)
    return bool(one & other) or len(set(range(max(one | other))) - one - other) - min(one) <= tokens


# Functions


@given(mentions_lists)
def test_every_pair_of_a_span_group_comes_once_and_in_text_order(mentions: list[Mention]) -> None:
    pairs = propose(make_all_pairs(), make_doc(mentions))
    unordered = {frozenset(pair) for pair in pairs}
    assert unordered == {frozenset((a, b)) for a in mentions for b in mentions if a != b}
    assert len(pairs) == len(unordered)
    assert all(first < second for first, second in pairs)
    assert all(before < after for before, after in pairwise(pairs))


@given(mentions_lists, st.integers(0, SIZE))
def test_pairs_at_a_distance_have_no_more_tokens_between_them(
    mentions: list[Mention], tokens: int
) -> None:
    pairs = propose(make_max_distance(tokens=tokens), make_doc(mentions))
    assert pairs == expect(mentions, lambda a, b: is_near(a, b, tokens))


@given(mentions_lists, st.integers(0, SIZE))
def test_pairs_within_a_stretch_lie_in_it(mentions: list[Mention], tokens: int) -> None:
    def within(doc: Doc, entities: Sequence[Span]) -> IntArray:
        doc_pairs = DocPairs(doc, entities, all_pairs(doc, entities))
        within = pairs_within(doc_pairs, tokens=tokens)
        assert len(within) + within.out_of_reach == len(doc_pairs)
        return within.pairs

    def fit(first: Mention, second: Mention) -> bool:
        covered = tokens_of(first) | tokens_of(second)
        return max(covered) - min(covered) < tokens

    assert propose(within, make_doc(mentions)) == expect(mentions, fit)


@given(mentions_lists, st.sets(st.integers(1, SIZE - 1)))
def test_pairs_of_a_sentence_have_tokens_in_the_same_one(
    mentions: list[Mention], starts: set[int]
) -> None:
    borders = [0, *sorted(starts), SIZE]
    sentences = [set(range(*bounds)) for bounds in pairwise(borders)]
    doc = make_doc(mentions, borders)

    def share(first: Mention, second: Mention) -> bool:
        return any(s & tokens_of(first) and s & tokens_of(second) for s in sentences)

    assert [len(sentence) for sentence in doc.sents] == [len(sentence) for sentence in sentences]
    assert propose(make_same_sentence(), doc) == expect(mentions, share)


@given(mentions_lists, st.lists(st.tuples(*[st.sampled_from(TYPES)] * 2), max_size=4))
def test_pairs_of_types_have_them_in_any_order(
    mentions: list[Mention], allowed: list[tuple[str, str]]
) -> None:
    pairs = propose(make_type_pairs(allowed=[list(types) for types in allowed]), make_doc(mentions))
    assert pairs == expect(
        mentions, lambda a, b: (a[2], b[2]) in allowed or (b[2], a[2]) in allowed
    )


@given(mentions_lists)
def test_pairs_are_selected_by_whether_one_entity_is_inside_the_other(
    mentions: list[Mention],
) -> None:
    def is_inside(first: Mention, second: Mention) -> bool:
        tokens = tokens_of(first), tokens_of(second)
        return tokens[0] <= tokens[1] or tokens[1] <= tokens[0]

    doc = make_doc(mentions)
    only, others = (propose(make_nesting(nesting=name), doc) for name in ("only", "none"))
    assert only == expect(mentions, is_inside)
    assert others == expect(mentions, lambda a, b: not is_inside(a, b))
    assert propose(make_nesting(nesting="all"), doc) == propose(make_all_pairs(), doc)


@given(mentions_lists, st.lists(st.integers(0, 2), min_size=1, max_size=3))
def test_an_intersection_proposes_what_all_do(mentions: list[Mention], chosen: list[int]) -> None:
    functions = [
        make_max_distance(tokens=1),
        make_type_pairs(allowed=[["A", "B"]]),
        make_same_sentence(),
    ]
    doc = make_doc(mentions, [0, 3])
    together = propose(make_intersection(*(functions[i] for i in chosen)), doc)
    each = [propose(functions[i], doc) for i in chosen]
    assert together == [pair for pair in each[0] if all(pair in pairs for pairs in each)]


@pytest.fixture(params=NAMES)
def candidates(request: pytest.FixtureRequest) -> Candidates:
    """Each registered function."""
    near, same_sentence = make_max_distance(tokens=1), make_same_sentence()
    return {
        "all_pairs": make_all_pairs(),
        "max_distance": near,
        "same_sentence": same_sentence,
        "type_pairs": make_type_pairs(allowed=[["A", "A"]]),
        "nesting": make_nesting(nesting="only"),
        "intersection": make_intersection(near, same_sentence),
    }[request.param]


@pytest.mark.parametrize("mentions", [[], [(1, 3, "A")]], ids=["no entity", "one entity"])
def test_fewer_than_two_entities_make_no_pair(
    candidates: Candidates, mentions: list[Mention]
) -> None:
    assert propose(candidates, make_doc(mentions)) == []
    # Nor do they need the boundaries of sentences.
    doc = Doc(VOCAB, words=list("abcdef"))
    assert len(candidates(doc, [Span(doc, *mention) for mention in mentions])) == 0


def test_a_doc_without_tokens_has_no_pair(candidates: Candidates) -> None:
    assert candidates(Doc(VOCAB), []).shape == (0, 2)


def test_spans_of_a_single_token_are_a_pair(candidates: Candidates) -> None:
    doc = Doc(VOCAB, words=["a"])
    spans = [Span(doc, 0, 1, "A"), Span(doc, 0, 1, "A")]
    assert candidates(doc, spans).tolist() == [[0, 1]]


def test_functions_can_be_sent_to_a_spawned_process(candidates: Candidates) -> None:
    doc = make_doc(MENTIONS[::3])
    assert propose(pickle.loads(pickle.dumps(candidates)), doc) == propose(candidates, doc)


def test_sentences_that_a_doc_lacks_are_an_error_that_helps() -> None:
    doc = Doc(VOCAB, words=list("abcdef"))
    entities = [Span(doc, 0, 1, "A"), Span(doc, 2, 3, "A")]
    with pytest.raises(ValueError, match=r"'sentencizer', before 'str_rel'.*annotating_components"):
        make_same_sentence()(doc, entities)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: make_max_distance(tokens=-1), "0 or more, got -1"),
        (lambda: make_type_pairs(allowed=[["A", "B"], ["C"]]), r"two types, got \['C'\]"),
        (lambda: make_nesting(nesting="some"), "'only', got 'some'"),  # type: ignore[arg-type]
        (lambda: make_intersection(), "at least one function"),
    ],
    ids=["distance", "types", "nesting", "intersection"],
)
def test_wrong_settings_are_refused(make: Callable[[], Candidates], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


@given(mentions_lists, st.lists(st.tuples(*[st.integers(0, 7)] * 2), unique=True))
def test_pairs_are_found_in_their_rows(
    mentions: list[Mention], wanted: list[tuple[int, int]]
) -> None:
    entities = get_entities(make_doc(mentions), "sc")
    pairs = all_pairs(make_doc(mentions), entities)[::2]
    wanted = [pair for pair in wanted if max(pair) < len(entities)]
    expected = {
        tuple(pair): row for row, pair in enumerate(pairs.tolist()) if tuple(pair) in wanted
    }
    assert find_pairs(pairs, wanted, count=len(entities)) == expected


def test_offsets_are_those_of_both_entities() -> None:
    doc = make_doc([(0, 2, "A"), (1, 2, "B"), (3, 6, "A")])
    entities = get_entities(doc, "sc")
    pairs = all_pairs(doc, entities)
    assert pair_offsets(entities, pairs).tolist() == [[0, 2, 1, 2], [0, 2, 3, 6], [1, 2, 3, 6]]
    assert pair_offsets([], pairs[:0]).shape == (0, 4)


def test_entities_are_those_of_the_doc_if_no_span_group_is_named() -> None:
    doc = make_doc([(0, 6, "B")])
    doc.set_ents([Span(doc, 4, 5, "B"), Span(doc, 0, 2, "A")])
    assert read(get_entities(doc)) == [(0, 2, "A"), (4, 5, "B")]


def test_entities_are_those_of_the_span_group_if_one_is_named() -> None:
    doc = make_doc([(0, 6, "B"), (0, 2, "A")])
    doc.set_ents([Span(doc, 4, 5, "B")])
    assert read(get_entities(doc, "sc")) == [(0, 2, "A"), (0, 6, "B")]


def test_a_span_group_that_a_doc_lacks_has_no_entities() -> None:
    assert get_entities(make_doc([(0, 6, "B")]), "other") == []


# In a config


def test_a_config_names_a_function_and_its_settings(make_nlp: MakeNlp, tmp_path: Path) -> None:
    doc = make_doc(MENTIONS)
    nlp = make_nlp(candidates=NEAR_BODY_PARTS)
    nlp.config.to_disk(tmp_path / "config.cfg")
    assert "[components.str_rel.candidates.*.near]" in (tmp_path / "config.cfg").read_text()
    again = load_model_from_config(load_config(tmp_path / "config.cfg"), auto_fill=True)
    expected = make_intersection(
        make_max_distance(tokens=0), make_type_pairs(allowed=BODY_PARTS["allowed"])
    )
    for pipeline in (nlp, again):
        assert propose(pipeline.get_pipe("str_rel").candidates, doc) == propose(expected, doc)


def test_all_pairs_are_the_default(make_nlp: MakeNlp) -> None:
    nlp = make_nlp()
    assert nlp.get_pipe("str_rel").candidates is all_pairs
    name = nlp.config["components"]["str_rel"]["candidates"]["@misc"]
    assert name == "spacy-str-encoder.all_pairs.v1"


def test_fill_config_keeps_the_candidates_and_fills_in_the_rest(tmp_path: Path) -> None:
    base, filled = tmp_path / "base.cfg", tmp_path / "filled.cfg"
    base.write_text(
        "[nlp]\nlang = 'zh'\npipeline = ['str_encoder', 'str_rel']\n"
        "[components]\n[components.str_encoder]\nfactory = 'str_encoder'\n"
        "[components.str_rel]\nfactory = 'str_rel'\n[components.str_rel.candidates]\n"
        "@misc = 'spacy-str-encoder.intersection.v1'\n[components.str_rel.candidates.*.near]\n"
        "@misc = 'spacy-str-encoder.max_distance.v1'\ntokens = 7\n".replace("'", '"')
    )
    result = CliRunner().invoke(spacy_app, ["init", "fill-config", str(base), str(filled)])
    assert result.exit_code == 0, result.output
    component = load_config(filled)["components"]["str_rel"]
    assert component["candidates"]["*"]["near"]["tokens"] == 7
    assert (component["schema"], component["symmetric"]) == (None, [])
    assert (component["exclusive"], component["threshold"]) == (True, None)


@pytest.mark.parametrize(
    "block",
    [
        {**NEAR, "tokens": -1},
        {**NEAR, "tokens": 1.5},
        {"@misc": NEAR["@misc"]},
        {**BODY_PARTS, "allowed": [["A"]]},
        {**BODY_PARTS, "allowed": ["A"]},
        {"@misc": "spacy-str-encoder.intersection.v1"},
        {"@misc": "spacy-str-encoder.intersection.v1", "*": {}},
        {"@misc": "spacy-str-encoder.no_such_function.v1"},
    ],
)
def test_a_config_with_wrong_settings_is_refused(make_nlp: MakeNlp, block: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        make_nlp(candidates=block)


# In a pipeline


def related(doc: Doc) -> list[tuple[str, str, str]]:
    return found(doc)[1]


@pytest.mark.parametrize("block", [NEAR, BODY_PARTS, NEAR_BODY_PARTS], ids=["near", "types", "*"])
def test_only_pairs_that_are_proposed_have_relations(
    trained: Language, block: dict[str, Any]
) -> None:
    component = trained.get_pipe("str_rel")
    expected = [related(doc) for doc in trained.pipe(text for text, _, _ in ANNOTATIONS)]
    component.candidates = registry.resolve({"candidates": block})["candidates"]
    docs = list(trained.pipe(text for text, _, _ in ANNOTATIONS))
    kept = 0
    for doc, relations in zip(docs, expected, strict=True):
        texts = [entity.text for entity in doc.ents]
        pairs = {(texts[i], texts[j]) for i, j in component.candidates(doc, doc.ents).tolist()}
        inside = [r for r in relations if r[:2] in pairs or r[1::-1] in pairs]
        assert related(doc) == inside
        kept += len(inside)
    assert 0 < kept < sum(map(len, expected))


def test_only_pairs_that_are_proposed_are_learned_from(make_nlp: MakeNlp) -> None:
    nlp = make_nlp(candidates=BODY_PARTS)
    nlp.initialize(lambda: make_examples(nlp))
    text, entities, _ = ANNOTATIONS[0]
    # Of 21 pairs, these are the only ones of such types.
    body_part, location, _, _, other, negation, _ = entities
    example = make_example(nlp, (text, entities, [(0, 1, "Position"), (2, 1, "Modifier")]))
    losses = nlp.update([example], sgd=False)
    nlp.get_pipe("str_rel").candidates = all_pairs
    parts = [
        ([body_part, location], [(0, 1, "Position")]),
        ([location, other], []),
        ([body_part, negation], []),
        ([other, negation], []),
    ]
    examples = [make_example(nlp, (text, *part)) for part in parts]
    alone = [nlp.update([part], sgd=False)["str_rel"] for part in examples]
    assert losses["str_rel"] == pytest.approx(sum(alone), rel=1e-4)


@pytest.mark.slow
def test_relations_of_pairs_that_are_not_proposed_are_counted_and_missed(
    make_nlp: MakeNlp,
) -> None:
    with pytest.warns(UserWarning, match=r"the candidate pairs are not learned \(5 of 9\)"):
        nlp = build_trained(make_nlp, ANNOTATIONS, candidates=BODY_PARTS)
    scores = nlp.evaluate(make_examples(nlp))
    assert (scores["rels_p"], scores["rels_r"]) == (1.0, pytest.approx(4 / 9))


def test_sentences_are_those_of_a_component_before(make_nlp: MakeNlp) -> None:
    nlp = make_nlp(candidates=SAME_SENTENCE)
    nlp.add_pipe("sentencizer", before="str_rel", config={"punct_chars": ["。"]})
    text, first, relations = ANNOTATIONS[0]
    second = [(start + len(text), end + len(text), label) for start, end, label in first]
    across = (0, len(first), "Above")
    twice = make_example(nlp, (text * 2, [*first, *second], [*relations, across]))
    with pytest.warns(UserWarning, match="not counted at initialization.*sentence boundaries"):
        nlp.initialize(lambda: [twice])
    options: dict[str, Any] = {"sgd": False, "annotates": ["str_encoder", "sentencizer"]}
    losses = nlp.update([twice], **options)
    parts = [(first, relations), (second, [])]
    examples = [make_example(nlp, (text * 2, *part)) for part in parts]
    alone = [nlp.update([part], **options)["str_rel"] for part in examples]
    assert losses["str_rel"] == pytest.approx(sum(alone), rel=1e-4)


def test_sentences_that_no_component_sets_are_an_error_in_training(make_nlp: MakeNlp) -> None:
    nlp = make_nlp(candidates=SAME_SENTENCE)
    with pytest.warns(UserWarning, match="not counted at initialization.*sentence boundaries"):
        nlp.initialize(lambda: make_examples(nlp))
    with pytest.raises(ValueError, match="'sentencizer', before 'str_rel'"):
        nlp.update(make_examples(nlp), sgd=False)


def test_gold_sentences_tell_how_many_relations_reach_over_them(make_nlp: MakeNlp) -> None:
    nlp = make_nlp(candidates=SAME_SENTENCE)
    examples = make_examples(nlp)
    for example in examples:
        for token in example.reference:
            token.is_sent_start = token.i == 0
    # Between the fourth and the fifth entity of the first text.
    examples[0].reference[5].is_sent_start = True
    with pytest.warns(
        UserWarning, match=r"are not among the candidate pairs are not learned \(2 of 9\)"
    ):
        nlp.initialize(lambda: examples)


@pytest.mark.slow
def test_a_saved_pipeline_keeps_its_candidates(make_nlp: MakeNlp, tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="not among the candidate pairs"):
        nlp = build_trained(make_nlp, ANNOTATIONS, candidates=BODY_PARTS)
    nlp.to_disk(tmp_path)
    loaded = spacy.load(tmp_path)
    texts = [text for text, _, _ in ANNOTATIONS]
    expected = [related(doc) for doc in nlp.pipe(texts)]
    assert sum(map(len, expected)) == 4
    for docs in (loaded.pipe(texts), loaded.pipe(texts, n_process=2, batch_size=2)):
        assert [related(doc) for doc in docs] == expected
