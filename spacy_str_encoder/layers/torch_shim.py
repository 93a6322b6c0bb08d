from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any, TypeVar

from thinc.api import Optimizer, PyTorchShim, Shim, xp2torch
from torch import nn

ShimT = TypeVar("ShimT", bound=Shim)


@contextmanager
def use_params(shim: Shim, params: dict[Any, Any]) -> Iterator[None]:
    """Use other parameters in a torch module temporarily, such as an optimizer's averages.

    Replaces the method of thinc's `PyTorchShim`, which looks for keys that thinc's optimizers don't
    have, and so has no effect.

    shim (PyTorchShim): The shim that holds the module.
    params (dict[tuple[int, str], FloatsXd]): Parameters, by the id of the shim and their name.
    """
    module = shim._model
    own = {name: parameter.data for name, parameter in module.named_parameters()}
    try:
        for name, parameter in module.named_parameters():
            if (shim.id, name) in params:
                # A copy, so that nothing can change the optimizer's averages.
                average = xp2torch(params[shim.id, name], device=parameter.device)
                parameter.data = average.clone()
        yield
    finally:
        for name, parameter in module.named_parameters():
            parameter.data = own[name]


@contextmanager
def in_place(module: nn.Module) -> Iterator[None]:
    """Keep the tensors of a module's parameters during an update.

    At each update, thinc's `PyTorchShim` wraps their memory in new tensors that keep the previous
    ones alive, so that memory would grow during training.

    module (nn.Module): The module.
    """
    tensors = [parameter.data for parameter in module.parameters()]
    yield
    for parameter, tensor in zip(module.parameters(), tensors, strict=True):
        if parameter.data_ptr() != tensor.data_ptr():
            tensor.copy_(parameter.data)
        parameter.data = tensor


def copy(shim: ShimT) -> ShimT:
    """Copy a shim, for example for a component that gets its own layers.

    Replaces the method of thinc's `Shim`, whose copies have the same id. Optimizers keep moments
    and averages by id, and would mix those of both.

    shim (Shim): The shim.
    RETURNS (Shim): A copy with its own parameters and id.
    """
    copied = deepcopy(shim)
    with Shim.global_id_lock:
        Shim.global_id += 1
        copied.id = Shim.global_id
    return copied


class TorchShim(PyTorchShim):
    """Shim of a torch module that can use an optimizer's averages and is updated in place."""

    use_params = use_params
    copy = copy

    def finish_update(self, optimizer: Optimizer) -> None:
        """Update the module in place."""
        with in_place(self._model):
            super().finish_update(optimizer)
