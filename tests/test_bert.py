"""The focused layers against Hugging Face, and against attention written out by hand."""

from collections.abc import Callable
from typing import Any
from unittest import mock

import numpy
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import Module
from transformers import (
    BertConfig,
    BertModel,
    CamembertConfig,
    CamembertModel,
    ElectraConfig,
    ElectraModel,
    ErnieConfig,
    ErnieModel,
    RobertaConfig,
    RobertaModel,
    XLMRobertaConfig,
    XLMRobertaModel,
)

from spacy_str_encoder.layers import pair_chunks
from spacy_str_encoder.layers.focus_rows import FIRST, FocusRows
from spacy_str_encoder.layers.run_focused import run_focused
from spacy_str_encoder.layers.str_encoder import ENTITY_STATE, SHARED_STATE
from spacy_str_encoder.modules.masks import MaskName

from .oracles import every_mask, plain_bert_layer, plain_focus, plain_path

LAYERS = 3
WIDTH = 12
SIZES: dict[str, Any] = {
    "vocab_size": 20,
    "hidden_size": WIDTH,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": 3,
    "intermediate_size": 16,
    "max_position_embeddings": 24,
}
FAMILIES: dict[str, Callable[..., Module]] = {
    "bert": lambda: BertModel(BertConfig(**SIZES)),
    "camembert": lambda: CamembertModel(CamembertConfig(**SIZES)),
    "electra": lambda: ElectraModel(ElectraConfig(**SIZES, embedding_size=6)),
    "ernie": lambda: ErnieModel(ErnieConfig(**SIZES)),
    "roberta": lambda: RobertaModel(RobertaConfig(**SIZES)),
    "xlm-roberta": lambda: XLMRobertaModel(XLMRobertaConfig(**SIZES)),
}
every_depth = pytest.mark.parametrize("focus_layers", range(1, LAYERS + 1))


def make_transformer(family: str = "bert") -> Module:
    """An encoder in double precision, all of whose parameters matter."""
    torch.manual_seed(0)
    transformer = FAMILIES[family]().double().eval()
    for parameter in transformer.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return transformer


def make_rows(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def look(
    transformer: Module,
    focus_layers: int,
    shared: Tensor,
    entity: Tensor,
    pairs: list[tuple[int, int, set[int]]],
    mask: MaskName,
) -> Tensor:
    """Look at pairs in rows that are laid end to end.

    transformer (Module): The encoder.
    focus_layers (int): K.
    shared (Tensor): Rows of `H_{N-K}`. *Shape:* (rows, width).
    entity (Tensor): Rows of the entity path's `H_{N-K+1}`. *Shape:* (rows, width).
    pairs (list[tuple[int, int, set[int]]]): Where the window of each pair begins, how many rows it
        has, and which of them are in focus.
    mask (MaskName): The mask.
    RETURNS (Tensor): What `[CLS]` saw. *Shape:* (pairs, width).
    """
    longest = max(length for _, length, _ in pairs)
    # Which entity a row belongs to makes no difference.
    parts = [[FIRST * (column in focus) for column in range(longest)] for *_, focus in pairs]
    rows = FocusRows(
        window_start=numpy.array([first for first, *_ in pairs]),
        lengths=numpy.array([length for _, length, _ in pairs]),
        parts=numpy.array(parts, dtype="uint8"),
        reachable=numpy.ones(len(pairs), dtype=bool),
        marks=numpy.zeros((len(pairs), 2), dtype="int64"),
    )
    states = {SHARED_STATE: shared, ENTITY_STATE: entity}
    return run_focused(transformer.encoder.layer[-focus_layers:], states, rows, mask=mask)


def assert_equal(actual: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-6)


@every_depth
@every_mask
@pytest.mark.parametrize("family", FAMILIES)
@torch.no_grad()
def test_without_confinement_equals_hugging_face(
    family: str, mask: MaskName, focus_layers: int
) -> None:
    transformer = make_transformer(family)
    lengths = [7, 4, 2]
    present = torch.arange(7) < torch.tensor(lengths)[:, None]
    output = transformer(
        torch.arange(2, 23).view(3, 7) % 18 + 2,
        attention_mask=present.long(),
        output_hidden_states=True,
    )
    shared, entity = (output.hidden_states[LAYERS - focus_layers + i].flatten(0, 1) for i in (0, 1))
    pairs = [(7 * i, length, set(range(length))) for i, length in enumerate(lengths)]
    cls = look(transformer, focus_layers, shared, entity, pairs, mask)
    assert_equal(cls, output.last_hidden_state[:, 0])


@torch.no_grad()
def test_the_oracle_equals_hugging_face() -> None:
    transformer = make_transformer()
    output = transformer(torch.tensor([[2, 7, 5, 9, 3]]), output_hidden_states=True)
    rows = output.hidden_states[0][0]
    for layer in transformer.encoder.layer:
        rows = plain_bert_layer(layer, rows, torch.ones(5, 5).bool())
    assert_equal(rows, output.last_hidden_state[0])


@st.composite
def batches(draw: st.DrawFn) -> dict[str, Any]:
    """An encoder, sequences laid end to end with padding between them, and pairs in them."""
    layers = draw(st.integers(1, 5))
    lengths = draw(st.lists(st.integers(2, 9), min_size=1, max_size=3))
    padded = max(lengths) + draw(st.integers(0, 2))
    pairs = []
    for number, length in enumerate(lengths):
        # Entities are stretches of pieces: alone, adjacent, nested, overlapping, the same twice.
        borders = st.tuples(st.integers(1, length - 1), st.integers(1, length - 1)).map(sorted)
        for first, second in draw(st.lists(st.tuples(borders, borders), max_size=5)):
            focus = {0} | {i for start, end in (first, second) for i in range(start, end + 1)}
            pairs.append((number * padded, length, focus))
    return {
        "layers": layers,
        "focus_layers": draw(st.integers(1, layers)),
        "heads": draw(st.sampled_from([1, 3])),
        "sequences": (len(lengths), padded),
        "pairs": draw(st.permutations(pairs)),
        "max_rows": draw(st.sampled_from([1, 12, 40, 8192])),
        # Dropout so rare that it never happens: other formulas are used where it may.
        "dropout": draw(st.sampled_from([0.0, 1e-12])),
        "seed": draw(st.integers(0, 99)),
    }


@pytest.mark.slow
@every_mask
@settings(max_examples=200)
@given(batch=batches())
def test_pairs_see_what_the_whole_mask_lets_them(mask: MaskName, batch: dict[str, Any]) -> None:
    assume(batch["pairs"])
    torch.manual_seed(batch["seed"])
    config = {
        "num_hidden_layers": batch["layers"],
        "num_attention_heads": batch["heads"],
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": batch["dropout"],
    }
    transformer = BertModel(BertConfig(**{**SIZES, **config})).double().train()
    for parameter in transformer.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    n_sequences, padded = batch["sequences"]
    focus_layers, pairs = batch["focus_layers"], batch["pairs"]
    shared = torch.randn(n_sequences * padded, WIDTH, dtype=torch.float64, requires_grad=True)

    entity = torch.zeros_like(shared)
    for first, length, _ in pairs:
        window = slice(first, first + length)
        entity[window] = plain_path(transformer, focus_layers, shared[window])
    with mock.patch.object(pair_chunks, "MAX_ROWS_IN_TRAINING", batch["max_rows"]):
        actual = look(transformer, focus_layers, shared, entity, pairs, mask)
    expected = torch.stack(
        [
            plain_focus(transformer, focus_layers, shared[first : first + length], mask, focus)[0]
            for first, length, focus in pairs
        ]
    )
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-5)

    weights = torch.randn_like(expected)
    top = [p for layer in transformer.encoder.layer[-focus_layers:] for p in layer.parameters()]
    gradients, expected_gradients = (
        torch.autograd.grad((vectors * weights).sum(), [shared, *top], materialize_grads=True)
        for vectors in (actual, expected)
    )
    for gradient, expected_gradient in zip(gradients, expected_gradients, strict=True):
        torch.testing.assert_close(gradient, expected_gradient, rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_the_masks_differ_from_each_other_and_from_none() -> None:
    transformer, rows = make_transformer(), make_rows(7, WIDTH)
    none = plain_focus(transformer, 2, rows, "cls", set(range(7)))[0]
    confined_cls = plain_focus(transformer, 2, rows, "cls", {0, 2, 5})[0]
    confined_pair = plain_focus(transformer, 2, rows, "pair", {0, 2, 5})[0]
    assert (none - confined_cls).abs().max() > 0.01
    assert (none - confined_pair).abs().max() > 0.01
    assert (confined_cls - confined_pair).abs().max() > 0.01


@every_mask
@pytest.mark.parametrize("dropout", ["hidden_dropout_prob", "attention_probs_dropout_prob"])
@torch.no_grad()
def test_dropout_in_training_only(dropout: str, mask: MaskName) -> None:
    none = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    transformer = BertModel(BertConfig(**SIZES, **{**none, dropout: 0.5})).double()
    rows = make_rows(7, WIDTH)
    pairs = [(0, 7, {0, 2, 3}), (0, 7, {0, 5})]
    transformer.train()
    assert not torch.equal(*(look(transformer, 3, rows, rows, pairs, mask) for _ in range(2)))
    transformer.eval()
    assert torch.equal(*(look(transformer, 3, rows, rows, pairs, mask) for _ in range(2)))


@every_mask
@pytest.mark.parametrize("number", range(LAYERS))
@torch.no_grad()
def test_attention_of_each_layer_has_dropout(number: int, mask: MaskName) -> None:
    none = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    transformer = BertModel(BertConfig(**SIZES, **none)).double().train()
    transformer.encoder.layer[number].attention.self.dropout.p = 0.5
    rows = make_rows(7, WIDTH)
    pairs = [(0, 7, {0, 2, 3}), (0, 7, {0, 5})]
    assert not torch.equal(*(look(transformer, LAYERS, rows, rows, pairs, mask) for _ in range(2)))


@every_depth
@every_mask
@pytest.mark.parametrize("max_rows", [8, 8192])
def test_half_precision_is_nearly_as_good(mask: MaskName, focus_layers: int, max_rows: int) -> None:
    transformer = make_transformer().float()
    rows = make_rows(7, WIDTH).float().requires_grad_()
    pairs = [(0, 7, {0, 2, 3}), (0, 7, {0, 5}), (0, 6, {0, 1, 2, 4})]
    vectors = []
    for is_half in (True, False):
        with (
            torch.autocast("cpu", torch.float16, enabled=is_half),
            mock.patch.object(pair_chunks, "MAX_ROWS_IN_TRAINING", max_rows),
        ):
            vectors.append(look(transformer, focus_layers, rows, rows, pairs, mask))
    gradients = [torch.autograd.grad(v.square().sum(), rows)[0] for v in vectors]
    for half, whole in (vectors, gradients):
        assert 0 < (half - whole).abs().max() < 0.05 * whole.abs().max()


@every_depth
def test_top_layers_are_the_last(focus_layers: int) -> None:
    transformer = make_transformer()
    expected = [transformer.encoder.layer[i] for i in range(LAYERS - focus_layers, LAYERS)]
    assert list(transformer.encoder.layer[-focus_layers:]) == expected
