"""`str_attr`: the model against plain Hugging Face, training, and every way to run it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy
import pytest
import spacy
import torch
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example
from spacy.util import load_model_from_config
from spacy.vocab import Vocab
from thinc.api import Config, Model
from transformers import AutoTokenizer, BertModel

from spacy_str_encoder.attributes.entities import DocEntities
from spacy_str_encoder.calibration import Choice, calibrate
from spacy_str_encoder.corpus import create_corpus
from spacy_str_encoder.layers.focused_entities import FocusedEntities
from spacy_str_encoder.layers.pooled_entities import PooledEntities
from spacy_str_encoder.modules.masks import MaskName

from .oracles import finite_differences, normal
from .pipelines import MakeNlp, train
from .strong_encoders import WORDS, make_doc, make_encoder, strengthen
from .test_focused_pairs import plain_vectors

# Text, and entities with their attributes.
Annotations = list[tuple[str, list[tuple[int, int, str, dict[str, str] | None]]]]
ANNOTATIONS: Annotations = [
    ("无发热", [(1, 3, "Finding", {"Assertion": "negated"})]),
    ("有发热", [(1, 3, "Finding", {})]),
    ("疑发热，无咳嗽", [
        (1, 3, "Finding", {"Assertion": "possible"}),
        (5, 7, "Finding", {"Assertion": "negated"}),
    ]),
    ("母亲有哮喘", [(0, 2, "Person", {}), (3, 5, "Disease", {"Of": "family"})]),
    ("患者有哮喘", [(0, 2, "Person", {}), (3, 5, "Disease", {"Of": "self"})]),
]  # fmt: skip
DEFAULTS = {"Assertion": "present"}


def make_example(nlp: Language, text: str, entities: list[Any], key: str | None = None) -> Example:
    """Gold entities with attributes, and the same entities in the predicted doc."""
    predicted, reference = nlp.make_doc(text), nlp.make_doc(text)
    for doc in (predicted, reference):
        spans = [doc.char_span(start, end, label=label) for start, end, label, _ in entities]
        if key is None:
            doc.set_ents(spans)
        else:
            doc.spans[key] = spans
    for span, (*_, attributes) in zip(spans, entities, strict=True):
        span._.attributes = attributes
    return Example(predicted, reference)


def make_examples(nlp: Language, key: str | None = None) -> list[Example]:
    return [make_example(nlp, text, entities, key) for text, entities in ANNOTATIONS]


@pytest.fixture
def make_attr(make_nlp: MakeNlp) -> Callable[..., Language]:
    """Builds a pipeline of an encoder and `str_attr`, not initialized."""

    def make(**config: Any) -> Language:
        nlp = make_nlp()
        for name in ("str_ner", "str_rel"):
            nlp.remove_pipe(name)
        nlp.add_pipe("str_attr", config={"defaults": DEFAULTS, **config})
        nlp.config["initialize"]["after_init"] = None
        return nlp

    return make


@pytest.fixture
def learned(make_attr: Callable[..., Language]) -> Language:
    nlp = make_attr()
    examples = make_examples(nlp)
    nlp.initialize(lambda: examples)
    train(nlp, examples)
    return nlp


def find(nlp: Language, text: str, entities: list[Any]) -> Doc:
    return nlp(make_example(nlp, text, entities).predicted)


def expected_of(entity: tuple[int, int, str, dict[str, str] | None]) -> dict[str, str]:
    *_, label, attributes = entity
    return {**(DEFAULTS if label == "Finding" else {}), **(attributes or {})}


ENTITIES = [(0, 1), (3, 4), (5, 6), (1, 4), (0, 12)]


@pytest.mark.parametrize("focus_layers", [1, 2, 3])
def test_vector_of_an_entity_under_the_whole_mask(
    encoder_path: Path, tmp_path: Path, focus_layers: int
) -> None:
    path = strengthen(encoder_path, tmp_path / "strong")
    layer = FocusedEntities(make_encoder(path, focus_layers=focus_layers))
    layer.initialize()
    doc = make_doc(WORDS)
    vectors, reachable = layer.predict([DocEntities(doc, [doc[i:j] for i, j in ENTITIES])])
    assert reachable.tolist() == [True] * len(ENTITIES)
    mask: MaskName = "pair"
    pairs = [(*entity, *entity) for entity in ENTITIES]
    seen = plain_vectors(path, doc, pairs, mask, focus_layers=focus_layers)
    expected = numpy.concatenate([seen, plain_means(path, doc)], axis=1)
    numpy.testing.assert_allclose(vectors, expected, rtol=0, atol=1e-5)


@torch.no_grad()
def plain_means(path: Path, doc: Doc) -> Any:
    """Means of Hugging Face's output over the pieces of each entity. Pieces are characters."""
    transformer = BertModel.from_pretrained(path, add_pooling_layer=False).double()
    encoding = AutoTokenizer.from_pretrained(path)(doc.text, return_offsets_mapping=True)
    [rows] = transformer(torch.tensor([encoding["input_ids"]])).last_hidden_state
    means = []
    for span in (doc[i:j] for i, j in ENTITIES):
        inside = [
            row
            for row, (start, end) in zip(rows, encoding["offset_mapping"], strict=True)
            if span.start_char <= start < end <= span.end_char
        ]
        means.append(torch.stack(inside).mean(dim=0))
    return torch.stack(means)


def test_entities_that_no_window_holds_are_out_of_reach(encoder_path: Path) -> None:
    layer = FocusedEntities(make_encoder(encoder_path, window=4, stride=2))
    layer.initialize()
    doc = make_doc(WORDS)
    _, reachable = layer.predict([DocEntities(doc, [doc[:2], doc[:8], doc[3:5]])])
    assert reachable.tolist() == [True, False, True]


def test_pooled_vectors_are_means_of_token_vectors() -> None:
    docs = [Doc(Vocab(), words=["a", "b", "c"]), Doc(Vocab(), words=["d", "e"])]
    tokens = [normal(3, 4), normal(2, 4, seed=1)]
    d_tokens: list[Any] = []
    layer = PooledEntities(
        Model("given", lambda model, X, is_train: (tokens, d_tokens.extend), dims={"nO": 4})
    )
    layer.initialize()
    entities = [[docs[0][0:2], docs[0][1:3], docs[0][1:2]], [docs[1][0:2]]]
    X = [DocEntities(doc, spans) for doc, spans in zip(docs, entities, strict=True)]
    (vectors, reachable), backprop = layer.begin_update(X)
    means = [tokens[i][span.start : span.end].mean(axis=0) for i in (0, 1) for span in entities[i]]
    numpy.testing.assert_allclose(vectors, means, atol=1e-6)
    assert reachable.all()
    d_vectors = normal(4, 4, seed=2)
    backprop((d_vectors, reachable))
    for i, gradient in enumerate(d_tokens):
        expected = finite_differences(
            lambda: float((layer.predict(X)[0] * d_vectors).sum()), tokens[i]
        )
        numpy.testing.assert_allclose(gradient, expected, atol=1e-3)


@pytest.mark.slow
def test_values_are_learned_and_defaults_written(learned: Language) -> None:
    for text, entities in ANNOTATIONS:
        found = [entity._.attributes for entity in find(learned, text, entities).ents]
        assert found == [expected_of(entity) for entity in entities]
    doc = find(learned, *ANNOTATIONS[0])
    assert 0.5 < doc.ents[0]._.attribute_scores["Assertion"] <= 1
    scores = learned.evaluate(make_examples(learned))
    assert scores["attrs_f"] == 1
    assert set(scores["attrs_per_type"]) == {
        "Assertion=negated", "Assertion=possible", "Of=family", "Of=self"
    }  # fmt: skip


@pytest.mark.slow
def test_every_way_to_run_it_finds_the_same(learned: Language, tmp_path: Path) -> None:
    def make_docs() -> list[Doc]:
        return [make_example(learned, *each).predicted for each in ANNOTATIONS] * 2

    def describe(doc: Doc) -> list[Any]:
        return [(e.text, e._.attributes, e._.attribute_scores) for e in doc.ents]

    def assert_same(docs: Any) -> None:
        for doc, (values, scores) in zip(docs, expected, strict=True):
            assert [entity._.attributes for entity in doc.ents] == values
            for entity, known in zip(doc.ents, scores, strict=True):
                assert entity._.attribute_scores == pytest.approx(known, abs=1e-5)

    expected = []
    for doc in map(learned, make_docs()):
        ents = doc.ents
        expected.append(([e._.attributes for e in ents], [e._.attribute_scores for e in ents]))
    assert_same(learned.pipe(make_docs(), batch_size=3))
    learned.to_disk(tmp_path / "saved")
    loaded = spacy.load(tmp_path / "saved")
    assert loaded.get_pipe("str_attr").label_data == learned.get_pipe("str_attr").label_data
    assert_same(loaded.pipe(make_docs()))
    assert_same(loaded.pipe(make_docs(), n_process=2))
    with ThreadPoolExecutor(4) as threads:
        assert_same(threads.map(loaded, make_docs()))
    loaded.replace_listeners("str_encoder", "str_attr", ["model.tok2vec"])
    assert_same(loaded.pipe(make_docs()))


def test_a_temperature_changes_scores_alone(learned: Language, tmp_path: Path) -> None:
    def scores(nlp: Language) -> tuple[list[Any], Any]:
        docs = [find(nlp, text, entities) for text, entities in ANNOTATIONS]
        spans = [span for doc in docs for span in doc.ents]
        found = [score for span in spans for score in (span._.attribute_scores or {}).values()]
        return [span._.attributes for span in spans], numpy.array(found)

    values, before = scores(learned)
    learned.get_pipe("str_attr").temperature = 2.0
    learned.to_disk(tmp_path)
    for nlp in (learned, spacy.load(tmp_path)):
        same, after = scores(nlp)
        assert same == values
        odds = numpy.sqrt(before / (1 - before))
        numpy.testing.assert_allclose(after, odds / (1 + odds), rtol=1e-3)


def test_attributes_are_calibrated(learned: Language) -> None:
    gold = [example.reference for example in make_examples(learned)] * 8
    wrong = learned.make_doc("无发热")
    wrong.set_ents([wrong.char_span(1, 3, label="Finding")])
    wrong.ents[0]._.attributes = {"Assertion": "possible"}
    report = calibrate(learned, [*gold, *[wrong] * 8], Choice())
    assert report["temperatures"]["str_attr"] > 1
    before, after = (report[each]["attributes_gold_entities"] for each in ("before", "after"))
    assert before is not None and after is not None
    assert before["strict"]["micro"] == after["strict"]["micro"]
    assert before["calibration"] is not None and after["calibration"] is not None
    assert after["calibration"]["ece"] < before["calibration"]["ece"]


def initialize_with(nlp: Language, labels: dict[str, Any]) -> Language:
    nlp.config["initialize"]["components"]["str_attr"] = {"labels": labels}
    nlp.initialize(lambda: make_examples(nlp))
    return nlp


def test_labels(make_attr: Callable[..., Language]) -> None:
    nlp = make_attr()
    nlp.initialize(lambda: make_examples(nlp))
    component: Any = nlp.get_pipe("str_attr")
    assert set(component.labels) == {
        "Assertion=present", "Assertion=negated", "Assertion=possible", "Of=family", "Of=self"
    }  # fmt: skip
    assert component.label_data == {
        "Assertion": {
            "values": ["negated", "possible", "present"],
            "default": "present",
            "types": ["Finding"],
        },
        "Of": {"values": ["family", "self"], "default": None, "types": ["Disease"]},
    }
    again = initialize_with(make_attr(), component.label_data)
    assert again.get_pipe("str_attr").label_data == component.label_data


def test_new_labels_keep_what_was_learned(make_attr: Callable[..., Language]) -> None:
    nlp = make_attr()
    nlp.initialize(lambda: make_examples(nlp))
    component: Any = nlp.get_pipe("str_attr")
    text, entities = ANNOTATIONS[2]
    [doc] = nlp.get_pipe("str_encoder").pipe([make_example(nlp, text, entities).predicted])
    before = component.model.predict([DocEntities(doc, doc.ents)])
    assert component.add_label("Assertion", "excluded", ["Finding", "Disease"]) == 1
    assert component.add_label("Assertion", "excluded") == 0
    assert component.label_data["Assertion"]["types"] == ["Finding", "Disease"]
    after = component.model.predict([DocEntities(doc, doc.ents)])
    numpy.testing.assert_allclose(after[:, :-1], before, atol=1e-6)


def test_unannotated_and_wrong_entities_have_no_loss(make_attr: Callable[..., Language]) -> None:
    nlp = make_attr()
    nlp.initialize(lambda: make_examples(nlp))
    text, [entity] = ANNOTATIONS[0]
    unannotated = make_example(nlp, text, [(*entity[:3], None)])
    assert nlp.update([unannotated], sgd=False)["str_attr"] == 0
    annotated = make_example(nlp, text, [entity])
    loss = nlp.update([annotated], sgd=False)["str_attr"]
    assert loss > 0
    with_wrong = make_example(nlp, text, [entity])
    with_wrong.predicted.set_ents([Span(with_wrong.predicted, 0, 1, "Finding")])
    assert nlp.update([with_wrong], sgd=False)["str_attr"] == pytest.approx(loss, rel=1e-5)


def test_entities_of_a_span_group(make_attr: Callable[..., Language]) -> None:
    nlp = make_attr(spans_key="sc")
    nlp.initialize(lambda: make_examples(nlp, "sc"))
    doc = nlp(make_example(nlp, *ANNOTATIONS[3], "sc").predicted)
    assert [span._.attributes.keys() for span in doc.spans["sc"]] == [set(), {"Of"}]


def test_an_entity_longer_than_a_window_is_reported(make_attr: Callable[..., Language]) -> None:
    nlp = make_attr()
    nlp.initialize(lambda: make_examples(nlp))
    long = "发热" * 50
    with pytest.warns(
        UserWarning, match=r"str_attr: in a doc of 100 tokens, entities .* \(1 of 2\) get"
    ):
        doc = find(nlp, long, [(0, 2, "Finding", {}), (2, 99, "Finding", {})])
    assert [set(entity._.attributes) for entity in doc.ents] == [{"Assertion"}, set()]


@pytest.mark.parametrize(
    ("defaults", "annotations", "message"),
    [
        ({}, [("无", [(0, 1, "Finding", None)])], "has no attributes of entities"),
        ({}, [("无", [(0, 1, "Finding", {"Negated": "true"})])], "'true' is the only value of"),
        ({"Time": "now"}, ANNOTATIONS, "no entity of the training data has the attribute 'Time'"),
    ],
)
def test_what_can_not_be_learned_is_an_error(
    defaults: dict[str, str],
    annotations: Annotations,
    message: str,
    make_attr: Callable[..., Language],
) -> None:
    nlp = make_attr(defaults=defaults)
    examples = [make_example(nlp, text, entities) for text, entities in annotations]
    with pytest.raises(ValueError, match=f"str_attr: .*{message}"):
        nlp.initialize(lambda: examples)


def test_entities_without_a_value_are_counted_if_there_is_no_default(
    make_attr: Callable[..., Language], recwarn: pytest.WarningsRecorder
) -> None:
    def initialize(**config: Any) -> list[str]:
        recwarn.clear()
        nlp = make_attr(**config)
        nlp.initialize(lambda: examples)
        return [str(each.message) for each in recwarn if "without a value" in str(each.message)]

    # Of 5 findings, one has no attributes, and another one has only one of another name.
    later = [("有咳嗽", [(1, 3, "Finding", {"Time": "past"})]), ("痛", [(0, 1, "Finding", None)])]
    nlp = make_attr()
    examples = [make_example(nlp, *each) for each in [*ANNOTATIONS, *later]]
    defaults = {"Assertion": "present", "Time": "now"}
    assert initialize(defaults=defaults) == []
    [warning] = initialize(defaults={"Time": "now"})
    assert warning == (
        "str_attr: nothing is learned from annotated entities without a value of the attribute "
        "'Assertion' (2 of 5), although others of their types have one. If they have a usual "
        'value, name it, such as defaults = {"Assertion": "present"} under [components.str_attr].'
    )


def test_label_files_must_fit(make_attr: Callable[..., Language]) -> None:
    nlp = make_attr()
    data = {
        "Assertion": {"values": ["present", "negated"], "default": None, "types": ["Finding"]},
        "Of": {"values": ["family", "self"], "default": None, "types": ["Disease"]},
    }
    with pytest.raises(ValueError, match=r"label file lacks: 'Assertion=possible' \(1x\)"):
        initialize_with(nlp, data)
    data["Assertion"]["values"].append("possible")  # type: ignore[union-attr]
    with pytest.raises(ValueError, match=r"default of 'Assertion' is None, .* says 'present'"):
        initialize_with(nlp, data)


def test_training_that_goes_on_learns_new_values(
    make_attr: Callable[..., Language], tmp_path: Path
) -> None:
    nlp = make_attr()
    nlp.initialize(lambda: make_examples(nlp))
    nlp.to_disk(tmp_path / "trained")
    new = make_example(nlp, "除外发热", [(2, 4, "Finding", {"Assertion": "excluded"})])
    corpus = tmp_path / "train.spacy"
    DocBin(docs=[new.reference], store_user_data=True).to_disk(corpus)
    reader = {"@readers": "spacy-str-encoder.Corpus.v1", "path": str(corpus)}
    config = {
        "nlp": {"lang": "zh", "pipeline": [*nlp.pipe_names]},
        "components": {name: {"source": str(tmp_path / "trained")} for name in nlp.pipe_names},
        "corpora": {"train": reader, "dev": reader},
        "training": {"train_corpus": "corpora.train"},
        "initialize": {"components": {"str_attr": {"learn_new_labels": True}}},
    }
    continued = load_model_from_config(Config(config), auto_fill=True)
    with pytest.warns(UserWarning, match="'Assertion=excluded' of a Finding occurs in training"):
        spacy.load(tmp_path / "trained").update([new], sgd=False)
    # The reader has the components look for labels.
    examples = list(create_corpus(corpus)(continued))
    assert continued.get_pipe("str_attr").labels[-1] == "Assertion=excluded"
    assert continued.update(examples, sgd=False)["str_attr"] > 0
