from collections.abc import Callable, Iterable
from functools import partial
from operator import attrgetter
from typing import Any

from spacy.tokens import Doc, Span
from spacy_transformers.data_classes import WordpieceBatch
from spacy_transformers.layers.transformer_model import (
    TransformerModel,
    _convert_transformer_inputs,
)
from thinc.api import Model, chain
from thinc.layers.pytorchwrapper import forward as pytorch_forward
from thinc.types import ArgsKwargs
from transformers.utils import ModelOutput

from ..encoders import load_encoder
from .encoder_shim import EncoderShim
from .encoder_states import split_states

ENTITY_STATE = "entity_hidden_state"
SHARED_STATE = "shared_hidden_state"
LAST_STATE = "last_hidden_state"
SpanGetter = Callable[[Iterable[Doc]], list[list[Span]]]


class STREncoder(TransformerModel):
    """BERT that also hands out the states its top K layers start from.

    The output has the states `last_hidden_state`, `H_N` under the full mask: plain BERT output;
    `shared_hidden_state`, `H_{N-K}`: what the focused layers run on; and `entity_hidden_state`,
    `H_{N-K+1}` under the full mask: what Eq. 13 leaves of it after the first of them, but for
    `[CLS]`. Gradients come back under the same names.
    """

    def __init__(
        self, name: str, *, focus_layers: int, get_spans: SpanGetter, shim: EncoderShim
    ) -> None:
        """Build the layer; the encoder is loaded by `initialize`, or from bytes.

        name (str): The encoder, as in `spacy_str_encoder.encoders.load_encoder`.
        focus_layers (int): How many layers run again for each task, K.
        get_spans (SpanGetter): Cuts docs into windows.
        shim (EncoderShim): What holds the encoder.
        """
        super().__init__(name, partial(nonempty_spans, get_spans=get_spans))
        self.layers[0] = _wrap(shim, focus_layers)
        self.init = init
        self.attrs["replace_listener"] = replace_listener

    @property
    def shim(self) -> EncoderShim:
        """RETURNS (EncoderShim): What holds the encoder's parameters."""
        return self.layers[0].shims[0]

    @property
    def focus_layers(self) -> int:
        """RETURNS (int): How many layers run again for each task, K."""
        return self.layers[0].attrs["focus_layers"]

    def copy(self) -> "STREncoder":
        """RETURNS (STREncoder): A copy with weights of its own."""
        return self._copy()

    def _copy(self, seen: dict[int, Any] | None = None) -> "STREncoder":
        copied = STREncoder(
            self.attrs["name"],
            focus_layers=self.focus_layers,
            get_spans=self.attrs["get_spans"],
            shim=self.shim.copy(),
        )
        copied.attrs["has_transformer"] = self.attrs["has_transformer"]
        if self.has_dim("nO"):
            copied.set_dim("nO", self.get_dim("nO"))
        return copied


def init(model: STREncoder, X: list[Doc] | None = None, Y: Any = None) -> None:
    """Load the encoder, unless it is there already.

    model (STREncoder): The layer.
    """
    if model.attrs["has_transformer"]:
        return
    hf_objects = load_encoder(
        model.attrs["name"],
        focus_layers=model.focus_layers,
        tokenizer_config=model._init_tokenizer_config,
        transformer_config=model._init_transformer_config,
    )
    model.attrs["set_transformer"](model, hf_objects)


def nonempty_spans(docs: Iterable[Doc], get_spans: SpanGetter) -> list[list[Span]]:
    """Leave out windows without tokens, which `spacy-transformers` would take for rows of the
    doc that follows.

    docs (Iterable[Doc]): The docs.
    get_spans (SpanGetter): Cuts docs into windows.
    RETURNS (list[list[Span]]): The windows of each doc.
    RAISES (ValueError): If the windows of a doc leave tokens out, or can't be cut.
    """
    docs = list(docs)
    try:
        windows = [[span for span in spans if len(span)] for spans in get_spans(docs)]
    except ZeroDivisionError:
        raise ValueError("The stride of the windows (get_spans) has to be at least 1.") from None
    for doc, doc_windows in zip(docs, windows, strict=True):
        token = _first_left_out(doc_windows)
        if token < len(doc):
            raise ValueError(LEAVES_OUT.format(length=len(doc), token=token))
    return windows


LEAVES_OUT = (
    "The windows (get_spans) of a doc of {length} tokens leave tokens out, the first of them at "
    "{token}. Each token has to be in one: for strided windows, make the stride no larger than the "
    "window."
)


def _first_left_out(windows: list[Span]) -> int:
    """RETURNS (int): The first token that is in no window; the end of the last one if all are."""
    end = 0
    for window in sorted(windows, key=attrgetter("start")):
        if window.start > end:
            break
        end = max(end, window.end)
    return end


def _wrap(shim: EncoderShim, focus_layers: int) -> Model[WordpieceBatch, ModelOutput]:
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
    model: Model, pieces: WordpieceBatch, is_train: bool
) -> tuple[ArgsKwargs, Callable[[Any], list]]:
    inputs, get_d_inputs = _convert_transformer_inputs(model, pieces, is_train)
    inputs.kwargs["output_hidden_states"] = True
    return inputs, get_d_inputs


def _convert_outputs(
    model: Model, inputs_outputs: tuple[Any, ModelOutput], is_train: bool
) -> tuple[ModelOutput, Callable[[ModelOutput], ArgsKwargs]]:
    hidden_states = inputs_outputs[1].hidden_states
    states = ModelOutput()
    states[LAST_STATE] = hidden_states[-1]
    states[SHARED_STATE] = hidden_states[-1 - model.attrs["focus_layers"]]
    states[ENTITY_STATE] = hidden_states[-model.attrs["focus_layers"]]

    def backprop(d_states: ModelOutput) -> ArgsKwargs:
        tensors = [states[name] for name in d_states]
        return ArgsKwargs(args=(tensors,), kwargs={"grad_tensors": list(d_states.values())})

    return states, backprop


def replace_listener(model: Model[list[Doc], Any]) -> Model[list[Doc], Any]:
    """Make the layer that takes a listener's place when its component gets an encoder of its own.

    model (STREncoder): A copy of the encoder.
    RETURNS (Model[list[Doc], list[TransformerData]]): A layer with the listener's output.
    """
    return chain(model, split_states())
