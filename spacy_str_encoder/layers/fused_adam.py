"""thinc's Adam for all parameters of a torch module at once.

thinc steps one parameter after the other, in one thread. The state stays in thinc's optimizer, so
other layers, saving and `use_params` see no difference.

Source: https://github.com/explosion/thinc/blob/main/thinc/optimizers.py
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy
import torch
from thinc.api import Optimizer, torch2xp, xp2torch
from torch.optim.adamw import adamw

Key = tuple[int, str]
# As in thinc's `update_averages`.
MAX_DECAY = 0.9999


def can_fuse(optimizer: Any) -> bool:
    """RETURNS (bool): Whether an optimizer is thinc's Adam."""
    if not isinstance(optimizer, Optimizer) or optimizer.use_radam:
        return False
    return optimizer.b1 > 0 and optimizer.b2 > 0


def fused_step(
    optimizer: Optimizer, parameters: dict[Key, torch.nn.Parameter], *, lr_scale: float
) -> None:
    """Update parameters in place.

    optimizer (Optimizer): The optimizer, see `can_fuse`.
    parameters (dict[tuple[int, str], Parameter]): The parameters by the optimizer's key. Those
        without a gradient are left alone.
    lr_scale (float): Learning rate, as a multiple of the optimizer's.
    """
    # Parameters that were frozen for some time have seen fewer updates.
    groups: dict[int, dict[Key, torch.nn.Parameter]] = defaultdict(dict)
    for key, parameter in parameters.items():
        if parameter.grad is not None:
            optimizer.nr_update[key] += 1
            groups[optimizer.nr_update[key]][key] = parameter
    for n_updates, group in groups.items():
        _step(optimizer, group, n_updates, optimizer.learn_rate * lr_scale)


def _step(
    optimizer: Optimizer, group: dict[Key, torch.nn.Parameter], n_updates: int, learn_rate: float
) -> None:
    weights = [parameter.data for parameter in group.values()]
    gradients = [parameter.grad for parameter in group.values() if parameter.grad is not None]
    if optimizer.L2 and not optimizer.L2_is_weight_decay:
        for gradient, weight in zip(gradients, weights, strict=True):
            gradient.add_(weight, alpha=optimizer.L2)
    _clip(gradients, optimizer.grad_clip)
    # thinc decays the weights after the step, and PyTorch before it.
    decay = learn_rate * optimizer.L2 if optimizer.L2_is_weight_decay else 0.0
    # thinc computes in float32, but the corrections of the bias in float64.
    betas = [float(numpy.float32(beta)) for beta in (optimizer.b1, optimizer.b2)]
    exact = _correct_bias([optimizer.b1, optimizer.b2], n_updates)
    learn_rate *= (1 - decay) * exact / _correct_bias(betas, n_updates)
    adamw(
        weights,
        gradients,
        _moments(optimizer.mom1, group),
        _moments(optimizer.mom2, group),
        [],
        [torch.tensor(float(n_updates - 1), device=weight.device) for weight in weights],
        fused=True,
        amsgrad=False,
        beta1=betas[0],
        beta2=betas[1],
        lr=learn_rate,
        weight_decay=decay / learn_rate if decay else 0.0,
        # PyTorch adds it after it has corrected the bias of the second moment.
        eps=optimizer.eps / (1 - betas[1] ** n_updates) ** 0.5,
        maximize=False,
    )
    if optimizer.averages is not None:
        share = 1 - min((1 + n_updates) / (10 + n_updates), MAX_DECAY)
        for key, weight in zip(group, weights, strict=True):
            _state(optimizer.averages, key, weight, weight.shape).lerp_(weight, share)


def _correct_bias(betas: list[float], n_updates: int) -> float:
    """RETURNS (float): The factor that corrects the bias of both moments."""
    first, second = (1 - beta**n_updates for beta in betas)
    return second**0.5 / first


def _clip(gradients: list[torch.Tensor], threshold: float) -> None:
    """Clip the norm of each gradient."""
    if threshold:
        norms = torch.stack([gradient.norm() for gradient in gradients]).tolist()
        for gradient, norm in zip(gradients, norms, strict=True):
            if norm >= threshold:
                gradient.mul_(threshold / norm)


def _moments(states: dict[Key, Any], group: dict[Key, torch.nn.Parameter]) -> list[torch.Tensor]:
    # thinc keeps them flat.
    return [
        _state(states, key, weight, (weight.numel(),)).view_as(weight)
        for key, weight in group.items()
    ]


def _state(
    states: dict[Key, Any], key: Key, weight: torch.Tensor, shape: Sequence[int]
) -> torch.Tensor:
    """RETURNS (Tensor): The optimizer's own array for a parameter, zeros at first."""
    if key not in states:
        states[key] = torch2xp(weight.new_zeros(shape))
    return xp2torch(states[key], device=weight.device)
