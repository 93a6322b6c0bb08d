"""Entities that nest, cross or share a place, in a span group of `str_ner`."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example

from spacy_str_encoder import Relation, get_score
from spacy_str_encoder.doc.relation import place_of
from spacy_str_encoder.scorers import score_entities

from .pipelines import MakeNlp, train

KEY = "sc"
# Text, entities by character offsets, and relations by the index of head and tail: entities that
# nest, two of them in one place, and entities that cross.
NESTED: list[tuple[str, list[tuple[int, int, str]], list[tuple[int, int, str]]]] = [
    (
        "患者腹胀伴头痛。",
        [(2, 4, "Finding"), (2, 3, "Body"), (5, 7, "Finding"), (5, 6, "Body")],
        [(1, 0, "Position"), (3, 2, "Position")],
    ),
    (
        "左膝骨折，左膝肿。",
        [(0, 2, "Body"), (0, 4, "Finding"), (1, 4, "Injury"), (5, 7, "Body"), (5, 8, "Finding")],
        [(0, 1, "Position"), (3, 4, "Position")],
    ),
    ("右肺。", [(0, 2, "Body"), (0, 2, "Site")], []),
    ("一般情况可。", [], []),
]


def make_gold(
    nlp: Language,
    text: str,
    entities: list[tuple[int, int, str]],
    relations: list[tuple[int, int, str]],
) -> Example:
    reference = nlp.make_doc(text)
    spans = [reference.char_span(start, end, label=label) for start, end, label in entities]
    reference.spans[KEY] = spans
    reference._.relations = [Relation(spans[i], spans[j], label) for i, j, label in relations]
    return Example(nlp.make_doc(text), reference)


def places(spans: Iterable[Span]) -> list[tuple[int, int, str]]:
    return sorted(map(place_of, spans))


@pytest.fixture(scope="module")
def nested(make_nlp: MakeNlp) -> Language:
    """A pipeline that was trained on the texts above."""
    # Without `entity_types`, pairs that cover the same tokens look the same.
    model = {"mask": "pair", "entity_types": True, "pool_entities": True}
    nlp = make_nlp(model=model, spans_key=KEY, ner={"spans_key": KEY})
    examples = [make_gold(nlp, *annotation) for annotation in NESTED]
    nlp.initialize(lambda: examples)
    train(nlp, examples)
    return nlp


@pytest.mark.slow
def test_all_entities_and_their_relations_are_found(nested: Language) -> None:
    for text, entities, relations in NESTED:
        doc = nested(text)
        assert places(doc.spans[KEY]) == sorted(entities)
        assert all(0.5 < span._.score <= 1 for span in doc.spans[KEY])
        found = [(r.head.text, r.tail.text, r.label) for r in doc._.relations]
        texts = [text[start:end] for start, end, _ in entities]
        assert sorted(found) == sorted((texts[i], texts[j], label) for i, j, label in relations)
        assert set(places(doc.ents)) <= set(places(doc.spans[KEY]))
    [flat] = nested("右肺。").ents
    assert (flat.text, flat.label_) in {("右肺", "Body"), ("右肺", "Site")}


@pytest.mark.slow
def test_entities_across_windows_are_found(make_nlp: MakeNlp) -> None:
    nlp = make_nlp(window=3, stride=2, spans_key=KEY, ner={"spans_key": KEY})
    example = make_gold(nlp, *NESTED[1])
    nlp.initialize(lambda: [example])
    with nlp.select_pipes(disable="str_rel"):
        train(nlp, [example])
        doc = nlp(NESTED[1][0])
    assert len(doc._.trf_data.wordpieces) > 2
    assert places(doc.spans[KEY]) == sorted(NESTED[1][1])


@pytest.mark.slow
def test_scores_of_training_count_the_span_group(nested: Language) -> None:
    examples = [make_gold(nested, *annotation) for annotation in NESTED]
    scores = nested.evaluate(examples)
    assert scores["spans_sc_f"] == scores["rels_f"] == 1
    assert scores["spans_sc_per_type"]["Body"]["r"] == 1
    # No doc.ents are annotated.
    assert scores["ents_f"] is None


@pytest.mark.slow
def test_every_way_to_run_it_finds_the_same(nested: Language, tmp_path: Path) -> None:
    texts = [text for text, _, _ in NESTED] * 3
    expected = [describe(nested(text)) for text in texts]
    assert [describe(doc) for doc in nested.pipe(texts, batch_size=5)] == expected
    nested.to_disk(tmp_path / "saved")
    loaded = spacy.load(tmp_path / "saved")
    assert [describe(doc) for doc in loaded.pipe(texts)] == expected
    assert [describe(doc) for doc in loaded.pipe(texts, n_process=2)] == expected
    with ThreadPoolExecutor(4) as threads:
        assert [describe(doc) for doc in threads.map(loaded, texts)] == expected


def describe(doc: Doc) -> tuple[object, ...]:
    spans = {(*place_of(span), round(get_score(span) or 0, 4)) for span in doc.spans[KEY]}
    relations = [(r.head.text, r.tail.text, r.label, round(r.score, 4)) for r in doc._.relations]
    return spans, places(doc.ents), relations


def test_initialization_without_the_span_group_names_the_remedy(make_nlp: MakeNlp) -> None:
    nlp = make_nlp(spans_key="other", ner={"spans_key": "other"})
    examples = [make_gold(nlp, *annotation) for annotation in NESTED]
    with pytest.raises(ValueError, match=r"'other'.*Found: 'sc'.*convert --spans-key other"):
        nlp.initialize(lambda: examples)


def test_entities_that_overlap_one_of_the_same_label_are_counted(make_nlp: MakeNlp) -> None:
    nlp = make_nlp(spans_key=KEY, ner={"spans_key": KEY})
    entities = [(0, 4, "Finding"), (0, 2, "Finding"), (1, 3, "Body"), (3, 5, "Finding")]
    with pytest.warns(UserWarning, match=r"overlap another one of the same label \(2 of 4\)"):
        nlp.initialize(lambda: [make_gold(nlp, "左膝骨折了。", entities, [(2, 0, "Position")])])


def test_docs_without_the_span_group_have_their_entities_in_doc_ents(make_nlp: MakeNlp) -> None:
    nlp = make_nlp(spans_key=KEY, ner={"spans_key": KEY})
    annotated = make_gold(nlp, *NESTED[0])
    plain, unannotated = (Example(nlp.make_doc("左膝肿"), nlp.make_doc("左膝肿")) for _ in range(2))
    plain.reference.set_ents([Span(plain.reference, 0, 2, "Part")])
    with pytest.warns(
        UserWarning, match=r"str_ner: for training docs that have .* spans_key \(1 of 2\)"
    ):
        nlp.initialize(lambda: [annotated, plain])
    assert set(nlp.get_pipe("str_ner").labels) == {"Finding", "Body", "Part"}
    assert nlp.update([unannotated], sgd=None)["str_ner"] == 0
    assert nlp.update([plain], sgd=None)["str_ner"] > 0
    plain.predicted.spans[KEY] = [Span(plain.predicted, 0, 2, "Part")]
    assert score_entities([plain], spans_key=KEY)["spans_sc_f"] == 1


def test_entities_that_only_the_span_group_has_are_told_of(make_nlp: MakeNlp) -> None:
    nlp = make_nlp()
    example = make_gold(nlp, *NESTED[0])
    example.reference.set_ents([example.reference.spans[KEY][0], example.reference.spans[KEY][2]])
    with pytest.warns(UserWarning, match=r"str_ner: gold entities of doc.spans\['sc'\] .* \(2\)"):
        nlp.initialize(lambda: [example])


@pytest.mark.parametrize(("ner", "rel"), [(KEY, None), (None, KEY)])
def test_components_that_disagree_are_told(
    ner: str | None, rel: str | None, make_nlp: MakeNlp
) -> None:
    nlp = make_nlp(spans_key=rel, ner={"spans_key": ner})
    example = make_gold(nlp, *NESTED[0])
    example.reference.set_ents([example.reference.spans[KEY][0], example.reference.spans[KEY][2]])
    with pytest.warns(UserWarning, match="str_rel reads entities from .* of str_ner are in"):
        nlp.initialize(lambda: [example])


@pytest.mark.slow
def test_a_config_that_says_another_group_is_refused(nested: Language, tmp_path: Path) -> None:
    nested.to_disk(tmp_path)
    with pytest.raises(ValueError, match="str_ner: the config says spans_key = None"):
        spacy.load(tmp_path, config={"components.str_ner.spans_key": None})


def test_entities_that_were_there_before_stay(nested: Language) -> None:
    text, entities, _ = NESTED[0]
    doc = nested.make_doc(text)
    doc.set_ents([Span(doc, 3, 5, "Mine")])
    doc.spans[KEY] = [Span(doc, 0, 1, "Old")]
    doc.spans["other"] = [Span(doc, 0, 2, "Other")]
    doc = nested(doc)
    assert places(doc.spans[KEY]) == sorted(entities)
    assert [span.label_ for span in doc.spans["other"]] == ["Other"]
    # Only the body part at 2 is free of the one that was there.
    assert places(doc.ents) == [(2, 3, "Body"), (3, 5, "Mine"), (5, 7, "Finding")]


def test_an_untrained_pipeline_finds_nothing(make_nlp: MakeNlp) -> None:
    nlp = make_nlp(spans_key=KEY, ner={"spans_key": KEY})
    nlp.config["initialize"]["after_init"] = None
    nlp.initialize(lambda: [make_gold(nlp, *annotation) for annotation in NESTED])
    doc = nlp(NESTED[0][0])
    assert list(doc.spans[KEY]) == [] and doc.ents == ()
