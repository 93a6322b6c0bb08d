"""Relations on any tok2vec: listening to a shared one, or with their own."""

from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.util import fix_random_seed
from thinc.api import Adam, Config, Model

from spacy_str_encoder import Relation

from .pipelines import (
    ANNOTATIONS,
    DIRECTIONS,
    TEXT,
    Annotation,
    finish_update,
    found,
    make_example,
    scores,
    with_entities,
)

# It trains.
pytestmark = pytest.mark.slow

WIDTH = 16
SINGLE: Annotation = ("狭窄", [(0, 2, "Degree")], [])
POOLINGS: dict[str, dict[str, Any]] = {
    "PairMaxima": {},
    "PairCNN": {"filters": 8, "filter_widths": [2, 3], "max_distance": 10, "piecewise": True},
    "PairCapsules": {
        "capsules": 4,
        "capsule_width": 4,
        "pair_capsules": 4,
        "pair_capsule_width": 8,
        "routings": 3,
    },
}
EMBED = {
    "@architectures": "spacy.MultiHashEmbed.v2",
    "width": WIDTH,
    "attrs": ["NORM"],
    "rows": [200],
    "include_static_vectors": False,
}
BILSTM = {"@architectures": "spacy-str-encoder.BiLSTM.v1", "width": WIDTH}
DILATED = {"@architectures": "spacy-str-encoder.ResidualDilatedCNN.v1", "window_size": 1}
ENCODERS: dict[str, dict[str, Any]] = {
    "Bi-LSTM": {**BILSTM, "depth": 1},
    "dilated": {**DILATED, "width": WIDTH, "dilations": [1, 2]},
}
LISTENER = {"@architectures": "spacy.Tok2VecListener.v1", "width": WIDTH}


def tok2vec(encoder: str) -> dict[str, Any]:
    return {"@architectures": "spacy.Tok2Vec.v2", "embed": EMBED, "encode": ENCODERS[encoder]}


def relation_model(
    source: dict[str, Any], pooling: str, entity_types: bool = False, **options: Any
) -> dict[str, Any]:
    layer = {"@architectures": f"spacy-str-encoder.{pooling}.v1", "width": WIDTH}
    return {
        "@architectures": "spacy-str-encoder.PooledRelationClassifier.v1",
        "hidden_width": 16,
        "entity_types": entity_types,
        "tok2vec": source,
        "pooling": {**layer, **POOLINGS[pooling], **options},
    }


def make_pipeline(source: str, pooling: str, **options: Any) -> Language:
    """Both tasks on one tok2vec, or relations alone on their own."""
    config: dict[str, Any] = {"nlp": {"lang": "zh", "pipeline": ["str_rel"]}, "components": {}}
    vectors = tok2vec("Bi-LSTM" if pooling == "PairCapsules" else "dilated")
    if source == "shared":
        config["nlp"]["pipeline"] = ["tok2vec", "str_ner", "str_rel"]
        config["components"]["tok2vec"] = {"factory": "tok2vec", "model": vectors}
        tagger = {"@architectures": "spacy-str-encoder.CRFTagger.v1", "tok2vec": LISTENER}
        config["components"]["str_ner"] = {"factory": "str_ner", "model": tagger}
        vectors = LISTENER
    model = relation_model(vectors, pooling, **options)
    config["components"]["str_rel"] = {"factory": "str_rel", "model": model}
    fix_random_seed(0)
    return spacy.util.load_model_from_config(Config(config), auto_fill=True)


def train(nlp: Language, annotations: list[Annotation], steps: int = 80) -> Language:
    examples = [make_example(nlp, annotation) for annotation in annotations]
    # A batch may hold docs without tokens, without entities and with a single one.
    examples += [
        make_example(nlp, ("", [], [])),
        make_example(nlp, ("狭窄", [(0, 2, "Degree")], [])),
    ]
    optimizer = nlp.initialize(lambda: examples)
    optimizer = Adam(1e-2, L2=0.0)
    for _ in range(steps):
        nlp.update(examples, sgd=False)
        # As in spaCy's training loop: only now has every listener sent what it learned.
        finish_update(nlp, optimizer)
    return nlp


def relate(nlp: Language, annotation: Annotation) -> Doc:
    """A doc whose entities are found, or given if nothing finds them."""
    return nlp(annotation[0] if "str_ner" in nlp.pipe_names else with_entities(nlp, annotation))


@pytest.fixture(scope="module", params=["shared", "own"])
def source(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module", params=POOLINGS)
def trained(request: pytest.FixtureRequest, source: str) -> Language:
    return train(make_pipeline(source, request.param), ANNOTATIONS)


def assert_learned(nlp: Language, annotation: Annotation) -> None:
    text, entities, relations = annotation
    expected = [
        (text[slice(*entities[i][:2])], text[slice(*entities[j][:2])], label)
        for i, j, label in relations
    ]
    assert sorted(found(relate(nlp, annotation))[1]) == sorted(expected)


@pytest.mark.parametrize("annotation", ANNOTATIONS, ids=lambda annotation: annotation[0])
def test_a_small_corpus_is_learned(trained: Language, annotation: Annotation) -> None:
    assert_learned(trained, annotation)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_directions_are_learned(pooling: str) -> None:
    nlp = train(make_pipeline("shared", pooling), DIRECTIONS)
    for annotation in DIRECTIONS:
        assert_learned(nlp, annotation)


def test_a_saved_pipeline_finds_the_same(trained: Language, tmp_path: Path) -> None:
    trained.to_disk(tmp_path)
    for loaded in (spacy.load(tmp_path), spacy.blank("zh").from_config(trained.config)):
        loaded.from_bytes(trained.to_bytes())
        for annotation in ANNOTATIONS:
            before, after = relate(trained, annotation), relate(loaded, annotation)
            assert found(after) == found(before)
            assert scores(after) == pytest.approx(scores(before), abs=1e-6)


def test_docs_in_a_batch_do_not_change_each_other(trained: Language) -> None:
    texts = ["", "狭窄", *(text for text, _, _ in ANNOTATIONS)]
    gold = {text: annotation for annotation in ANNOTATIONS for text in annotation[:1]}
    docs = [with_entities(trained, gold.get(text, (text, [], []))) for text in texts]
    together = list(trained.pipe([doc.copy() for doc in docs]))
    for doc, batched in zip(docs, together, strict=True):
        alone = trained(doc)
        assert found(alone) == found(batched)
        assert scores(alone) == pytest.approx(scores(batched), abs=1e-5)
    assert any(doc._.relations for doc in together)


def test_processes_find_the_same(trained: Language) -> None:
    given = [with_entities(trained, annotation) for annotation in ANNOTATIONS]
    docs = list(trained.pipe([doc.copy() for doc in given], n_process=2, batch_size=2))
    assert [found(doc) for doc in docs] == [found(trained(doc)) for doc in given]
    assert any(doc._.relations for doc in docs)


def test_a_replaced_listener_finds_the_same(tmp_path: Path) -> None:
    nlp = train(make_pipeline("shared", "PairCNN"), ANNOTATIONS)
    expected = nlp(TEXT)
    nlp.replace_listeners("tok2vec", "str_rel", ["model.tok2vec"])
    nlp.to_disk(tmp_path)
    for changed in (nlp, spacy.load(tmp_path)):
        source = changed.config["components"]["str_rel"]["model"]["tok2vec"]
        assert source["@architectures"] == "spacy.Tok2Vec.v2"
        assert found(changed(TEXT)) == found(expected)
        assert scores(changed(TEXT)) == pytest.approx(scores(expected), abs=1e-6)


def overlapping_example(nlp: Language, text: str) -> Example:
    example = Example(nlp.make_doc(text), nlp.make_doc(text))
    for doc in (example.predicted, example.reference):
        spans = [Span(doc, 0, 4, "Part"), Span(doc, 2, 4, "Place"), Span(doc, 2, 6, "Finding")]
        doc.spans["entities"] = spans
    relations = [Relation(spans[0], spans[1], "has"), Relation(spans[2], spans[0], "in")]
    example.reference._.relations = relations
    return example


def test_entities_may_overlap() -> None:
    nlp = make_pipeline("own", "PairCNN")
    nlp.remove_pipe("str_rel")
    model = relation_model(tok2vec("Bi-LSTM"), "PairCNN")
    nlp.add_pipe("str_rel", config={"model": model, "spans_key": "entities"})
    examples = [overlapping_example(nlp, text) for text in ("右冠中段狭窄", "左冠近段狭窄")]
    nlp.initialize(lambda: examples)
    optimizer = Adam(1e-2, L2=0.0)
    for _ in range(60):
        nlp.update(examples, sgd=optimizer)
    doc = nlp(examples[0].predicted.copy())
    assert sorted(found(doc)[1]) == sorted(found(examples[0].reference)[1])


def test_types_tell_relations_apart(tmp_path: Path) -> None:
    annotations: list[Annotation] = [
        ("甲乙", [(0, 1, types[0]), (1, 2, types[1])], [relation])
        for types, relation in [
            ("XY", (0, 1, "from")),
            ("YX", (1, 0, "from")),
            ("XX", (0, 1, "is")),
        ]
    ]
    nlp = train(make_pipeline("own", "PairMaxima", entity_types=True), annotations)
    nlp.to_disk(tmp_path)
    for pipeline in (nlp, spacy.load(tmp_path)):
        for annotation in annotations:
            assert_learned(pipeline, annotation)
    pipeline.update([make_example(pipeline, SINGLE)], sgd=Adam(1e-2))


def test_batches_without_pairs_still_teach_the_shared_layers() -> None:
    nlp = train(make_pipeline("shared", "PairCNN"), ANNOTATIONS, steps=2)
    embed = nlp.get_pipe("tok2vec").model.get_ref("embed")
    (table,) = [node for node in embed.walk() if node.has_param("E")]
    assert not table.get_grad("E").any()
    nlp.update([make_example(nlp, SINGLE)], sgd=False)
    assert table.get_grad("E").any()


def test_averages_reach_the_torch_layers() -> None:
    nlp = make_pipeline("own", "PairCNN")
    examples = [make_example(nlp, annotation) for annotation in ANNOTATIONS]
    nlp.initialize(lambda: examples)
    optimizer = Adam(1e-2, L2=0.0, use_averages=True)
    for _ in range(3):
        nlp.update(examples, sgd=optimizer)
    shims = [shim for node in nlp.get_pipe("str_rel").model.walk() for shim in node.shims]
    assert len(shims) == 2
    own = [parameter.data.clone() for shim in shims for parameter in shim._model.parameters()]
    with nlp.use_params(optimizer.averages):
        averages = [parameter.data for shim in shims for parameter in shim._model.parameters()]
        assert all((a != b).any() for a, b in zip(own, averages, strict=True))


def test_the_words_are_encoded_once_for_all_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    nlp = make_pipeline("own", "PairCNN")
    nlp.initialize(lambda: [make_example(nlp, annotation) for annotation in ANNOTATIONS])
    monkeypatch.setattr("spacy_str_encoder.modules.pair_words.MAX_WORDS", 1000)
    doc = nlp.make_doc("近段狭窄" * 50)
    doc.set_ents([Span(doc, i, i + 2, "Degree") for i in range(0, 200, 2)])
    embed = next(node for node in nlp.get_pipe("str_rel").model.walk() if node.name == "hashembed")
    counts = []

    def count(model: Model[Any, Any], X: Any, is_train: bool) -> Any:
        counts.append(len(X))
        return forward(model, X, is_train)

    forward = embed._func
    monkeypatch.setattr(embed, "_func", count)
    nlp.get_pipe("str_rel").predict([doc])
    assert counts == [len(doc)]


def test_widths_have_to_agree() -> None:
    with pytest.raises(ValueError, match="must be the width of the token vectors, 16, got 8"):
        make_pipeline("shared", "PairMaxima", width=8)


def test_a_context_is_not_negative() -> None:
    with pytest.raises(
        ValueError, match="context must be 0 or more, or null for the whole doc, got -1"
    ):
        make_pipeline("shared", "PairMaxima", context=-1)
