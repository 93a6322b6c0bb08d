"""Independent oracles: task masks and BERT layers by their formulas, and finite differences."""

import math
from collections.abc import Callable
from typing import Any

import numpy
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import Module

from spacy_str_encoder.modules.masks import MaskName

Array = NDArray[Any]

every_mask = pytest.mark.parametrize("mask", ["cls", "pair"])


def may_look(mask: MaskName, i: int, j: int, in_focus: set[int]) -> bool:
    """Whether row i sees position j: Eqs. 13 and 14 of Xue et al. 2019.

    in_focus (set[int]): 0, which is `[CLS]`, and the pieces of the two entities.
    """
    is_confined = i == 0 if mask == "cls" else i in in_focus
    return j in in_focus if is_confined else True


def full_mask(mask: MaskName, in_focus: set[int], length: int) -> Tensor:
    positions = range(length)
    return torch.tensor([[may_look(mask, i, j, in_focus) for j in positions] for i in positions])


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
    """Run the last layers on a whole sequence under the whole mask, and return all rows."""
    for layer in list(transformer.encoder.layer)[-focus_layers:]:
        rows = plain_bert_layer(layer, rows, full_mask(mask, in_focus, len(rows)))
    return rows


def plain_path(transformer: Module, focus_layers: int, rows: Tensor) -> Tensor:
    """The entity path's rows after the first of the last layers."""
    layer = list(transformer.encoder.layer)[-focus_layers]
    return plain_bert_layer(layer, rows, torch.ones(len(rows), len(rows)).bool())


def normal(*shape: int, seed: int = 0) -> Array:
    return numpy.random.default_rng(seed).normal(size=shape).astype("float32")


def finite_differences(loss: Callable[[], float], array: Array, step: float = 1e-2) -> Array:
    """The gradient of a loss for an array that it reads, entry by entry."""
    gradient = numpy.zeros(array.shape)
    for index in numpy.ndindex(array.shape):
        gradient[index] = slope(loss, array, index, step)
    return gradient


def slope(loss: Callable[[], float], array: Array, index: Any, step: Any) -> float:
    """How a loss changes when an array moves at an index, by the central difference."""
    start = array[index].copy()
    array[index] = start + step
    above = loss()
    array[index] = start - step
    below = loss()
    array[index] = start
    return (above - below) / (2 * float(numpy.linalg.norm(step)))


def assert_slopes(loss: Callable[[], float], array: Array, gradient: Array) -> None:
    """Check a gradient in some directions, for arrays that are too large for every entry."""
    assert gradient.shape == array.shape
    length = float(numpy.linalg.norm(gradient))
    assert length > 0.1
    for seed in range(3):
        direction = normal(*array.shape, seed=seed)
        expected = (gradient * direction).sum() / numpy.linalg.norm(direction)
        actual = slope(loss, array, ..., direction * 1e-3)
        assert actual == pytest.approx(expected, rel=1e-2, abs=1e-3 * length)
