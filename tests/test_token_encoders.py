"""What tokens see of their surroundings, and that padding is not among it."""

from collections.abc import Callable
from functools import partial

import pytest
import torch
from thinc.api import Adam

from spacy_str_encoder.architectures.token_encoders import BiLSTM as BiLSTMLayer
from spacy_str_encoder.modules.bilstm import BiLSTM
from spacy_str_encoder.modules.dilated_convolutions import ResidualDilatedConvolutions


def make_dilated(
    dilations: list[int], window_size: int = 1, *, width: int = 4
) -> ResidualDilatedConvolutions:
    torch.manual_seed(0)
    return ResidualDilatedConvolutions(width, window_size=window_size, dilations=dilations).double()


def make_bilstm() -> BiLSTM:
    torch.manual_seed(0)
    return BiLSTM(4, depth=1).double()


def everything(rows: torch.Tensor) -> torch.Tensor:
    return torch.ones(rows.shape[:2], dtype=torch.bool)


@pytest.mark.parametrize(
    ("dilations", "window_size", "seen"),
    [
        ([1], 1, [-1, 0, 1]),
        ([3], 1, [-3, 0, 3]),
        ([2], 2, [-4, -2, 0, 2, 4]),
        ([1, 2, 4], 1, list(range(-7, 8))),
    ],
)
def test_a_token_sees_what_its_dilations_reach(
    dilations: list[int], window_size: int, seen: list[int]
) -> None:
    module = make_dilated(dilations, window_size, width=32)
    rows = torch.randn(1, 21, 32, dtype=torch.float64, requires_grad=True)
    module(rows, everything(rows))[0, 10].sum().backward()
    assert rows.grad is not None
    looked_at = torch.nonzero(rows.grad[0].abs().sum(dim=1)).flatten() - 10
    # What a convolution has seen is rectified, so that some of it may be lost, but not all.
    assert set(looked_at.tolist()) == set(seen)


def test_a_copy_is_another_one_to_optimizers() -> None:
    model = BiLSTMLayer(width=4, depth=1)
    copied = model.copy()
    [shim], [other] = model.shims, copied.shims
    assert shim.id != other.id
    optimizer = Adam(0.1)
    for each, gradient in ((shim, 1.0), (other, -1.0)):
        for parameter in each._model.parameters():
            parameter.grad = torch.full_like(parameter, gradient)
        each.finish_update(optimizer)
    # The first step of Adam goes against the gradient, whatever another module's was.
    for one, two in zip(shim._model.parameters(), other._model.parameters(), strict=True):
        assert (one < two).all()


def test_without_dilations_nothing_changes() -> None:
    rows = torch.randn(2, 5, 4, dtype=torch.float64)
    torch.testing.assert_close(make_dilated([])(rows, everything(rows)), rows)


def test_both_directions_are_read() -> None:
    rows = torch.randn(1, 5, 4, dtype=torch.float64, requires_grad=True)
    make_bilstm()(rows, everything(rows))[0, 2].sum().backward()
    assert rows.grad is not None and (rows.grad[0] != 0).any(dim=1).all()


def test_half_of_a_bilstm_is_for_each_direction() -> None:
    rows = torch.randn(1, 5, 4, dtype=torch.float64, requires_grad=True)
    make_bilstm()(rows, everything(rows))[0, 2, :2].sum().backward()
    assert rows.grad is not None
    assert (rows.grad[0] != 0).any(dim=1).tolist() == [True, True, True, False, False]
    with pytest.raises(ValueError, match="even number, got 5"):
        BiLSTM(5, depth=1)


@pytest.mark.parametrize("make", [make_bilstm, partial(make_dilated, [1, 2, 4])])
@pytest.mark.parametrize("lengths", [[5, 1, 8], [3], [0, 4], [0, 0]])
def test_padding_changes_nothing(make: Callable[[], torch.nn.Module], lengths: list[int]) -> None:
    module = make()
    rows = torch.randn(len(lengths), max(lengths), 4, dtype=torch.float64)
    mask = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
    together = module(rows, mask)
    assert together.shape == rows.shape
    for i, length in enumerate(lengths):
        alone = module(rows[i : i + 1, :length], mask[i : i + 1, :length])
        torch.testing.assert_close(alone[0], together[i, :length])
