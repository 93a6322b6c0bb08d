from collections.abc import Callable

import torch
from thinc.api import Model, torch2xp
from thinc.types import ArgsKwargs, Floats2d

from .padding import pad, unpad
from .torch_shim import TorchShim

TokenRows = list[Floats2d]


def TokenEncoder(name: str, module: torch.nn.Module, *, width: int) -> Model[TokenRows, TokenRows]:
    """Build a layer that encodes tokens in context with a torch module.

    name (str): The name of the layer.
    module (torch.nn.Module): The module. It takes padded rows and their mask, and returns new rows,
        see `bilstm.BiLSTM`.
    width (int): Width of the vectors.
    RETURNS (Model[list[Floats2d], list[Floats2d]]): The layer.
    """
    return Model(name, forward, shims=[TorchShim(module)], dims={"nI": width, "nO": width})


def forward(
    model: Model[TokenRows, TokenRows], X: TokenRows, is_train: bool
) -> tuple[TokenRows, Callable[[TokenRows], TokenRows]]:
    """Run the torch module on padded rows."""
    padded, mask = pad(X)
    mask = mask.to(padded.device)
    inputs = ArgsKwargs(args=(padded.requires_grad_(is_train), mask), kwargs={})
    rows, backprop_shim = model.shims[0](inputs, is_train)

    def backprop(dY: TokenRows) -> TokenRows:
        d_rows, _ = pad(dY)
        d_inputs = backprop_shim(ArgsKwargs(args=(rows,), kwargs={"grad_tensors": d_rows}))
        return unpad(torch2xp(d_inputs.args[0]), X)

    return unpad(torch2xp(rows.detach()), X), backprop
