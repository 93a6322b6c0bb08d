from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

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
from .torch_shim import copy, in_place, use_params


class EncoderShim(HFShim):
    """A Hugging Face encoder inside a thinc model.

    What differs from `spacy-transformers`: tokenizers that consist of a tokenizer.json alone are
    kept, weights are read strictly and without unpickling, prediction leaves the encoder in
    evaluation mode (so that threads that predict together don't switch dropout on for each other),
    an optimizer's averages are used, and the encoder may learn at a rate of its own.
    """

    def __init__(
        self,
        hf_objects: HFObjects,
        *,
        mixed_precision: bool,
        grad_scaler_config: dict[str, Any],
        learn_rate_scale: float,
    ) -> None:
        """Wrap an encoder.

        hf_objects (HFObjects): The tokenizer and the encoder, or their settings before loading.
        mixed_precision (bool): Whether to compute in half precision where it is safe. GPU only.
        grad_scaler_config (dict[str, Any]): Settings of thinc's `PyTorchGradScaler`.
        learn_rate_scale (float): The encoder's learning rate, as a multiple of the optimizer's.
        """
        super().__init__(
            hf_objects,
            mixed_precision=mixed_precision,
            grad_scaler_config=dict(grad_scaler_config),
        )
        self.learn_rate_scale = learn_rate_scale

    use_params = use_params
    copy = copy

    def predict(self, inputs: ArgsKwargs) -> Any:
        """Encode without gradients."""
        self._model.eval()
        with torch.no_grad(), self.autocast():
            return self._model(*inputs.args, **inputs.kwargs)

    def begin_update(self, inputs: ArgsKwargs) -> tuple[Any, Callable[[ArgsKwargs], ArgsKwargs]]:
        """Encode; the backward pass scales no gradients of earlier batches again."""
        output, backprop_shim = super().begin_update(inputs)

        def backprop(d_output: ArgsKwargs) -> ArgsKwargs:
            # The gradient scaler divides every gradient it finds by its scale: those of earlier
            # batches and of the focused layers have been divided already.
            with self.earlier_gradients_aside():
                return backprop_shim(d_output)

        return output, backprop

    def finish_update(self, optimizer: Optimizer) -> None:
        """Update the encoder in place, at its own learning rate."""
        with in_place(self._model):
            super().finish_update(partial(optimizer, lr_scale=self.learn_rate_scale))
        # Zeros would be added to the gradients of the next batch, at the cost of a pass over all.
        self._model.zero_grad(set_to_none=True)

    def autocast(self) -> torch.autocast:
        """RETURNS (torch.autocast): The precision that the encoder computes in."""
        return torch.autocast("cuda", enabled=self._mixed_precision)

    def add_gradients(self, parameters: Iterable[Any], gradients: Iterable[Any]) -> None:
        """Add gradients that were computed outside of the encoder's own pass.

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
        """Run the backward pass of layers that were run outside of the encoder's own pass. The
        gradients of their parameters are added to the encoder's.

        outputs (Tensor): The output of the layers.
        inputs (dict[str, Tensor]): Their inputs, by name.
        d_outputs (Tensor): The gradient of the output.
        layers (Sequence[BertLayer]): The layers that learn; none if the encoder is frozen.
        RETURNS (dict[str, Tensor]): The gradients of the inputs: zeros if they have overflowed in
            half precision, where the step will be skipped.
        """
        if not outputs.requires_grad:
            # Every pair is out of reach, or there is nothing to learn.
            return {name: torch.zeros_like(tensor) for name, tensor in inputs.items()}
        parameters = [parameter for layer in layers for parameter in layer.parameters()]
        gradients = torch.autograd.grad(
            outputs,
            [*inputs.values(), *parameters],
            self._grad_scaler.scale(d_outputs),
            # Where no keys are computed, their bias, which changes nothing, is not used.
            materialize_grads=True,
        )
        has_overflowed = self._grad_scaler.unscale(gradients)
        if not layers:
            # No step of a frozen encoder would do this.
            self._grad_scaler.update()
        if has_overflowed:
            return {name: torch.zeros_like(tensor) for name, tensor in inputs.items()}
        self.add_gradients(parameters, gradients[len(inputs) :])
        return dict(zip(inputs, gradients, strict=False))

    @contextmanager
    def earlier_gradients_aside(self) -> Iterator[None]:
        """Hide the gradients accumulated so far, and add them again at the end."""
        parameters = [p for p in self._model.parameters() if p.grad is not None]
        gradients = [p.grad for p in parameters]
        for parameter in parameters:
            parameter.grad = None
        try:
            yield
        finally:
            self.add_gradients(parameters, gradients)

    def to_bytes(self) -> bytes:
        """Save the tokenizer, the config and the weights, as safetensors."""
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
        """Load what `to_bytes` saved."""
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


def _contiguous(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: tensor.contiguous() for name, tensor in state.items()}


def _load_state(transformer: torch.nn.Module, state: bytes) -> None:
    try:
        transformer.load_state_dict(load_tensors(state))
    except Exception as error:
        reason = str(error).replace("\n", " ").replace("\t", " ")
        raise ValueError(
            "The weights of this encoder are damaged, or were saved for another architecture: "
            f"{reason}"
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
