"""Load an encoder as a masked language model."""

from dataclasses import dataclass
from typing import Any

import torch
from transformers import AutoModelForMaskedLM

from ..encoders import EncoderError, load_encoder, resolve_name, without_warnings


@dataclass(frozen=True)
class MaskedModel:
    """Encoder with a masked language modeling head.

    transformer (PreTrainedModel): The model with its head; `base_model` is the encoder.
    tokenizer (PreTrainedTokenizerFast): The tokenizer.
    has_fresh_head (bool): Whether the weights of the head are newly initialized.
    """

    transformer: Any
    tokenizer: Any
    has_fresh_head: bool


def load_masked_model(name: str, *, seed: int) -> MaskedModel:
    """Load an encoder with its pretrained head, or with a new one if it has none.

    name (str): The encoder, as in `spacy_str_encoder.encoders.load_encoder`.
    seed (int): The seed of a new head.
    RETURNS (MaskedModel): The model.
    RAISES (ValueError): If the encoder can't be loaded or is not supported.
    """
    encoder = load_encoder(
        name, focus_layers=1, tokenizer_config={"use_fast": True}, transformer_config={}
    )
    if encoder.tokenizer.mask_token_id is None or encoder.tokenizer.pad_token_id is None:
        raise EncoderError(
            f"The tokenizer of the encoder '{name}' lacks [MASK] or [PAD]. Pretraining requires "
            "both: choose another encoder or tokenizer."
        )
    transformer, missing = _load_with_head(name, encoder.transformer.config, seed=seed)
    # Missing encoder weights are an error in `load_encoder`, but only a warning here.
    transformer.base_model.load_state_dict(encoder.transformer.state_dict())
    return MaskedModel(transformer, encoder.tokenizer, bool(missing))


def _load_with_head(name: str, config: Any, *, seed: int) -> tuple[Any, list[str]]:
    with without_warnings(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        transformer, info = AutoModelForMaskedLM.from_pretrained(
            resolve_name(name), config=config, torch_dtype=torch.float32, output_loading_info=True
        )
    return transformer, info["missing_keys"]
