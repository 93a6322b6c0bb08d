import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Literal, cast, get_args

import srsly
import torch
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from spacy.util import make_tempdir
from spacy_transformers.data_classes import HFObjects
from spacy_transformers.layers.hf_shim import HFShim
from thinc.api import Optimizer, get_torch_default_device
from thinc.types import ArgsKwargs
from transformers import AutoConfig, AutoModel, AutoTokenizer

from ..encoders import model_arguments
from ..modules.bert import BertLayer
from ..modules.encode import encode
from ..modules.precision import (
    Precision,
    PrecisionSetting,
    convert_layers,
    has_bfloat16_units,
    resolve_precision,
)
from .fused_adam import can_fuse, fused_step
from .torch_shim import copy, in_place, use_params

MixedPrecision = bool | Literal["bfloat16"]

# Environment variable with the precision of predictions, for pipelines whose config sets none.
PRECISION = "SPACY_STR_ENCODER_PRECISION"


class EncoderShim(HFShim):
    """Shim that holds a Hugging Face encoder in a thinc model.

    Differences from `spacy-transformers`: tokenizers that only have a tokenizer.json are saved,
    weights are read strictly and without unpickling, prediction leaves the encoder in evaluation
    mode (so that threads that share a pipeline don't turn on dropout for each other), an
    optimizer's averages are used, and the encoder can have its own learning rate.
    """

    def __init__(
        self,
        hf_objects: HFObjects,
        *,
        mixed_precision: MixedPrecision,
        grad_scaler_config: dict[str, Any],
        learn_rate_scale: float,
    ) -> None:
        """Wrap an encoder.

        hf_objects (HFObjects): The tokenizer and the encoder; before loading, only their
            settings.
        mixed_precision (bool | str): Precision of training where half precision is safe: if True,
            float16 with scaled gradients, on a GPU only; if `bfloat16`, this, on a GPU or a CPU.
        grad_scaler_config (dict[str, Any]): Settings of thinc's `PyTorchGradScaler`.
        learn_rate_scale (float): Learning rate of the encoder, as a multiple of the optimizer's.
        """
        super().__init__(
            hf_objects,
            # Bfloat16 has the range of float32, so its gradients are not scaled.
            mixed_precision=mixed_precision is True,
            grad_scaler_config=dict(grad_scaler_config),
        )
        self.learn_rate_scale = learn_rate_scale
        self._trains_in_bfloat16 = mixed_precision == "bfloat16"
        self._precision = default_precision()
        self._converted_layers: Sequence[BertLayer] | None = None

    copy = copy

    @property
    def precision(self) -> Precision:
        """RETURNS (str): The precision of predictions.
        RAISES (ValueError): If the device does not support it.
        """
        return resolve_precision(self._precision, self.device)

    @property
    def has_bfloat16_units(self) -> bool:
        """RETURNS (bool): Whether the device computes faster in bfloat16."""
        return has_bfloat16_units(self.device)

    @property
    def device(self) -> torch.device:
        """RETURNS (torch.device): The device of the encoder, or its future device."""
        return get_torch_default_device() if self._model is None else super().device

    def set_precision(self, precision: PrecisionSetting) -> None:
        """Set the precision of predictions. Training and saved weights are always in float32.

        precision (str): `float32`, `bfloat16`, `int8`, or `auto` for the choice of
            `resolve_precision`.
        RAISES (ValueError): If it is another value.
        """
        self._precision = _checked(precision, "The precision of predictions")
        self._converted_layers = None

    def layers(self, *, is_train: bool) -> Sequence[BertLayer]:
        """Get the layers of the encoder.

        is_train (bool): Whether they are trained.
        RETURNS (Sequence[BertLayer]): The layers. In prediction, they are copies in the precision
            of predictions, which are made once.
        """
        layers: Sequence[BertLayer] = self._model.encoder.layer
        if is_train:
            return layers
        if self._converted_layers is None:
            self._converted_layers = convert_layers(layers, self.precision)
        return self._converted_layers

    def predict(self, inputs: ArgsKwargs) -> Any:
        """Run the encoder without gradients."""
        self._model.eval()
        with torch.no_grad():
            layers = self.layers(is_train=False)
            return encode(self._model, layers, *inputs.args, **inputs.kwargs)

    def begin_update(self, inputs: ArgsKwargs) -> tuple[Any, Callable[[ArgsKwargs], ArgsKwargs]]:
        """Run the encoder. The backward pass leaves gradients of earlier batches as they are."""
        if self._mixed_precision and self.device.type != "cuda":
            raise ValueError(NEEDS_GPU.format(device=self.device.type))
        self._model.train()
        with self.autocast(is_train=True):
            layers = self.layers(is_train=True)
            output = encode(self._model, layers, *inputs.args, **inputs.kwargs)

        def backprop(d_output: ArgsKwargs) -> ArgsKwargs:
            gradients = self._grad_scaler.scale(d_output.kwargs["grad_tensors"], inplace=True)
            # The gradient scaler divides all gradients by its scale, but those of earlier batches
            # and of the focused layers have already been divided.
            with self.earlier_gradients_aside():
                torch.autograd.backward(d_output.args[0], gradients)
                own = (parameter.grad for parameter in self._model.parameters())
                self._grad_scaler.unscale([each for each in own if each is not None])
            return inputs

        return output, backprop

    @contextmanager
    def use_params(self, params: dict[Any, Any]) -> Iterator[None]:
        """Use other parameters temporarily."""
        self._converted_layers = None
        try:
            with use_params(self, params):
                yield
        finally:
            self._converted_layers = None

    def finish_update(self, optimizer: Optimizer) -> None:
        """Update the encoder in place, with its own learning rate."""
        self._converted_layers = None
        if can_fuse(optimizer):
            self._fused_update(optimizer)
        else:
            with in_place(self._model):
                super().finish_update(partial(optimizer, lr_scale=self.learn_rate_scale))
        # With zeros instead of None, the next batch would spend a pass on adding to them.
        self._model.zero_grad(set_to_none=True)

    def _fused_update(self, optimizer: Optimizer) -> None:
        parameters = {(self.id, name): p for name, p in self._model.named_parameters()}
        # As in thinc, the scaler skips a step after an overflow.
        if not self._grad_scaler.found_inf:
            fused_step(optimizer, parameters, lr_scale=self.learn_rate_scale)
        self._grad_scaler.update()

    def autocast(self, *, is_train: bool) -> torch.autocast:
        """Make a context manager for mixed precision.

        is_train (bool): Whether the encoder is trained. Predictions do not use mixed precision.
        RETURNS (torch.autocast): The context manager.
        """
        if self._trains_in_bfloat16:
            return torch.autocast(self.device.type, torch.bfloat16, enabled=is_train)
        return torch.autocast("cuda", enabled=self._mixed_precision and is_train)

    def add_gradients(self, parameters: Iterable[Any], gradients: Iterable[Any]) -> None:
        """Add gradients that were computed outside the encoder's own pass.

        parameters (Iterable[Parameter]): Parameters of the encoder.
        gradients (Iterable[Tensor]): Their gradients, unscaled.
        """
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient if parameter.grad is None else parameter.grad + gradient

    def backprop_outside(
        self,
        outputs: torch.Tensor,
        inputs: dict[str, torch.Tensor],
        d_outputs: torch.Tensor,
        layers: Sequence[BertLayer],
    ) -> dict[str, torch.Tensor]:
        """Run the backward pass of layers that ran outside the encoder's own pass, and add the
        gradients of their parameters to the encoder's.

        outputs (Tensor): The output of the layers.
        inputs (dict[str, Tensor]): The inputs of the layers, by name.
        d_outputs (Tensor): The gradient of the output.
        layers (Sequence[BertLayer]): The layers to train; empty if the encoder is frozen. Single
            parameters may be frozen too.
        RETURNS (dict[str, Tensor]): The gradients of the inputs. They are zeros after an overflow
            in half precision; the optimizer step is then skipped.
        """
        if not outputs.requires_grad:
            # Every pair is out of reach, or there is nothing to train.
            return {name: torch.zeros_like(tensor) for name, tensor in inputs.items()}
        parameters = [p for layer in layers for p in layer.parameters() if p.requires_grad]
        gradients = torch.autograd.grad(
            outputs,
            [*inputs.values(), *parameters],
            self._grad_scaler.scale(d_outputs),
            # Without keys, the bias of the keys is unused; it has no effect anyway.
            materialize_grads=True,
        )
        has_overflowed = self._grad_scaler.unscale(gradients)
        if not layers:
            # A frozen encoder has no optimizer step that would do this.
            self._grad_scaler.update()
        if has_overflowed:
            return {name: torch.zeros_like(tensor) for name, tensor in inputs.items()}
        self.add_gradients(parameters, gradients[len(inputs) :])
        return dict(zip(inputs, gradients, strict=False))

    @contextmanager
    def earlier_gradients_aside(self) -> Iterator[None]:
        """Set the accumulated gradients aside, and add them back at the end."""
        parameters = [p for p in self._model.parameters() if p.grad is not None]
        gradients = [p.grad for p in parameters]
        for parameter in parameters:
            parameter.grad = None
        try:
            yield
        finally:
            self.add_gradients(parameters, gradients)

    def __getstate__(self) -> dict[str, Any]:
        # Copies and other processes convert the layers themselves.
        return {**self.__dict__, "_converted_layers": None}

    def to_bytes(self) -> bytes:
        """Serialize the tokenizer, the config and the weights (as safetensors)."""
        hf_objects = self._hfmodel
        message: dict[str, Any] = {
            "tokenizer_config": hf_objects._init_tokenizer_config,
            "transformer_config": hf_objects._init_transformer_config,
            "config": None,
        }
        if hf_objects.transformer is not None:
            message["config"] = hf_objects.transformer.config.to_dict()
            message["tokenizer"] = _tokenizer_to_files(hf_objects.tokenizer)
            message["state"] = save_tensors(_contiguous(self._model.state_dict()))
        return srsly.msgpack_dumps(message)

    def from_bytes(self, bytes_data: bytes) -> "EncoderShim":
        """Load the encoder from the output of `to_bytes`."""
        self._converted_layers = None
        message = srsly.msgpack_loads(bytes_data)
        configs = message["tokenizer_config"], message["transformer_config"]
        if message["config"] is None:
            self._hfmodel = HFObjects(None, None, None, *configs)
            return self
        config = AutoConfig.for_model(**message["config"])
        transformer = AutoModel.from_config(config, **model_arguments(config))
        _load_state(transformer, message["state"])
        tokenizer = _tokenizer_from_files(message["tokenizer"])
        self._model = transformer.to(get_torch_default_device())
        self._hfmodel = HFObjects(tokenizer, transformer, None, *configs)
        return self


def default_precision() -> PrecisionSetting:
    """Get the precision of predictions if the config of a pipeline sets none.

    RETURNS (str): That of the environment variable `SPACY_STR_ENCODER_PRECISION`, or float32.
    RAISES (ValueError): If the variable has another value.
    """
    # An empty variable counts as unset.
    precision = os.environ.get(PRECISION) or "float32"
    return _checked(precision, f"The environment variable {PRECISION}")


def _checked(precision: Any, subject: str) -> PrecisionSetting:
    choices = get_args(PrecisionSetting)
    if not isinstance(precision, str) or precision not in choices:
        raise ValueError(f"{subject} must be one of {', '.join(choices)}, got {precision!r}.")
    return cast(PrecisionSetting, precision)


NEEDS_GPU = (
    "`mixed_precision = true` trains in float16, which needs a GPU, but the encoder is on the "
    "device '{device}'. Set it to false, or to \"bfloat16\"."
)


def _contiguous(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: tensor.contiguous() for name, tensor in state.items()}


def _load_state(transformer: torch.nn.Module, state: bytes) -> None:
    try:
        transformer.load_state_dict(load_tensors(state))
    except Exception as error:
        reason = str(error).replace("\n", " ").replace("\t", " ")
        raise ValueError(
            "The weights of this encoder are damaged, or belong to another architecture. Copy the "
            f"encoder or the pipeline again. The reason: {reason}"
        ) from None


def _tokenizer_to_files(tokenizer: Any) -> dict[str, bytes]:
    with make_tempdir() as folder:
        tokenizer.save_pretrained(folder)
        return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def _tokenizer_from_files(files: dict[str, bytes]) -> Any:
    with make_tempdir() as folder:
        for name, content in files.items():
            Path(folder, Path(name).name).write_bytes(content)
        return AutoTokenizer.from_pretrained(folder)
