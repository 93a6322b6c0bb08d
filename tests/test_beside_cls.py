"""What the relation head may see beside `[CLS]`: the types of the two entities, their rows, and
what is between them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy
import pytest
import spacy
import torch
from spacy.language import Language
from spacy.tokens import Doc, Span
from torch import Tensor
from transformers import AutoTokenizer, BertModel

from spacy_str_encoder.architectures import FocusedListener, RelationClassifier
from spacy_str_encoder.layers import pair_chunks
from spacy_str_encoder.pairs.candidates import DocPairs

from .oracles import assert_slopes, normal, plain_focus
from .pipelines import (
    ANNOTATIONS,
    DIRECTIONS,
    LAYERS,
    TEXT,
    MakeNlp,
    build_trained,
    encoder_weights,
    make_example,
    make_examples,
    make_optimizer,
    relate,
)
from .strong_encoders import WORDS, encoder_of, make_doc, make_encoder, strengthen

WIDTH = 32
# Start, end and type of both entities: apart, of the same type, overlapping, the same tokens.
PAIRS = [
    ((0, 1, "X"), (3, 4, "Y")),
    ((0, 1, "Y"), (3, 4, "X")),
    ((2, 4, "X"), (5, 6, "X")),
    ((3, 6, "Y"), (4, 8, "Z")),
    ((7, 9, "X"), (7, 9, "Z")),
]
POOLS = [
    {"pool_entities": False, "pool_context": False},
    {"pool_entities": True, "pool_context": False},
    {"pool_entities": False, "pool_context": True},
    {"pool_entities": True, "pool_context": True},
]
every_way = pytest.mark.parametrize("pools", POOLS)


@pytest.fixture(scope="module")
def strong_path(encoder_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return strengthen(encoder_path, tmp_path_factory.mktemp("encoders") / "strong")


def make_layer(path: Path, **options: bool) -> Any:
    """The layer that looks at pairs, with an encoder of its own."""
    classifier = RelationClassifier(make_encoder(path), mask="pair", **options)
    layer = classifier.layers[0]
    layer.initialize()
    return layer


def make_pairs(doc: Doc) -> DocPairs:
    spans = [Span(doc, start, end, label=label) for pair in PAIRS for start, end, label in pair]
    return DocPairs(doc, spans, numpy.arange(len(spans)).reshape(-1, 2))


def type_vector(layer: Any, label: str, role: int) -> Tensor:
    key = spacy.strings.get_string_id(label) + role
    vectors = layer.get_ref("type_vectors").predict(numpy.array([key], dtype="uint64"))
    return torch.from_numpy(vectors[0]).double()


@torch.no_grad()
def plain_vectors(path: Path, layer: Any, doc: Doc, focus_layers: int = 2) -> Iterator[Tensor]:
    """`[CLS]`, and as asked for, the means of both entities and the maxima between them, with the
    types' vectors added to the rows of the whole sequence, and the last layers run on it under the
    whole mask."""
    tokenizer = AutoTokenizer.from_pretrained(path)
    transformer = BertModel.from_pretrained(path, add_pooling_layer=False).double()
    encoding = tokenizer(doc.text, return_offsets_mapping=True)
    output = transformer(torch.tensor([encoding["input_ids"]]), output_hidden_states=True)
    for pair in PAIRS:
        rows = output.hidden_states[LAYERS - focus_layers][0].clone()
        entities = []
        for role, (start, end, label) in enumerate(pair):
            characters = {*range(doc[start].idx, doc[end - 1].idx + len(doc[end - 1]))}
            offsets = enumerate(encoding["offset_mapping"])
            entities.append([i for i, borders in offsets if characters & set(range(*borders))])
            if layer.maybe_get_ref("type_vectors"):
                rows[entities[-1]] += type_vector(layer, label, role)
        mask = layer.attrs["mask"]
        seen = plain_focus(transformer, focus_layers, rows, mask, {0}.union(*entities))
        parts = [seen[0]]
        if layer.attrs["pool_entities"]:
            parts += [seen[entity].mean(dim=0) for entity in entities]
        if layer.attrs["pool_context"]:
            first, second = sorted(entities, key=max)
            between = output.last_hidden_state[0, max(first) + 1 : min(second)]
            parts.append(between.amax(dim=0) if len(between) else torch.zeros(WIDTH))
        yield torch.cat(parts)


@pytest.mark.parametrize("entity_types", [False, True])
@every_way
def test_vectors_under_the_whole_mask(
    strong_path: Path, entity_types: bool, pools: dict[str, bool]
) -> None:
    layer = make_layer(strong_path, entity_types=entity_types, **pools)
    doc = make_doc(WORDS)
    vectors, reachable = layer.predict([make_pairs(doc)])
    assert reachable.all()
    expected = torch.stack([*plain_vectors(strong_path, layer, doc)])
    assert layer.get_dim("nO") == expected.shape[1]
    numpy.testing.assert_allclose(vectors, expected, rtol=0, atol=1e-5)
    # The first two differ in their types alone.
    assert (abs(vectors[0] - vectors[1]).max() > 0.01) == entity_types


@pytest.mark.parametrize("focus_layers", [1, 2])
def test_the_context_under_the_mask_of_eq_13(strong_path: Path, focus_layers: int) -> None:
    encoder = make_encoder(strong_path, focus_layers=focus_layers)
    layer = RelationClassifier(encoder, mask="cls", pool_context=True).layers[0]
    layer.initialize()
    doc = make_doc(WORDS)
    vectors, _ = layer.predict([make_pairs(doc)])
    expected = torch.stack([*plain_vectors(strong_path, layer, doc, focus_layers)])
    numpy.testing.assert_allclose(vectors, expected, rtol=0, atol=1e-5)


@every_way
def test_chunks_change_nothing(
    strong_path: Path, pools: dict[str, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = make_layer(strong_path, entity_types=True, **pools)
    docs = [make_doc(WORDS), make_doc([]), make_doc(WORDS[::-1])]
    empty = DocPairs(docs[1], [], numpy.zeros((0, 2), dtype="int64"))
    pairs = [make_pairs(docs[0]), empty, make_pairs(docs[2])]
    whole, _ = layer.predict(pairs)
    monkeypatch.setattr(pair_chunks, "MAX_ROWS", 7)
    cut, _ = layer.predict(pairs)
    numpy.testing.assert_allclose(cut, whole, rtol=0, atol=1e-5)
    alone, _ = layer.predict(pairs[2:])
    numpy.testing.assert_allclose(alone, whole[len(PAIRS) :], rtol=0, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("max_rows", [7, 8192])
@every_way
def test_gradients(
    strong_path: Path, pools: dict[str, bool], max_rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pair_chunks, "MAX_ROWS_IN_TRAINING", max_rows)
    layer = make_layer(strong_path, entity_types=True, **pools)
    transformer = encoder_of(layer).transformer
    doc = make_doc(WORDS)
    X = [make_pairs(doc)]
    d_vectors = normal(len(PAIRS), layer.get_dim("nO"))

    def loss() -> float:
        return float((layer.predict(X)[0] * d_vectors).sum())

    (_, reachable), backprop = layer.begin_update(X)
    backprop((d_vectors, reachable))
    embedding = layer.get_ref("type_vectors")
    assert_slopes(loss, embedding.get_param("E"), embedding.get_grad("E"))
    for module in transformer.encoder.layer:
        parameter = module.get_parameter("output.dense.weight")
        assert_slopes(loss, parameter.data.numpy(), parameter.grad.numpy())


def test_types_are_learned_while_the_encoder_is_frozen(make_nlp: MakeNlp) -> None:
    nlp = make_nlp(model={"mask": "pair", "entity_types": True})
    examples = make_examples(nlp)
    nlp.initialize(lambda: examples)
    layer = nlp.get_pipe("str_rel").model.layers[0]
    before = layer.get_ref("type_vectors").get_param("E").copy(), encoder_weights(nlp)
    with nlp.select_pipes(disable="str_ner"):
        nlp.update(
            examples, sgd=make_optimizer(), exclude=["str_encoder"], annotates=["str_encoder"]
        )
    assert abs(layer.get_ref("type_vectors").get_param("E") - before[0]).max() > 1e-4
    for name, weights in encoder_weights(nlp).items():
        numpy.testing.assert_array_equal(weights, before[1][name])


class OverflowOnce:
    """Takes the place of thinc's gradient scaler, which needs a GPU: gradients have overflowed, and
    have so until it is told that a step was made."""

    has_overflowed = True

    def scale(self, tensor: Tensor) -> Tensor:
        return tensor

    def unscale(self, tensors: list[Tensor]) -> bool:
        return self.has_overflowed

    def update(self) -> None:
        self.has_overflowed = False


def test_types_learn_on_after_an_overflow_while_the_encoder_is_frozen(make_nlp: MakeNlp) -> None:
    nlp = make_nlp(model={"mask": "pair", "entity_types": True})
    examples = make_examples(nlp)
    nlp.initialize(lambda: examples)
    nlp.get_pipe("str_encoder").model.shim._grad_scaler = OverflowOnce()
    layer = nlp.get_pipe("str_rel").model.layers[0].get_ref("type_vectors")
    before = layer.get_param("E").copy()
    moved = []
    for _ in range(2):
        with nlp.select_pipes(disable="str_ner"):
            frozen = {"exclude": ["str_encoder"], "annotates": ["str_encoder"]}
            nlp.update(examples, sgd=make_optimizer(), **frozen)
        moved.append(float(abs(layer.get_param("E") - before).max()))
    assert moved[0] == 0
    assert moved[1] > 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("annotations", [ANNOTATIONS, DIRECTIONS])
def test_a_pipeline_learns_and_is_saved(
    make_nlp: MakeNlp, annotations: Any, tmp_path: Path
) -> None:
    model = {"mask": "pair", "entity_types": True, "pool_entities": True, "pool_context": True}
    nlp = build_trained(make_nlp, annotations, model=model)
    found = [relate(nlp, annotation)._.relations for annotation in annotations]
    for relations, (_, entities, expected) in zip(found, annotations, strict=True):
        places = {(start, end): i for i, (start, end, _) in enumerate(entities)}
        triples = {(places[span_of(r.head)], places[span_of(r.tail)], r.label) for r in relations}
        assert triples == set(expected)
    nlp.to_disk(tmp_path)
    loaded = spacy.load(tmp_path)
    for annotation, relations in zip(annotations, found, strict=True):
        again = relate(loaded, annotation)._.relations
        assert [r.score for r in again] == [r.score for r in relations]


def span_of(span: Span) -> tuple[int, int]:
    return span.start_char, span.end_char


@pytest.mark.slow
def test_replaced_listeners_predict_the_same(make_nlp: MakeNlp, tmp_path: Path) -> None:
    model = {"mask": "pair", "entity_types": True, "pool_entities": True, "pool_context": True}
    nlp: Language = build_trained(make_nlp, ANNOTATIONS, model=model)
    expected = [(r.label, r.score) for r in nlp(TEXT)._.relations]
    nlp.replace_listeners("str_encoder", "str_rel", ["model.tok2vec"])
    nlp.to_disk(tmp_path)
    assert expected
    assert [(r.label, r.score) for r in spacy.load(tmp_path)(TEXT)._.relations] == expected


@every_way
def test_a_batch_may_have_no_pairs(make_nlp: MakeNlp, pools: dict[str, bool]) -> None:
    nlp = make_nlp(model={"mask": "pair", "entity_types": True, **pools})
    nlp.initialize(lambda: make_examples(nlp))
    single = make_example(nlp, ("狭窄", [(0, 2, "Degree")], []))
    losses = nlp.update([single, make_example(nlp, ("", [], []))], sgd=make_optimizer())
    assert losses["str_ner"] > 0 and losses["str_rel"] == 0


@pytest.mark.parametrize("option", ["entity_types", "pool_entities"])
def test_the_mask_of_eq_13_is_refused(option: str) -> None:
    with pytest.raises(ValueError, match="need mask = 'pair'"):
        RelationClassifier(FocusedListener("*"), mask="cls", **{option: True})
