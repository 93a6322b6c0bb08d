from collections.abc import Callable
from typing import Any, cast

import torch
from spacy.tokens import Doc
from spacy_transformers.data_classes import FullTransformerBatch
from spacy_transformers.layers.transformer_model import TransformerModel
from thinc.api import Model, chain, torch2xp
from thinc.layers.pytorchwrapper import forward as pytorch_forward
from thinc.types import ArgsKwargs
from transformers.utils import ModelOutput

from ..encoders import first_position, load_encoder, load_tokenizer
from .doc_rows import DocRows
from .encoder_shim import EncoderShim, default_precision
from .encoder_states import split_states
from .packing import pack_chunks, to_torch
from .windows import SpanGetter, cut_docs

ENTITY_STATE = "entity_hidden_state"
SHARED_STATE = "shared_hidden_state"
LAST_STATE = "last_hidden_state"


class STREncoderLayer(TransformerModel):
    """BERT that also returns the states that the focused layers start from.

    The output has three states: `last_hidden_state`, `H_N` under the full mask, the plain output of
    BERT; `shared_hidden_state`, `H_{N-K}`, the input of the focused layers; and
    `entity_hidden_state`, `H_{N-K+1}` under the full mask, which differs only in `[CLS]` from the
    same layer under Eq. 13. Gradients come back under the same names.
    """

    def __init__(
        self, name: str, *, focus_layers: int, get_spans: SpanGetter, shim: EncoderShim
    ) -> None:
        """Build the layer. `initialize` or `from_bytes` loads the encoder.

        name (str): Name or folder of the encoder, see `spacy_str_encoder.encoders.load_encoder`.
        focus_layers (int): Number of layers that run again for each task, K.
        get_spans (SpanGetter): Function that cuts docs into windows.
        shim (EncoderShim): The shim that holds the encoder.
        """
        super().__init__(name, get_spans)
        self.layers[0] = _wrap(shim, focus_layers)
        self.init = init
        self._func = forward
        self.attrs["replace_listener"] = replace_listener

    @property
    def shim(self) -> EncoderShim:
        """RETURNS (EncoderShim): The shim that holds the encoder."""
        return self.layers[0].shims[0]

    @property
    def focus_layers(self) -> int:
        """RETURNS (int): Number of layers that run again for each task, K."""
        return self.layers[0].attrs["focus_layers"]

    def load_tokenizer(self) -> Any:
        """Get the tokenizer, also before the encoder is loaded.

        RETURNS (PreTrainedTokenizerFast): The tokenizer.
        RAISES (ValueError): If it can't be loaded, or the encoder is not supported.
        """
        if self.attrs["has_transformer"]:
            return self.tokenizer
        return load_tokenizer(self.attrs["name"], **self._settings)

    @property
    def _settings(self) -> dict[str, Any]:
        return {
            "focus_layers": self.focus_layers,
            "tokenizer_config": self._init_tokenizer_config,
            "transformer_config": self._init_transformer_config,
        }

    def copy(self) -> "STREncoderLayer":
        """RETURNS (STREncoderLayer): A copy with its own weights."""
        return self._copy()

    def _copy(self, seen: dict[int, Any] | None = None) -> "STREncoderLayer":
        copied = STREncoderLayer(
            self.attrs["name"],
            focus_layers=self.focus_layers,
            get_spans=self.attrs["get_spans"],
            shim=self.shim.copy(),
        )
        copied.attrs.update(self.attrs)
        if self.has_dim("nO"):
            copied.set_dim("nO", self.get_dim("nO"))
        return copied


def init(model: STREncoderLayer, X: list[Doc] | None = None, Y: Any = None) -> None:
    """Load the encoder, unless it is already loaded.

    model (STREncoderLayer): The layer.
    """
    if model.attrs["has_transformer"]:
        return
    hf_objects = load_encoder(model.attrs["name"], **model._settings)
    model.attrs["set_transformer"](model, hf_objects)


def forward(
    model: STREncoderLayer, docs: list[Doc], is_train: bool
) -> tuple[FullTransformerBatch, Callable[[FullTransformerBatch], list[Doc]]]:
    """Run the encoder on the windows of docs."""
    rows = DocRows(cut_docs(docs, model.attrs["get_spans"], model.tokenizer))
    output, backprop_encoder = model.layers[0](rows, is_train)
    states = FullTransformerBatch(
        spans=rows.windows.spans,
        wordpieces=rows.windows.pieces,
        model_output=output,
        align=rows.align,
        cached_doc_data=rows.split({name: torch2xp(state) for name, state in output.items()}),
    )

    def backprop(d_states: FullTransformerBatch) -> list[Doc]:
        backprop_encoder(d_states.model_output)
        return docs

    return states, backprop


def _wrap(shim: EncoderShim, focus_layers: int) -> Model[DocRows, ModelOutput]:
    return Model(
        "encoder",
        pytorch_forward,
        attrs={
            "focus_layers": focus_layers,
            "convert_inputs": _convert_inputs,
            "convert_outputs": _convert_outputs,
        },
        shims=[shim],
        dims={"nI": None, "nO": None},
    )


def _convert_inputs(
    model: Model, rows: DocRows, is_train: bool
) -> tuple[ArgsKwargs, Callable[[Any], list]]:
    transformer = model.shims[0]._model
    pieces = rows.pieces(first_position=first_position(transformer.config))
    [tensor] = to_torch(transformer.device, pieces)
    chunks = pack_chunks(rows.lengths, rows.first_rows, transformer.device)
    top, focus_layers = len(transformer.encoder.layer), model.attrs["focus_layers"]
    returned = [top, top - focus_layers, top - focus_layers + 1]
    return ArgsKwargs(args=(tensor, chunks), kwargs={"returned": returned}), lambda d_inputs: []


def _convert_outputs(
    model: Model, inputs_outputs: tuple[Any, list[torch.Tensor]], is_train: bool
) -> tuple[ModelOutput, Callable[[ModelOutput], ArgsKwargs]]:
    names = LAST_STATE, SHARED_STATE, ENTITY_STATE
    states = ModelOutput(zip(names, inputs_outputs[1], strict=True))

    def backprop(d_states: ModelOutput) -> ArgsKwargs:
        # What comes from frozen layers alone has no gradient.
        names = [name for name in d_states if states[name].requires_grad]
        d_tensors = [d_states[name] for name in names]
        tensors = [states[name] for name in names]
        return ArgsKwargs(args=(tensors,), kwargs={"grad_tensors": d_tensors})

    return states, backprop


def replace_listener(model: Model[list[Doc], Any]) -> Model[list[Doc], Any]:
    """Build the layer that replaces a listener when its component gets its own encoder.

    model (STREncoderLayer): A copy of the encoder.
    RETURNS (Model[list[Doc], list[TransformerData]]): A layer with the output of the listener.
    """
    # The precision is a setting of `str_encoder`, so it would be lost when the pipeline is saved.
    cast(STREncoderLayer, model).shim.set_precision(default_precision())
    return chain(model, split_states())
