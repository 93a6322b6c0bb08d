"""The focused layers against Hugging Face, and against attention written out by hand."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
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

from spacy_str_encoder.bert import bert_layer, focus, gather_rows, top_layers
from spacy_str_encoder.masks import MaskName, cls_mask, pair_mask

from .test_masks import full_mask

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
every_mask = pytest.mark.parametrize("mask", ["cls", "pair"])


def make_transformer(family: str = "bert") -> Module:
    """An encoder in double precision, all of whose parameters matter."""
    torch.manual_seed(0)
    transformer = FAMILIES[family]().double().eval()
    for parameter in transformer.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return transformer


def make_rows(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def plain_bert_layer(layer: Module, rows: Tensor, mask: Tensor) -> Tensor:
    """A BERT layer by its formulas, on all rows of one sequence: an independent oracle.

    layer (Module): Where the weights are.
    rows (Tensor): *Shape:* (length, width).
    mask (Tensor): Boolean: row i may look at column j. *Shape:* (length, length).
    RETURNS (Tensor): *Shape:* (length, width).
    """
    weights = dict(layer.named_parameters())

    def linear(name: str, x: Tensor) -> Tensor:
        return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    def norm(name: str, x: Tensor) -> Tensor:
        centered = x - x.mean(dim=1, keepdim=True)
        deviation = (centered**2).mean(dim=1, keepdim=True).add(1e-12).sqrt()
        return centered / deviation * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    attention = layer.attention.self
    query, key, value = (linear(f"attention.self.{n}", rows) for n in ("query", "key", "value"))
    contexts = []
    for head in range(attention.num_attention_heads):
        size = attention.attention_head_size
        part = slice(head * size, (head + 1) * size)
        scores = query[:, part] @ key[:, part].T / math.sqrt(size)
        seen = scores.exp() * mask
        contexts.append(seen / seen.sum(dim=1, keepdim=True) @ value[:, part])
    attended = linear("attention.output.dense", torch.cat(contexts, dim=1)) + rows
    attended = norm("attention.output.LayerNorm", attended)
    inner = linear("intermediate.dense", attended)
    inner = inner * (1 + torch.erf(inner / math.sqrt(2))) / 2
    return norm("output.LayerNorm", linear("output.dense", inner) + attended)


def plain_focus(
    transformer: Module, focus_layers: int, rows: Tensor, mask: MaskName, in_focus: set[int]
) -> Tensor:
    """Run the last layers on a whole sequence under the whole mask, and return `[CLS]`."""
    for layer in list(transformer.encoder.layer)[-focus_layers:]:
        rows = plain_bert_layer(layer, rows, full_mask(mask, in_focus, len(rows)))
    return rows[0]


def assert_equal(actual: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-6)


@every_depth
@pytest.mark.parametrize("family", FAMILIES)
@torch.no_grad()
def test_without_confinement_equals_hugging_face(family: str, focus_layers: int) -> None:
    transformer = make_transformer(family)
    # The sequences have 7, 4 and 1 pieces; the rest is padding.
    present = torch.arange(7) < torch.tensor([[7], [4], [1]])
    output = transformer(
        torch.arange(2, 23).view(3, 7) % 18 + 2,
        attention_mask=present.long(),
        output_hidden_states=True,
    )
    shared = output.hidden_states[LAYERS - focus_layers]
    cls = focus(top_layers(transformer, focus_layers), shared, present[:, None])
    assert_equal(cls, output.last_hidden_state[:, 0])


@torch.no_grad()
def test_the_oracle_equals_hugging_face() -> None:
    transformer = make_transformer()
    output = transformer(torch.tensor([[2, 7, 5, 9, 3]]), output_hidden_states=True)
    rows = output.hidden_states[0][0]
    for layer in transformer.encoder.layer:
        rows = plain_bert_layer(layer, rows, torch.ones(5, 5).bool())
    assert_equal(rows, output.last_hidden_state[0])


@torch.no_grad()
def test_layer_obeys_any_mask_on_every_row() -> None:
    layer = make_transformer().encoder.layer[0]
    rows = make_rows(4, 6, WIDTH)
    mask = (make_rows(4, 6, 6) > 0) | torch.eye(6).bool()
    outputs = bert_layer(layer, rows, rows, mask)
    for output, x, seen in zip(outputs, rows, mask, strict=True):
        assert_equal(output, plain_bert_layer(layer, x, seen))


@torch.no_grad()
def test_layer_computes_some_rows_alone() -> None:
    layer = make_transformer().encoder.layer[1]
    rows, mask = make_rows(1, 6, WIDTH), make_rows(1, 6, 6) > -1
    some = [4, 1]
    outputs = bert_layer(layer, rows[:, some], rows, mask[:, some])
    assert_equal(outputs[0], plain_bert_layer(layer, rows[0], mask[0])[some])


@every_depth
@every_mask
@torch.no_grad()
def test_focus_under_the_full_mask(mask: MaskName, focus_layers: int) -> None:
    transformer = make_transformer()
    rows = make_rows(3, 7, WIDTH)
    pairs = [{0, 1, 2, 5}, {0, 6}, {0, 1, 2, 3, 4, 5, 6}]
    in_focus = torch.tensor([[j in pair for j in range(7)] for pair in pairs])
    masks = cls_mask(in_focus) if mask == "cls" else pair_mask(in_focus)
    cls = focus(top_layers(transformer, focus_layers), rows, masks)
    for vector, x, pair in zip(cls, rows, pairs, strict=True):
        assert_equal(vector, plain_focus(transformer, focus_layers, x, mask, pair))


@every_depth
@torch.no_grad()
def test_pair_mask_needs_the_rows_in_focus_alone(focus_layers: int) -> None:
    transformer = make_transformer()
    rows = make_rows(2, 7, WIDTH)
    # Rows of two sequences laid end to end; the second pair is one row short.
    index = torch.tensor([[0, 2, 3, 6], [7, 8, 12, 0]])
    present = torch.tensor([[True, True, True, True], [True, True, True, False]])
    gathered = gather_rows(rows.flatten(0, 1), index)
    cls = focus(top_layers(transformer, focus_layers), gathered, present[:, None])
    first = plain_focus(transformer, focus_layers, rows[0], "pair", {0, 2, 3, 6})
    second = plain_focus(transformer, focus_layers, rows[1], "pair", {0, 1, 5})
    assert_equal(cls, torch.stack([first, second]))


@torch.no_grad()
def test_the_masks_differ_from_each_other_and_from_none() -> None:
    transformer, rows = make_transformer(), make_rows(7, WIDTH)
    none = plain_focus(transformer, 2, rows, "cls", set(range(7)))
    confined_cls = plain_focus(transformer, 2, rows, "cls", {0, 2, 5})
    confined_pair = plain_focus(transformer, 2, rows, "pair", {0, 2, 5})
    assert (none - confined_cls).abs().max() > 0.01
    assert (none - confined_pair).abs().max() > 0.01
    assert (confined_cls - confined_pair).abs().max() > 0.01


@pytest.mark.parametrize("dropout", ["hidden_dropout_prob", "attention_probs_dropout_prob"])
@torch.no_grad()
def test_dropout_in_training_only(dropout: str) -> None:
    none = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    transformer = BertModel(BertConfig(**SIZES, **{**none, dropout: 0.5})).double()
    layers, rows = top_layers(transformer, LAYERS), make_rows(2, 7, WIDTH)
    mask = torch.ones(2, 1, 7).bool()
    transformer.train()
    assert not torch.equal(focus(layers, rows, mask), focus(layers, rows, mask))
    transformer.eval()
    assert torch.equal(focus(layers, rows, mask), focus(layers, rows, mask))


@every_depth
def test_top_layers_are_the_last(focus_layers: int) -> None:
    transformer = make_transformer()
    expected = [transformer.encoder.layer[i] for i in range(LAYERS - focus_layers, LAYERS)]
    assert list(top_layers(transformer, focus_layers)) == expected
