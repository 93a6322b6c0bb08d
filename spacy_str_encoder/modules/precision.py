"""Copies of BERT layers that compute in lower precision, for prediction."""

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any, Literal

import torch
from torch import Tensor, nn

from .bert import BertLayer

Precision = Literal["float32", "bfloat16", "int8"]
PrecisionSetting = Literal["float32", "bfloat16", "int8", "auto"]

# Names in `torch.cpu.get_capabilities` of units for bfloat16, on x86 and on Arm.
BFLOAT16_UNITS = ("amx_bf16", "avx512_bf16", "bf16", "sve_bf16")
# First compute capability of GPUs with units for bfloat16.
BFLOAT16_CAPABILITY = (8, 0)
MAX_INT8 = 127
# Instead of zero, for rows of zeros.
SMALLEST = 1e-12
# Rows that are multiplied in int8 at once: they stay in the cache of a core.
BLOCK = 128


def has_bfloat16_units(device: torch.device) -> bool:
    """Check whether a device computes faster in bfloat16. Only its capabilities count, not its
    load, so the answer is always the same on the same machine.

    device (torch.device): The device.
    RETURNS (bool): Whether it has units for bfloat16. False if this torch does not know.
    """
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= BFLOAT16_CAPABILITY
    if device.type != "cpu":
        return False
    capabilities: Mapping[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return any(capabilities.get(name, False) for name in BFLOAT16_UNITS)


def resolve_precision(setting: PrecisionSetting, device: torch.device) -> Precision:
    """Choose the precision for a device.

    setting (str): The precision, or `auto` for bfloat16 if the device has units for it, otherwise
        float32.
    device (torch.device): The device.
    RETURNS (str): The precision.
    RAISES (ValueError): If the device does not support the precision.
    """
    if setting == "int8" and device.type != "cpu":
        raise ValueError(NO_INT8.format(device=device.type))
    if setting != "auto":
        return setting
    return "bfloat16" if has_bfloat16_units(device) else "float32"


NO_INT8 = "precision 'int8' is for the CPU, but the encoder is on '{device}'. Choose 'bfloat16'."


def convert_layers(layers: Sequence[BertLayer], precision: Precision) -> Sequence[BertLayer]:
    """Convert layers for prediction.

    layers (Sequence[BertLayer]): The layers, in float32.
    precision (str): The precision.
    RETURNS (Sequence[BertLayer]): The layers themselves for float32, otherwise copies. In bfloat16,
        they read and return bfloat16. In int8, they read and return float32; only the
        multiplications with weights are in int8.
    """
    if precision == "float32":
        return layers
    convert = _to_bfloat16 if precision == "bfloat16" else _to_int8
    return [convert(layer).eval() for layer in layers]


def _to_bfloat16(layer: BertLayer) -> BertLayer:
    return deepcopy(layer).to(torch.bfloat16)


def _to_int8(layer: BertLayer) -> BertLayer:
    # Everything except the quantized weights is shared.
    copied = deepcopy(layer, {id(parameter): parameter for parameter in layer.parameters()})
    for module, name in list(_find_linear(copied)):
        setattr(module, name, Int8Linear(getattr(module, name)))
    return copied


def _find_linear(layer: nn.Module) -> Iterator[tuple[nn.Module, str]]:
    for module in layer.modules():
        for name, child in module.named_children():
            if isinstance(child, nn.Linear):
                yield module, name


class Int8Linear(nn.Module):
    """Linear layer that multiplies in int8, on a CPU.

    Weights have a scale for each output, and inputs have one for each row, so that the output of a
    row does not depend on the other rows of a batch.
    """

    def __init__(self, layer: nn.Linear) -> None:
        """Convert a layer.

        layer (nn.Linear): The layer, in float32.
        """
        super().__init__()
        # `attend_to_rows` multiplies with the weights in another order.
        self.weight, self.bias = layer.weight.detach(), layer.bias.detach()
        quantized, scales = _quantize(self.weight)
        self._quantized_weight, self._scales = quantized.T, scales[:, 0]

    def forward(self, rows: Tensor) -> Tensor:
        """Compute the output.

        rows (Tensor): The input. *Shape:* (rows, width).
        RETURNS (Tensor): The output. *Shape:* (rows, output width).
        """
        outputs = rows.new_empty(len(rows), len(self.weight))
        for part, output in zip(rows.split(BLOCK), outputs.split(BLOCK), strict=True):
            quantized, scales = _quantize(part)
            products = torch._int_mm(quantized, self._quantized_weight)
            torch.addcmul(self.bias, products * scales, self._scales, out=output)
        return outputs


def _quantize(rows: Tensor) -> tuple[Tensor, Tensor]:
    scales = rows.abs().amax(dim=1, keepdim=True).clamp_(min=SMALLEST).div_(MAX_INT8)
    return (rows / scales).round_().to(torch.int8), scales
