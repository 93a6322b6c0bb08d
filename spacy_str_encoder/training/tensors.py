"""Everything numeric that a training changes, by names that are the same in every process."""

from collections.abc import Iterator
from typing import Any

import torch
from spacy.language import Language
from thinc.api import Model, Optimizer, get_current_ops, torch2xp, xp2torch

Tensors = dict[str, torch.Tensor]
# Of thinc's optimizers: those with one array for each parameter.
ARRAYS = ("mom1", "mom2", "averages")
COUNTS = ("nr_update", "last_seen")


def collect_weights(nlp: Language) -> Tensors:
    """Collect the raw parameters of all components, not their averages.

    nlp (Language): The pipeline.
    RETURNS (dict[str, Tensor]): Copies of the parameters, with those buffers and scales of
        gradients that training changes.
    """
    weights: Tensors = {}
    for place, node in _walk(nlp):
        for name in node.param_names:
            if node.has_param(name):
                weights[f"{place}.{name}"] = _copy(xp2torch(node.get_param(name)))
        for shim_place, shim in _list_shims(place, node):
            state = {**shim._model.state_dict(), **_get_scales(shim)}
            weights |= {f"{shim_place}.{name}": _copy(tensor) for name, tensor in state.items()}
    return weights


def collect_gradients(nlp: Language) -> Tensors:
    """Collect the gradients that parameters have. After a step, they are zeros. A parameter that
    has zeros is stepped by the optimizer, and one that has none is not.

    nlp (Language): The pipeline.
    RETURNS (dict[str, Tensor]): Copies of the gradients.
    """
    gradients: Tensors = {}
    for place, node in _walk(nlp):
        for name in node.param_names:
            if node.has_grad(name):
                gradients[f"{place}.{name}"] = _copy(xp2torch(node.get_grad(name)))
        for shim_place, shim in _list_shims(place, node):
            for name, parameter in shim._model.named_parameters():
                if parameter.grad is not None:
                    gradients[f"{shim_place}.{name}"] = _copy(parameter.grad)
    return gradients


def restore_weights(nlp: Language, weights: Tensors, gradients: Tensors) -> None:
    """Set the parameters and gradients of all components.

    nlp (Language): The pipeline, with the same components.
    weights (dict[str, Tensor]): The output of `collect_weights`.
    gradients (dict[str, Tensor]): The output of `collect_gradients`.
    """
    for place, node in _walk(nlp):
        for name in node.param_names:
            if (key := f"{place}.{name}") in weights:
                node.set_param(name, _to_array(weights[key]))
            if key in gradients:
                node.set_grad(name, _to_array(gradients[key]))
        for shim_place, shim in _list_shims(place, node):
            # With this, shims drop what they have computed from their parameters.
            with shim.use_params({}):
                _restore_module(shim, f"{shim_place}.", weights, gradients)


def collect_optimizer(nlp: Language, optimizer: Optimizer) -> tuple[Tensors, dict[str, Any]]:
    """Collect the state of an optimizer. Its schedules are not part of it.

    nlp (Language): The pipeline that it updates.
    optimizer (Optimizer): The optimizer.
    RETURNS (tuple[dict[str, Tensor], dict[str, dict[str, int]]]): The arrays and the counts.
    RAISES (ValueError): If it updates parameters that belong to no component.
    """
    places = _name_parameters(nlp)
    arrays: Tensors = {}
    for kind in ARRAYS:
        for key, array in (getattr(optimizer, kind) or {}).items():
            arrays[f"{kind}/{_look_up(places, key)}"] = _copy(xp2torch(array))
    counts = {
        kind: {_look_up(places, key): count for key, count in getattr(optimizer, kind).items()}
        for kind in COUNTS
    }
    return arrays, counts


def restore_optimizer(
    nlp: Language, optimizer: Optimizer, arrays: Tensors, counts: dict[str, Any]
) -> None:
    """Set the state of an optimizer.

    nlp (Language): The pipeline that it updates.
    optimizer (Optimizer): The optimizer.
    arrays (dict[str, Tensor]): The arrays, see `collect_optimizer`.
    counts (dict[str, dict[str, int]]): The counts.
    """
    keys = {place: key for key, place in _name_parameters(nlp).items()}
    for name, tensor in arrays.items():
        kind, _, place = name.partition("/")
        getattr(optimizer, kind)[keys[place]] = _to_array(tensor)
    for kind in COUNTS:
        getattr(optimizer, kind).update((keys[place], n) for place, n in counts[kind].items())


def _walk(nlp: Language) -> Iterator[tuple[str, Model]]:
    """YIELDS (tuple[str, Model]): The layers of all components, each once. Their ids differ between
    processes, but their order does not.
    """
    seen: set[int] = set()
    for component, pipe in nlp.components:
        model = getattr(pipe, "model", None)
        for number, node in enumerate(model.walk() if isinstance(model, Model) else ()):
            if node.id not in seen:
                seen.add(node.id)
                yield f"{component}.{number}", node


def _list_shims(place: str, node: Model) -> Iterator[tuple[str, Any]]:
    for number, shim in enumerate(node.shims):
        if isinstance(getattr(shim, "_model", None), torch.nn.Module):
            yield f"{place}.shim{number}", shim


def _name_parameters(nlp: Language) -> dict[tuple[int, str], str]:
    names: dict[tuple[int, str], str] = {}
    for place, node in _walk(nlp):
        names |= {(node.id, name): f"{place}.{name}" for name in node.param_names}
        for shim_place, shim in _list_shims(place, node):
            for name, _ in shim._model.named_parameters():
                names[shim.id, name] = f"{shim_place}.{name}"
    return names


def _look_up(places: dict[tuple[int, str], str], key: tuple[int, str]) -> str:
    if key not in places:
        raise ValueError(
            f"the parameter '{key[1]}' must belong to a thinc layer or a PyTorch module of a "
            "component, so that it can be saved; train this pipeline with `spacy train`"
        )
    return places[key]


def _get_scales(shim: Any) -> Tensors:
    scaler = getattr(shim, "_grad_scaler", None)
    if scaler is None or not scaler._enabled:
        return {}
    return {"scale/_scale": scaler._scale, "scale/_growth_tracker": scaler._growth_tracker}


def _restore_module(shim: Any, prefix: str, weights: Tensors, gradients: Tensors) -> None:
    own = {
        name.removeprefix(prefix): tensor
        for name, tensor in weights.items()
        if name.startswith(prefix)
    }
    for name, scale in _get_scales(shim).items():
        scale.copy_(own.pop(name))
    shim._model.load_state_dict(own)
    for name, parameter in shim._model.named_parameters():
        if (gradient := gradients.get(prefix + name)) is not None:
            parameter.grad = gradient.to(parameter.device)


def _copy(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.detach().to("cpu", copy=True).contiguous()


def _to_array(tensor: torch.Tensor) -> Any:
    return torch2xp(tensor.to(xp2torch(get_current_ops().alloc1f(1)).device))
