from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from thinc.api import PyTorchShim, Shim, xp2torch


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


class TorchShim(PyTorchShim):
    """Holds a torch module, and lets it have the averages of an optimizer."""

    use_params = use_params
