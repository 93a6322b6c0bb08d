"""The layer that looks at pairs, with a real encoder, against whole sequences and whole masks."""

from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from spacy.tokens import Doc
from spacy_transformers import install_extensions
from torch import Tensor
from torch.utils.checkpoint import checkpoint as torch_checkpoint
from transformers import AutoTokenizer, BertModel

from spacy_str_encoder.architectures import FocusedListener
from spacy_str_encoder.layers import pair_chunks
from spacy_str_encoder.layers import run_focused as look_at_pairs
from spacy_str_encoder.layers.classifier import classifier
from spacy_str_encoder.layers.focused_pairs import FocusedPairs
from spacy_str_encoder.modules.masks import MaskName

from .oracles import every_mask, plain_focus
from .pipelines import LAYERS, Pair, make_pairs
from .strong_encoders import WORDS, encoder_of, make_doc, make_encoder, strengthen

OTHER_WORDS = ["约", "50%", "的", "狭窄", "位于", "右冠", "中段"]
# Apart, in reverse order, nested, the same twice, overlapping, adjacent, everything.
PAIRS: list[Pair] = [
    (0, 1, 1, 2),
    (5, 6, 3, 4),
    (0, 4, 1, 2),
    (3, 4, 3, 4),
    (1, 4, 3, 6),
    (7, 9, 9, 10),
    (0, 6, 6, 12),
]
NO_DROPOUT = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}


@pytest.fixture(scope="module")
def strong_path(encoder_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return strengthen(encoder_path, tmp_path_factory.mktemp("encoders") / "strong")


def make_layer(
    path: Path,
    mask: MaskName,
    *,
    focus_layers: int = 2,
    window: int = 64,
    stride: int = 48,
    **transformer_config: Any,
) -> Any:
    encoder = make_encoder(
        path, focus_layers=focus_layers, window=window, stride=stride, **transformer_config
    )
    layer = FocusedPairs(encoder, mask=mask)
    layer.initialize()
    return layer


def make_listening_layer(encoder: Any, mask: MaskName) -> tuple[Any, Any]:
    """A layer that borrows an encoder, and its listener."""
    install_extensions()
    listener = FocusedListener("*")
    listener.encoder = encoder
    layer = FocusedPairs(listener, mask=mask)
    layer.initialize()
    return layer, listener


def predict(layer: Any, docs: list[Doc], pairs: list[list[Pair]]) -> Any:
    return layer.predict(list(map(make_pairs, docs, pairs)))


@torch.no_grad()
def plain_vectors(
    path: Path, doc: Doc, pairs: list[Pair], mask: MaskName, *, focus_layers: int = 2
) -> Tensor:
    """What `[CLS]` sees of each pair, with the doc as one window: Hugging Face's encoder, then
    the last layers once more under the whole mask."""
    tokenizer = AutoTokenizer.from_pretrained(path)
    transformer = BertModel.from_pretrained(path, add_pooling_layer=False).double()
    encoding = tokenizer(doc.text, return_offsets_mapping=True)
    output = transformer(torch.tensor([encoding["input_ids"]]), output_hidden_states=True)
    rows = output.hidden_states[LAYERS - focus_layers][0]
    vectors = []
    for first, first_end, second, second_end in pairs:
        spans = doc[first:first_end], doc[second:second_end]
        characters = {i for span in spans for i in range(span.start_char, span.end_char)}
        pieces = enumerate(encoding["offset_mapping"])
        in_focus = {i for i, offsets in pieces if characters & set(range(*offsets))}
        vectors.append(plain_focus(transformer, focus_layers, rows, mask, {0} | in_focus)[0])
    return torch.stack(vectors)


def assert_close(actual: Any, expected: Any) -> None:
    numpy.testing.assert_allclose(actual, expected, rtol=0, atol=1e-5)


@every_mask
@pytest.mark.parametrize("focus_layers", range(1, LAYERS + 1))
def test_vectors_under_the_whole_mask(strong_path: Path, mask: MaskName, focus_layers: int) -> None:
    layer = make_layer(strong_path, mask, focus_layers=focus_layers)
    doc = make_doc(WORDS)
    vectors, reachable = predict(layer, [doc], [PAIRS])
    assert reachable.tolist() == [True] * len(PAIRS)
    expected = plain_vectors(strong_path, doc, PAIRS, mask, focus_layers=focus_layers)
    assert_close(vectors, expected)
    # Pairs differ by far more than the tolerance.
    assert min(abs(a - b).max() for a, b in combinations(vectors, 2)) > 0.05


@every_mask
def test_batch_equals_single_docs(strong_path: Path, mask: MaskName) -> None:
    layer = make_layer(strong_path, mask)
    docs = [make_doc(words) for words in (OTHER_WORDS, [], WORDS, ["。"], WORDS[7:])]
    pairs: list[list[Pair]] = [[(1, 2, 5, 7), (3, 4, 5, 6)], [], PAIRS, [], [(0, 1, 2, 3)]]
    vectors, _ = predict(layer, docs, pairs)
    expected = [
        plain_vectors(strong_path, doc, doc_pairs, mask)
        for doc, doc_pairs in zip(docs, pairs, strict=True)
        if doc_pairs
    ]
    assert_close(vectors, torch.cat(expected))


@every_mask
@pytest.mark.parametrize("max_rows", [1, 30, 70])
def test_chunks_change_nothing_and_are_bounded(
    strong_path: Path, mask: MaskName, max_rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    chunks: list[torch.Size] = []
    name = "pack_windows" if mask == "cls" else "pack_focus"
    pack = getattr(look_at_pairs, name)

    def recorded(*args: Any) -> Any:
        rows = pack(*args)
        chunks.append(rows.index.shape)
        return rows

    monkeypatch.setattr(look_at_pairs, name, recorded)
    layer = make_layer(strong_path, mask, focus_layers=3)
    docs, pairs = [make_doc(WORDS), make_doc(OTHER_WORDS)], [PAIRS, [(0, 1, 1, 2), (1, 2, 3, 4)]]
    whole, _ = predict(layer, docs, pairs)
    assert len(chunks) == 1
    chunks.clear()
    monkeypatch.setattr(pair_chunks, "MAX_ROWS", max_rows)
    cut, _ = predict(layer, docs, pairs)
    assert_close(cut, whole)
    assert sum(n_pairs for n_pairs, _ in chunks) == len(PAIRS) + 2
    assert all(n_pairs == 1 or n_pairs * length <= max_rows for n_pairs, length in chunks)
    assert len(chunks) > 1


def learn(layer: Any, docs: list[Doc], pairs: list[list[Pair]]) -> tuple[list[Tensor], int]:
    """Backpropagate ones. RETURNS: The gradients of the encoder, and how many numbers were kept
    for them after the forward pass."""
    encoder_of(layer).transformer.zero_grad()
    kept: dict[int, int] = {}

    def count(tensor: Tensor) -> Tensor:
        kept[tensor.data_ptr()] = tensor.numel()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
        inputs = list(map(make_pairs, docs, pairs))
        (vectors, reachable), backprop = layer.begin_update(inputs)
    n_kept = sum(kept.values())
    backprop((numpy.ones_like(vectors), reachable))
    parameters = encoder_of(layer).transformer.parameters()
    return [p.grad.clone() for p in parameters if p.grad is not None], n_kept


@every_mask
@pytest.mark.parametrize("focus_layers", range(1, LAYERS + 1))
def test_learning_in_chunks(
    strong_path: Path, mask: MaskName, focus_layers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = make_layer(strong_path, mask, focus_layers=focus_layers, **NO_DROPOUT)
    docs, some, many = [make_doc(WORDS)], [PAIRS], [PAIRS * 8]
    expected, _ = learn(layer, docs, many)
    monkeypatch.setattr(pair_chunks, "MAX_ROWS_IN_TRAINING", 30)
    gradients, kept_of_many = learn(layer, docs, many)
    assert len(gradients) == len(expected) > 0
    for gradient, expected_gradient in zip(gradients, expected, strict=True):
        torch.testing.assert_close(gradient, expected_gradient, rtol=1e-4, atol=1e-4)
    _, kept_of_some = learn(layer, docs, some)
    # What is kept of a pair is its vector, which is less than one of its rows in one layer.
    n_more = sum(map(len, many)) - sum(map(len, some))
    assert kept_of_many - kept_of_some <= n_more * 2 * 32


@every_mask
def test_dropout_is_the_same_when_chunks_run_again(
    strong_path: Path, mask: MaskName, monkeypatch: pytest.MonkeyPatch
) -> None:
    dropout = {"hidden_dropout_prob": 0.3, "attention_probs_dropout_prob": 0.3}
    layer = make_layer(strong_path, mask, focus_layers=3, **dropout)
    monkeypatch.setattr(pair_chunks, "MAX_ROWS_IN_TRAINING", 30)
    devices = []

    def checkpoint(run: Callable[..., Tensor], *args: Any, **options: Any) -> Tensor:
        devices.extend(arg.device for arg in args if isinstance(arg, Tensor))
        return torch_checkpoint(run, *args, **options)

    gradients = []
    for run in (checkpoint, lambda run, *args, **options: run(*args)):
        monkeypatch.setattr(look_at_pairs, "checkpoint", run)
        torch.manual_seed(0)
        gradients.append(learn(layer, [make_doc(WORDS)], [PAIRS])[0])
    for gradient, expected in zip(*gradients, strict=True):
        torch.testing.assert_close(gradient, expected, rtol=1e-4, atol=1e-4)
    # By the tensors that it is given, torch knows whose random numbers to keep.
    assert set(devices) == {torch.device("cpu")}


@every_mask
def test_pair_is_seen_in_its_window(strong_path: Path, mask: MaskName) -> None:
    # Windows of the tokens 0 to 5, 4 to 9 and 8 to 11.
    layer = make_layer(strong_path, mask, window=6, stride=4)
    pairs = [(0, 1, 3, 4), (5, 6, 7, 8), (4, 5, 9, 10), (10, 11, 11, 12), (0, 1, 7, 8)]
    vectors, reachable = predict(layer, [make_doc(WORDS)], [pairs])
    assert reachable.tolist() == [True, True, True, True, False]
    middle = plain_vectors(strong_path, make_doc(WORDS[4:10]), [(1, 2, 3, 4), (0, 1, 5, 6)], mask)
    assert_close(vectors[0], plain_vectors(strong_path, make_doc(WORDS[:6]), pairs[:1], mask)[0])
    assert_close(vectors[1:3], middle)
    assert_close(
        vectors[3], plain_vectors(strong_path, make_doc(WORDS[8:]), [(2, 3, 3, 4)], mask)[0]
    )
    assert len(vectors) == 4


@every_mask
def test_pair_in_no_window_is_no_relation(strong_path: Path, mask: MaskName) -> None:
    layer = classifier(make_layer(strong_path, mask, window=4, stride=4))
    layer.attrs["resize_output"](layer, 3)
    layer.initialize()
    logits = predict(layer, [make_doc(WORDS)], [[(0, 1, 7, 8), (0, 1, 2, 3), (3, 5, 6, 7)]])
    assert numpy.isfinite(logits).tolist() == [
        [True, False, False],
        [True, True, True],
        [True, False, False],
    ]
    assert (logits[[0, 2], 1:] == -numpy.inf).all()


@every_mask
def test_all_pairs_out_of_reach(strong_path: Path, mask: MaskName) -> None:
    layer = make_layer(strong_path, mask, window=4, stride=4)
    doc = make_doc(WORDS)
    pairs = make_pairs(doc, [(0, 1, 7, 8), (3, 4, 4, 5)])
    (vectors, reachable), backprop = layer.begin_update([pairs])
    assert not reachable.any()
    assert len(vectors) == 0
    backprop((numpy.ones_like(vectors), reachable))
    gradients = [p.grad for p in encoder_of(layer).transformer.parameters()]
    assert not any(gradient.any() for gradient in gradients if gradient is not None)


@every_mask
def test_order_and_repetition_of_pairs(strong_path: Path, mask: MaskName) -> None:
    layer = make_layer(strong_path, mask)
    vectors, _ = predict(layer, [make_doc(WORDS)], [[PAIRS[0], PAIRS[4], PAIRS[0]]])
    turned, _ = predict(layer, [make_doc(WORDS)], [[(3, 6, 1, 4), (1, 2, 0, 1)]])
    assert_close(vectors[2], vectors[0])
    assert_close(turned, vectors[[1, 0]])


@every_mask
def test_pieces_of_both_entities_count_once(strong_path: Path, mask: MaskName) -> None:
    layer = make_layer(strong_path, mask)
    overlapping = [(0, 3, 2, 5), (0, 5, 1, 2), (0, 5, 0, 5), (0, 2, 2, 5)]
    vectors, _ = predict(layer, [make_doc(WORDS)], [overlapping])
    assert_close(vectors, numpy.repeat(vectors[:1], len(overlapping), axis=0))


@every_mask
def test_many_entities(strong_path: Path, mask: MaskName) -> None:
    doc = make_doc(list("前降支近段轻度狭窄" * 7)[:60])
    pairs = [(i, i + 1, j, j + 1) for i, j in combinations(range(60), 2)]
    vectors, reachable = predict(make_layer(strong_path, mask), [doc], [pairs])
    assert len(vectors) == len(pairs) == 1770
    assert reachable.all()
    some = slice(5, None, 443)
    assert_close(vectors[some], plain_vectors(strong_path, doc, pairs[some], mask))


@every_mask
def test_docs_without_pairs(strong_path: Path, mask: MaskName) -> None:
    docs = [make_doc(WORDS), make_doc([])]
    vectors, reachable = predict(make_layer(strong_path, mask), docs, [[], []])
    assert vectors.shape == (0, 32)
    assert reachable.tolist() == []


@every_mask
def test_listener_equals_an_encoder_of_its_own(strong_path: Path, mask: MaskName) -> None:
    own = make_layer(strong_path, mask)
    layer, _ = make_listening_layer(encoder_of(own), mask)
    docs, pairs = [make_doc(WORDS), make_doc([]), make_doc(OTHER_WORDS)], [PAIRS, [], PAIRS[:3]]
    for doc, states in zip(docs, encoder_of(own).predict(docs).doc_data, strict=True):
        doc._.trf_data = states
    assert_close(predict(layer, docs, pairs)[0], predict(own, docs, pairs)[0])


def test_listener_without_an_encoder_says_so() -> None:
    layer = FocusedPairs(FocusedListener("*"), mask="pair")
    with pytest.raises(ValueError, match="'str_encoder' that comes earlier"):
        layer.initialize()


@every_mask
@pytest.mark.parametrize("dropout", ["hidden_dropout_prob", "attention_probs_dropout_prob"])
def test_dropout_in_training_only(strong_path: Path, mask: MaskName, dropout: str) -> None:
    encoder = encoder_of(make_layer(strong_path, mask, **{dropout: 0.5}))
    layer, listener = make_listening_layer(encoder, mask)
    doc = make_doc(WORDS)
    states = encoder.predict([doc]).doc_data
    inputs = [make_pairs(doc, PAIRS)]
    expected = plain_vectors(strong_path, doc, PAIRS, mask)

    # The modes that something else has left the encoder in make no difference.
    encoder.transformer.eval()
    listener.receive(listener.get_batch_id([doc]), states, lambda d_docs: None)
    first, second = (layer.begin_update(inputs)[0][0] for _ in range(2))
    assert abs(first - second).max() > 0.01
    encoder.transformer.train()
    doc._.trf_data = states[0]
    assert_close(layer.predict(inputs)[0], expected)

    # A frozen encoder sends nothing to the listener.
    encoder.transformer.train()
    frozen, _ = make_listening_layer(encoder, mask)
    assert_close(frozen.begin_update(inputs)[0][0], expected)
