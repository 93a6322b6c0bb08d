from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any, TypeVar

from thinc.api import Optimizer, PyTorchShim, Shim, xp2torch
from torch import nn

ShimT = TypeVar("ShimT", bound=Shim)


@contextmanager
def use_params(shim: Shim, params: dict[Any, Any]) -> Iterator[None]:
    """Let a torch module have other parameters for a while, such as an optimizer's averages.

    Takes the place of the method of thinc's `PyTorchShim`, which looks for keys that thinc's
    optimizers don't have, and so leaves the module as it is.

    shim (PyTorchShim): What holds the module.
    params (dict[tuple[int, str], FloatsXd]): Parameters, by the id of the shim and their name.
    """
    module = shim._model
    own = {name: parameter.data for name, parameter in module.named_parameters()}
    try:
        for name, parameter in module.named_parameters():
            if (shim.id, name) in params:
                # A copy: whatever happens meanwhile, an optimizer keeps its averages.
                average = xp2torch(params[shim.id, name], device=parameter.device)
                parameter.data = average.clone()
        yield
    finally:
        for name, parameter in module.named_parameters():
            parameter.data = own[name]


@contextmanager
def in_place(module: nn.Module) -> Iterator[None]:
    """Let the parameters of a module keep their tensors while they are updated.

    thinc's `PyTorchShim` wraps their memory at each update into new tensors, each of which keeps
    the one before alive, so that training would take more and more memory.

    module (nn.Module): The module.
    """
    tensors = [parameter.data for parameter in module.parameters()]
    yield
    for parameter, tensor in zip(module.parameters(), tensors, strict=True):
        if parameter.data_ptr() != tensor.data_ptr():
            tensor.copy_(parameter.data)
        parameter.data = tensor


def copy(shim: ShimT) -> ShimT:
    """Copy what holds a torch module, such as for a component that gets layers of its own.

    Takes the place of the method of thinc's `Shim`, whose copies have the same id: optimizers keep
    moments and averages by it, and would mix those of both.

    shim (Shim): What holds the module.
    RETURNS (Shim): A copy with parameters and an id of its own.
    """
    copied = deepcopy(shim)
    with Shim.global_id_lock:
        Shim.global_id += 1
        copied.id = Shim.global_id
    return copied


class TorchShim(PyTorchShim):
    """Holds a torch module, lets it have the averages of an optimizer, and updates it in place."""

    use_params = use_params
    copy = copy

    def finish_update(self, optimizer: Optimizer) -> None:
        """Update the module in place."""
        with in_place(self._model):
            super().finish_update(optimizer)
