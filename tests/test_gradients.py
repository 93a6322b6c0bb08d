"""Every hand-written backward pass against finite differences."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy
import pytest
import torch
from numpy.typing import NDArray
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.vocab import Vocab
from spacy_transformers.data_classes import TransformerData
from thinc.api import Linear, Model, NumpyOps
from transformers.utils import ModelOutput

from spacy_str_encoder.architectures import (
    BiLSTM,
    PairCapsules,
    PairCNN,
    PairMaxima,
    ResidualDilatedCNN,
)
from spacy_str_encoder.layers.classifier import classifier
from spacy_str_encoder.layers.crf import CRF, resize_crf, write_entities
from spacy_str_encoder.layers.embed_types import embed_types
from spacy_str_encoder.layers.encoder_states import StateGradients, split_states
from spacy_str_encoder.layers.pooled_pairs import PooledPairs
from spacy_str_encoder.layers.tanh import tanh
from spacy_str_encoder.layers.with_types import with_types
from spacy_str_encoder.pairs.candidates import DocPairs, all_pairs
from spacy_str_encoder.pairs.losses import sigmoid_loss, softmax_loss

from .oracles import assert_slopes, finite_differences, normal, slope
from .pipelines import (
    ANNOTATIONS,
    LAYERS,
    Pair,
    Recorder,
    encoder_gradients,
    make_examples,
    make_pairs,
)

Array = NDArray[Any]
POOLINGS: dict[str, Callable[..., Model[Any, Any]]] = {
    "PairMaxima": PairMaxima,
    "PairCNN": partial(PairCNN, filters=2, filter_widths=[2, 3], max_distance=2, piecewise=True),
    "PairCapsules": partial(
        PairCapsules,
        capsules=2,
        capsule_width=3,
        pair_capsules=2,
        pair_capsule_width=3,
        routings=2,
    ),
}
STATES = ("last_hidden_state", "shared_hidden_state", "entity_hidden_state")


def assert_close(actual: Any, expected: Any, tolerance: float = 2e-3) -> None:
    assert numpy.abs(expected).max() > 10 * tolerance
    numpy.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance)


def test_tanh() -> None:
    X, dY = normal(3, 4), normal(3, 4, seed=1)
    layer: Model[Any, Any] = tanh()
    Y, backprop = layer.begin_update(X)
    numpy.testing.assert_allclose(Y, numpy.tanh(X), atol=1e-6)
    expected = finite_differences(lambda: float((layer.predict(X) * dY).sum()), X)
    assert_close(backprop(dY), expected)


def make_classifier(classes: int) -> Model[Any, Any]:
    """A classifier of vectors that are given as they are, with whether there is one."""

    def forward(model: Model[Any, Any], X: Any, is_train: bool) -> Any:
        return X, lambda d_output: d_output

    model = classifier(Model("given", forward, dims={"nO": 4}), hidden_width=3)
    model.attrs["resize_output"](model, classes)
    model.initialize()
    return model


def linear_layers(model: Model[Any, Any]) -> list[Model[Any, Any]]:
    layers = [node for node in model.walk() if node.name == Linear().name]
    assert len(layers) == 2
    return layers


@pytest.mark.parametrize("is_resized", [False, True])
def test_classifier(is_resized: bool) -> None:
    model = make_classifier(2 if is_resized else 3)
    if is_resized:
        model.attrs["resize_output"](model, 3)
    for seed, layer in enumerate(linear_layers(model)):
        layer.set_param("W", normal(*layer.get_param("W").shape, seed=seed))
        layer.set_param("b", normal(*layer.get_param("b").shape, seed=seed + 5))
    vectors, reachable = normal(3, 4, seed=9), numpy.array([True, False, True, True])
    d_logits = normal(4, 3, seed=10)

    def loss() -> float:
        logits = model.predict((vectors, reachable))
        return float((logits * d_logits)[reachable].sum())

    logits, backprop = model.begin_update((vectors, reachable))
    assert numpy.isfinite(logits).tolist() == [[True] * 3, [True, False, False]] + 2 * [[True] * 3]
    d_vectors, _ = backprop(d_logits.copy())
    assert_close(d_vectors, finite_differences(loss, vectors))
    for layer in linear_layers(model):
        for name in ("W", "b"):
            expected = finite_differences(loss, layer.get_param(name))
            assert_close(layer.get_grad(name), expected)


@pytest.mark.parametrize("is_exclusive", [True, False])
def test_losses_of_pairs(is_exclusive: bool) -> None:
    # Of the fourth pair all relations are ruled out, of the last one some.
    ruled_out = numpy.zeros((6, 4), dtype="bool")
    ruled_out[3, 1:] = ruled_out[5, 1] = ruled_out[5, 3] = True
    logits = normal(6, 4).astype("float64")
    gold = numpy.array([[0, 2], [1, 1], [3, 2], [5, 1], [5, 2]])
    if not is_exclusive:
        gold = numpy.concatenate([gold, [[0, 3], [2, 1], [2, 2]]])
    compute = softmax_loss if is_exclusive else sigmoid_loss

    def loss() -> float:
        return compute(NumpyOps(), numpy.where(ruled_out, -numpy.inf, logits), gold)[0]

    start = logits.copy()
    _, d_logits = compute(NumpyOps(), numpy.where(ruled_out, -numpy.inf, logits), gold)
    assert_close(d_logits, finite_differences(loss, logits))
    assert not d_logits[ruled_out].any() and not d_logits[3].any()
    numpy.testing.assert_array_equal(logits, start)


def test_resizing_keeps_what_was_learned() -> None:
    classifier = make_classifier(2)
    X = normal(3, 4), numpy.array([True, True, True])
    before = classifier.predict(X)
    classifier.attrs["resize_output"](classifier, 5)
    after = classifier.predict(X)
    assert after.shape == (3, 5)
    numpy.testing.assert_allclose(after[:, :2], before, atol=1e-6)


@pytest.mark.parametrize("nested", [False, True])
def test_crf(nested: bool) -> None:
    torch.manual_seed(0)
    crf: Model[Any, Any] = CRF()
    resize_crf(crf, ["A", "B"], nested=nested)
    parameters = dict(crf.shims[0]._model.named_parameters())
    for parameter in parameters.values():
        torch.nn.init.normal_(parameter)
    entities = [[(1, 4, 0)], [(0, 1, 1)], [(0, 2, 1), (2, 3, 0)]]
    lengths = [4, 1, 3]
    tags = [write_entities(crf, *each) for each in zip(entities, lengths, strict=True)]
    emissions = [normal(length, 9, seed=i) for i, length in enumerate(lengths)]
    weights = numpy.array([1.0, -2.0, 0.5], dtype="float32")

    def loss() -> float:
        return float((crf.predict((emissions, tags)) * weights).sum())

    _, backprop = crf.begin_update((emissions, tags))
    d_emissions, _ = backprop(weights)
    for d_doc, doc_emissions in zip(d_emissions, emissions, strict=True):
        assert d_doc.shape == doc_emissions.shape
        assert_close(d_doc, finite_differences(loss, doc_emissions))
    for parameter in parameters.values():
        expected = finite_differences(loss, parameter.data.numpy())
        assert_close(parameter.grad.numpy(), expected)


def in_double(layer: Model[Any, Any]) -> Model[Any, Any]:
    """The same layer, exact enough for steps so small that no maximum moves to another token."""
    layer.shims[0]._model.double()
    return layer


def assert_gradients(
    layer: Model[Any, Any], loss: Callable[[], float], arrays: list[Array], gradients: list[Array]
) -> None:
    """Check the gradients of a loss for the inputs of a layer and the parameters of its module."""
    assert sum(numpy.abs(gradient).sum() for gradient in gradients) > 1
    for parameter in layer.shims[0]._model.parameters():
        arrays = [*arrays, parameter.data.numpy()]
        gradients = [*gradients, parameter.grad.numpy()]
    for array, gradient in zip(arrays, gradients, strict=True):
        expected = finite_differences(loss, array, 1e-6)
        numpy.testing.assert_allclose(gradient, expected, rtol=0, atol=1e-6)


TOKEN_ENCODERS: dict[str, Callable[[], Model[Any, Any]]] = {
    "dilated": partial(ResidualDilatedCNN, 4, window_size=1, dilations=[1, 2]),
    "Bi-LSTM": partial(BiLSTM, 4, depth=2),
}


@pytest.mark.parametrize("name", TOKEN_ENCODERS)
def test_token_encoders(name: str) -> None:
    torch.manual_seed(0)
    layer = in_double(TOKEN_ENCODERS[name]())
    X = [normal(length, 4, seed=length).astype("float64") for length in (3, 0, 6, 1)]
    weights = [normal(*x.shape, seed=9).astype("float64") for x in X]

    def loss() -> float:
        return sum(float((y * w).sum()) for y, w in zip(layer.predict(X), weights, strict=True))

    Y, backprop = layer.begin_update(X)
    assert [y.shape for y in Y] == [x.shape for x in X]
    assert_gradients(layer, loss, X, backprop(weights))


@pytest.mark.slow
@pytest.mark.parametrize("context", [None, 1])
@pytest.mark.parametrize("name", ["PairMaxima", "PairCNN", "PairCapsules"])
def test_pooled_pairs(name: str, context: int | None) -> None:
    torch.manual_seed(0)
    pooling = in_double(POOLINGS[name](width=4, context=context))
    vectors = [normal(length, 4, seed=length).astype("float64") for length in (5, 3, 0, 1)]
    sent: list[Any] = []

    def forward(model: Model[Any, Any], docs: list[Doc], is_train: bool) -> Any:
        return vectors, sent.extend

    layer = PooledPairs(Model("given", forward), pooling)
    vocab = Vocab()
    docs = [Doc(vocab, words=["x"] * len(doc_vectors)) for doc_vectors in vectors]
    entities = [[docs[0][0:2], docs[0][1:3], docs[0][4:5]], [docs[1][0:1]], [], [docs[3][0:1]]]
    X = [DocPairs(doc, e, all_pairs(doc, e)) for doc, e in zip(docs, entities, strict=True)]
    d_vectors = normal(3, layer.get_dim("nO")).astype("float64")

    def loss() -> float:
        return float((layer.predict(X)[0] * d_vectors).sum())

    (output, reachable), backprop = layer.begin_update(X)
    assert output.shape == d_vectors.shape and reachable.all()
    backprop((d_vectors, reachable))
    assert_gradients(pooling, loss, vectors, sent)


def test_entity_types_beside_pairs() -> None:
    vectors, reachable = normal(2, 3), numpy.array([True, False, True])
    sent: list[Any] = []

    def forward(model: Model[Any, Any], X: Any, is_train: bool) -> Any:
        return (vectors, reachable), sent.append

    layer = with_types(Model("given", forward, dims={"nO": 3}), embed_types())
    layer.initialize()
    doc = Doc(Vocab(), words=["x"] * 3)
    spans = [Span(doc, i, i + 1, label) for i, label in enumerate(["A", "B", "A"])]
    X = [DocPairs(doc, entities, all_pairs(doc, entities)) for entities in (spans, [])]
    d_joined = normal(2, layer.get_dim("nO"), seed=1)
    table = layer.layers[1].get_param("E")

    def loss() -> float:
        return float((layer.predict(X)[0] * d_joined).sum())

    (joined, _), backprop = layer.begin_update(X)
    first, second = joined[0, 3:35], joined[0, 35:]
    # The pairs within reach are those of the first and second entity, and of the second and third.
    numpy.testing.assert_array_equal(joined[1, 3:], numpy.concatenate([second, first]))
    assert abs(first - second).max() > 1e-3
    backprop((d_joined, reachable))
    numpy.testing.assert_array_equal(sent[0][0], d_joined[:, :3])
    assert_slopes(loss, table, layer.layers[1].get_grad("E"))


@pytest.fixture(
    params=[
        {"mask": mask, "pool_context": pool} for mask in ("cls", "pair") for pool in (False, True)
    ],
    ids=str,
)
def trained(request: Any, make_nlp: Callable[..., Language]) -> Language:
    return with_large_weights(make_nlp(model=request.param))


def with_large_weights(nlp: Language) -> Language:
    """A pipeline with weights large enough for gradients that can be measured."""
    nlp.initialize(lambda: make_examples(nlp))
    torch.manual_seed(0)
    for name, parameter in encoder_of(nlp).transformer.named_parameters():
        if "LayerNorm.weight" not in name:
            torch.nn.init.normal_(parameter, std=0.2)
    for pipe in ("str_ner", "str_rel"):
        output = nlp.get_pipe(pipe).model.get_ref("output_layer").layers[0]
        output.set_param("W", normal(*output.get_param("W").shape) / 4)
    return nlp


def encoder_of(nlp: Language) -> Any:
    return nlp.get_pipe("str_encoder").model


def send_states(
    nlp: Language, docs: list[Doc]
) -> tuple[Model[Any, Any], list[TransformerData], list[Any]]:
    """The pairs layer of a pipeline, the states its listener has received, and what it sends
    back."""
    layer = nlp.get_pipe("str_rel").model.layers[0]
    listener = layer.get_ref("tok2vec")
    states = encoder_of(nlp).predict(docs).doc_data
    sent: list[Any] = []
    listener.receive(listener.get_batch_id(docs), states, sent.extend)
    return layer, states, sent


@pytest.mark.slow
def test_focused_pairs(trained: Language) -> None:
    docs = [trained.make_doc(text) for text, _, _ in (ANNOTATIONS[2], ANNOTATIONS[1])]
    docs.insert(1, trained.make_doc(""))
    pairs: list[list[Pair]] = [
        [(0, 3, 3, 4), (0, 3, 4, 6)],
        [],
        [(1, 4, 9, 11), (9, 11, 11, 13), (0, 2, 1, 3)],
    ]
    inputs = list(map(make_pairs, docs, pairs))
    layer, states, sent = send_states(trained, docs)
    names = {STATES[1]}
    if layer.attrs["mask"] == "cls":
        # Eq. 13 looks at rows of the entity path too.
        names.add(STATES[2])
    if layer.attrs["pool_context"]:
        names.add(STATES[0])
    encoder_of(trained).transformer.double()
    for data in states:
        for name in data.model_output:
            data.model_output[name] = data.model_output[name].astype("float64")
    for doc, data in zip(docs, states, strict=True):
        doc._.trf_data = data
    d_vectors = normal(5, layer.get_dim("nO"))

    def loss() -> float:
        return float((layer.predict(inputs)[0] * d_vectors).sum())

    (_, reachable), backprop = layer.begin_update(inputs)
    backprop((d_vectors, reachable))
    with_tokens = [data for data in states if data.model_output]
    assert len(sent) == len(with_tokens) == 2
    for d_doc, data in zip(sent, with_tokens, strict=True):
        assert set(d_doc.model_output) == names
        for name, d_state in d_doc.model_output.items():
            assert_slopes(loss, data.model_output[name], d_state)
    for module in encoder_of(trained).transformer.encoder.layer[LAYERS - 2 :]:
        for name in ("attention.self.query.weight", "output.dense.weight", "output.LayerNorm.bias"):
            parameter = module.get_parameter(name)
            assert_slopes(loss, parameter.data.numpy(), parameter.grad.numpy())
    below = encoder_of(trained).transformer.encoder.layer[: LAYERS - 2]
    assert all(parameter.grad is None for parameter in below.parameters())


def test_gradients_are_summed_by_name(nlp: Language) -> None:
    docs = [nlp.make_doc(text) for text in ("前降支", "", "无狭窄。左主干")]
    states = encoder_of(nlp).predict(docs)
    first, second = StateGradients(states), StateGradients(states)
    shapes = [data.model_output[STATES[0]].shape for data in states.doc_data if data.model_output]

    def gradients(name: str, seed: int) -> list[TransformerData]:
        with_tokens = [data for data in states.doc_data if data.model_output]
        outputs = [ModelOutput({name: normal(*shape, seed=seed)}) for shape in shapes]
        return [
            TransformerData(data.wordpieces, output, data.align)
            for data, output in zip(with_tokens, outputs, strict=True)
        ]

    def stacked(seed: int) -> Array:
        rows = [normal(*shape, seed=seed).reshape(-1, shape[-1]) for shape in shapes]
        return numpy.concatenate(rows)

    assert not first
    squares = first.add(gradients(STATES[1], 1))
    assert squares == pytest.approx((stacked(1) ** 2).sum(), rel=1e-4)
    first.add(gradients(STATES[0], 2))
    first.add(gradients(STATES[1], 3))
    second.add(gradients(STATES[0], 2))
    output = first.as_batch().model_output
    assert set(output) == set(STATES[:2])
    numpy.testing.assert_allclose(output[STATES[0]], stacked(2), atol=1e-6)
    numpy.testing.assert_allclose(output[STATES[1]], stacked(1) + stacked(3), atol=1e-6)
    assert list(second.as_batch().model_output) == [STATES[0]]


@pytest.mark.parametrize("names", [STATES[:1], STATES[1:], STATES, STATES[::-1]])
def test_states_are_backpropagated_by_name(nlp: Language, names: tuple[str, ...]) -> None:
    docs = [nlp.make_doc(text) for text in ("前降支", "", "无狭窄。左主干")]
    encoder = encoder_of(nlp)
    transformer = encoder.transformer
    states, backprop_encoder = encoder.begin_update(docs)
    # Nothing comes back from padding.
    mask = states.wordpieces.attention_mask[..., None]
    d_output = {
        name: normal(*mask.shape[:2], encoder.get_dim("nO"), seed=7) * mask for name in names
    }
    split, backprop = split_states().begin_update(states)
    with_tokens = [data for data in split if data.model_output]
    d_docs = [
        TransformerData(
            data.wordpieces,
            ModelOutput({name: d_output[name][i : i + 1, :length] for name in names}),
            data.align,
        )
        for i, data in enumerate(with_tokens)
        for length in [data.wordpieces.input_ids.shape[1]]
    ]
    backprop_encoder(backprop(d_docs))
    actual = {n: p.grad.clone() for n, p in transformer.named_parameters() if p.grad is not None}
    transformer.zero_grad()
    output = transformer(
        torch.from_numpy(states.wordpieces.input_ids),
        attention_mask=torch.from_numpy(states.wordpieces.attention_mask),
        output_hidden_states=True,
    )
    # The pipeline has K = 2.
    plain = {STATES[0]: output.last_hidden_state, STATES[1]: output.hidden_states[LAYERS - 2]}
    plain[STATES[2]] = output.hidden_states[LAYERS - 1]
    sum((plain[name] * torch.from_numpy(d_output[name])).sum() for name in names).backward()
    expected = {n: p.grad for n, p in transformer.named_parameters() if p.grad is not None}
    assert actual.keys() == expected.keys()
    for name, gradient in expected.items():
        torch.testing.assert_close(actual[name], gradient, rtol=1e-4, atol=1e-4)


def losses_of(nlp: Language) -> dict[str, float]:
    """Update without a step."""
    losses: dict[str, float] = {}
    nlp.update(make_examples(nlp), losses=losses, sgd=False)
    return losses


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "encoder.layer.2.attention.self.value.weight",
        "encoder.layer.1.attention.self.query.weight",
        "encoder.layer.0.intermediate.dense.weight",
        "embeddings.word_embeddings.weight",
    ],
)
def test_both_tasks_reach_every_layer(trained: Language, name: str) -> None:
    gradient = encoder_gradients(trained, make_examples(trained))[name]
    weights = encoder_of(trained).transformer.get_parameter(name).data.numpy()

    def loss() -> float:
        losses = losses_of(trained)
        return losses["str_ner"] + losses["str_rel"]

    length = float(numpy.linalg.norm(gradient))
    along = slope(loss, weights, ..., gradient / length * 0.02)
    assert along == pytest.approx(length, rel=0.02)
    for index in numpy.argsort(-abs(gradient), axis=None)[:2]:
        entry = numpy.unravel_index(index, gradient.shape)
        assert slope(loss, weights, entry, 0.01) == pytest.approx(gradient[entry], rel=0.05)


@pytest.mark.parametrize("config", [{"schema": "observed"}, {"exclusive": False}])
def test_other_losses_reach_every_layer(
    make_nlp: Callable[..., Language], config: dict[str, Any]
) -> None:
    nlp = with_large_weights(make_nlp(**config))
    gradients = encoder_gradients(nlp, make_examples(nlp), exclude=["str_ner"])
    for layer in range(LAYERS):
        name = f"encoder.layer.{layer}.intermediate.dense.weight"
        weights = encoder_of(nlp).transformer.get_parameter(name).data.numpy()
        length = float(numpy.linalg.norm(gradients[name]))
        step = gradients[name] / length * 0.02
        along = slope(lambda: losses_of(nlp)["str_rel"], weights, ..., step)
        assert along == pytest.approx(length, rel=0.02)


@pytest.mark.slow
@pytest.mark.parametrize("alone", ["str_ner", "str_rel"])
def test_the_tasks_add_up(trained: Language, alone: str) -> None:
    both = encoder_gradients(trained, make_examples(trained))
    with trained.select_pipes(disable=[alone]):
        one = encoder_gradients(trained, make_examples(trained))
    with trained.select_pipes(enable=["str_encoder", alone]):
        other = encoder_gradients(trained, make_examples(trained))
    assert both.keys() == one.keys() == other.keys()
    for name in both:
        numpy.testing.assert_allclose(one[name] + other[name], both[name], atol=1e-4)
    assert all(abs(one[name]).max() > 1e-3 for name in both if "bias" not in name)


def test_the_encoder_steps_once_for_both_tasks(trained: Language) -> None:
    expected = encoder_gradients(trained, make_examples(trained))
    optimizer = Recorder()
    trained.update(make_examples(trained), sgd=optimizer)
    # The step is made when the encoder is called again: only then has every listener learned.
    trained.get_pipe("str_encoder").predict([trained.make_doc("狭窄")])
    assert {len(gradients) for gradients in optimizer.calls.values()} == {1}
    assert expected.keys() == dict(encoder_of(trained).transformer.named_parameters()).keys()
    for name, gradient in expected.items():
        (stepped,) = optimizer.calls[encoder_of(trained).shim.id, name]
        numpy.testing.assert_allclose(stepped, gradient, atol=1e-5)


@pytest.mark.parametrize("frozen", range(LAYERS + 1))
def test_layers_may_be_frozen_one_by_one(trained: Language, frozen: int) -> None:
    examples = make_examples(trained)
    expected = encoder_gradients(trained, examples)
    transformer = trained.get_pipe("str_encoder").model.transformer
    for module in (transformer.embeddings, *transformer.encoder.layer[:frozen]):
        module.requires_grad_(False)
    found = encoder_gradients(trained, examples)
    # The pooler of BERT is not used.
    free = {
        name for name, p in transformer.named_parameters() if p.requires_grad and name in expected
    }
    assert found.keys() == free
    for name, gradient in found.items():
        numpy.testing.assert_allclose(gradient, expected[name], rtol=1e-4, atol=1e-6)


def test_relations_do_not_own_the_encoder(trained: Language) -> None:
    model = trained.get_pipe("str_rel").model
    assert not [shim for node in model.walk() for shim in node.shims]
    parameters = [node.get_param(name) for node in model.walk() for name in node.param_names]
    # What is saved are two linear layers and little else.
    assert len(model.to_bytes()) < sum(p.nbytes for p in parameters) + 2_000
    assert sum(p.nbytes for p in parameters) < len(encoder_of(trained).to_bytes()) / 10


def test_the_step_of_relations_leaves_the_encoder_alone(trained: Language) -> None:
    losses_of(trained)
    optimizer = Recorder()
    trained.get_pipe("str_rel").finish_update(optimizer)
    owners = {node.id for node in trained.get_pipe("str_rel").model.walk()}
    assert {owner for owner, _ in optimizer.calls} <= owners
    assert len(optimizer.calls) == 4
    layer = encoder_of(trained).transformer.encoder.layer[-1]
    assert all(p.grad is not None and p.grad.any() for p in layer.parameters() if p.dim() == 2)
