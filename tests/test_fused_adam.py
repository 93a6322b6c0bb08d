"""Adam for all parameters at once makes the steps of thinc's."""

from typing import Any

import numpy
import pytest
import torch
from thinc.api import SGD, Adam, Optimizer, RAdam, torch2xp, xp2torch

from spacy_str_encoder.layers.fused_adam import can_fuse, fused_step

SHAPES = {"embeddings": (50, 8), "weight": (8, 8), "bias": (8,), "scale": (1,)}
SETTINGS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "decay": {"L2": 0.1, "L2_is_weight_decay": True},
    "L2": {"L2": 0.1, "L2_is_weight_decay": False},
    "no clipping": {"grad_clip": 0.0},
    "no averages": {"use_averages": False, "L2": 0.01},
    "a large eps": {"eps": 0.1, "L2": 0.01},
    "a schedule": {"learn_rate": [0.0, 0.01, 0.03, 0.02], "L2": 0.1},
    "other betas": {"beta1": 0.5, "beta2": 0.9},
}


def make_parameters() -> dict[tuple[int, str], torch.nn.Parameter]:
    generator = torch.Generator().manual_seed(0)
    return {
        (7, name): torch.nn.Parameter(torch.randn(shape, generator=generator))
        for name, shape in SHAPES.items()
    }


def draw_gradient(step: int, name: str) -> torch.Tensor | None:
    """A gradient: for embeddings, of few rows; for one parameter, not at each step."""
    if name == "scale" and step % 3 == 0:
        return None
    generator = torch.Generator().manual_seed(1000 * step + len(name))
    gradient = torch.randn(SHAPES[name], generator=generator) * (0.01 if step % 2 else 2.0)
    if name == "embeddings":
        gradient[torch.rand(len(gradient), generator=generator) > 0.1] = 0
    return gradient


def step_with_thinc(optimizer: Optimizer, parameters: Any, lr_scale: float) -> None:
    for key, parameter in parameters.items():
        if parameter.grad is not None:
            arrays = torch2xp(parameter.data), torch2xp(parameter.grad)
            weights, _ = optimizer(key, *arrays, lr_scale=lr_scale)
            parameter.data = xp2torch(weights)


@pytest.mark.parametrize("lr_scale", [1.0, 0.1])
@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS.keys())
def test_twenty_steps_are_those_of_thinc(settings: dict[str, Any], lr_scale: float) -> None:
    settings = {"learn_rate": 0.02, **settings}
    fused, plain = Adam(**settings), Adam(**settings)
    actual, expected = make_parameters(), make_parameters()
    assert can_fuse(fused)
    for step in range(20):
        for parameters in (actual, expected):
            for (_, name), parameter in parameters.items():
                parameter.grad = draw_gradient(step, name)
        fused_step(fused, actual, lr_scale=lr_scale)
        step_with_thinc(plain, expected, lr_scale)
        fused.step_schedules()
        plain.step_schedules()
    assert fused.nr_update == plain.nr_update
    for key, parameter in expected.items():
        assert_close(actual[key].data.numpy(), parameter.data.numpy())
        assert_close(fused.mom1[key].ravel(), plain.mom1[key])
        assert_close(fused.mom2[key].ravel(), plain.mom2[key])
        if plain.averages is not None:
            assert_close(fused.averages[key], plain.averages[key])


def assert_close(actual: Any, expected: Any) -> None:
    numpy.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-6)


def test_one_goes_on_where_the_other_stopped() -> None:
    optimizer, plain = Adam(0.02, L2=0.01), Adam(0.02, L2=0.01)
    parameters, expected = make_parameters(), make_parameters()
    for step in range(20):
        for each in (parameters, expected):
            for (_, name), parameter in each.items():
                parameter.grad = draw_gradient(step, name)
        step_with_thinc(plain, expected, 1.0)
        if step % 2:
            step_with_thinc(optimizer, parameters, 1.0)
        else:
            fused_step(optimizer, parameters, lr_scale=1.0)
    for key, parameter in expected.items():
        assert_close(parameters[key].data.numpy(), parameter.data.numpy())


def test_the_tensors_of_parameters_stay_the_same() -> None:
    optimizer, parameters = Adam(0.02), make_parameters()
    pointers = [parameter.data_ptr() for parameter in parameters.values()]
    for step in range(1, 3):
        for (_, name), parameter in parameters.items():
            parameter.grad = draw_gradient(step, name)
        fused_step(optimizer, parameters, lr_scale=1.0)
    assert [parameter.data_ptr() for parameter in parameters.values()] == pointers


@pytest.mark.parametrize("optimizer", [RAdam(0.1), SGD(0.1), lambda *args: args])
def test_other_optimizers_make_their_own_steps(optimizer: Any) -> None:
    assert not can_fuse(optimizer)
