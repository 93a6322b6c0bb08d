"""From the name of an encoder to a masked language model."""

from dataclasses import dataclass
from typing import Any

import torch
from transformers import AutoModelForMaskedLM

from ..encoders import EncoderError, load_encoder, resolve_name, without_warnings


@dataclass(frozen=True)
class MaskedModel:
    """An encoder with a head that guesses pieces.

    transformer (PreTrainedModel): Both; its `base_model` is the encoder.
    tokenizer (PreTrainedTokenizerFast): The tokenizer.
    has_fresh_head (bool): Whether the weights of the head are new.
    """

    transformer: Any
    tokenizer: Any
    has_fresh_head: bool


def load_masked_model(name: str, *, seed: int) -> MaskedModel:
    """Load an encoder with the head that it was pretrained with, or else with a fresh one.

    name (str): The encoder, as in `spacy_str_encoder.encoders.load_encoder`.
    seed (int): The seed of a fresh head.
    RETURNS (MaskedModel): The model.
    RAISES (ValueError): If the name cannot be had, or is no encoder that the method fits.
    """
    encoder = load_encoder(
        name, focus_layers=1, tokenizer_config={"use_fast": True}, transformer_config={}
    )
    if encoder.tokenizer.mask_token_id is None or encoder.tokenizer.pad_token_id is None:
        raise EncoderError(
            f"The tokenizer of the encoder '{name}' lacks [MASK] or [PAD], and pretraining needs "
            "both. Choose another encoder or tokenizer."
        )
    transformer, missing = _load_with_head(name, encoder.transformer.config, seed=seed)
    # These were read strictly.
    transformer.base_model.load_state_dict(encoder.transformer.state_dict())
    return MaskedModel(transformer, encoder.tokenizer, bool(missing))


def _load_with_head(name: str, config: Any, *, seed: int) -> tuple[Any, list[str]]:
    with without_warnings(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        transformer, info = AutoModelForMaskedLM.from_pretrained(
            resolve_name(name), config=config, torch_dtype=torch.float32, output_loading_info=True
        )
    return transformer, info["missing_keys"]
