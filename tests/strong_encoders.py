"""Small encoders with weights so large that every piece matters, and docs for them."""

from pathlib import Path
from typing import Any

import torch
from spacy.tokens import Doc
from spacy.vocab import Vocab
from spacy_transformers.span_getters import configure_strided_spans
from transformers import AutoTokenizer, BertModel

from spacy_str_encoder.architectures import FocusedEncoder, STREncoder

WORDS = [
    "前降支", "近段", "轻度", "狭窄", "约", "30-40％", "，", "回旋支", "未见", "明显", "狭窄", "。",
]  # fmt: skip


def make_doc(words: list[str]) -> Doc:
    return Doc(Vocab(), words=words, spaces=[False] * len(words))


def strengthen(encoder_path: Path, path: Path) -> Path:
    """Write an encoder with weights so large that every piece matters."""
    torch.manual_seed(0)
    transformer = BertModel.from_pretrained(encoder_path, add_pooling_layer=False)
    for name, parameter in transformer.named_parameters():
        if "LayerNorm.weight" not in name:
            torch.nn.init.normal_(parameter, std=0.3)
    transformer.save_pretrained(path)
    AutoTokenizer.from_pretrained(encoder_path).save_pretrained(path)
    return path


def make_encoder(
    path: Path,
    *,
    focus_layers: int = 2,
    window: int = 64,
    stride: int = 48,
    **transformer_config: Any,
) -> Any:
    encoder = STREncoder(
        name=str(path),
        focus_layers=focus_layers,
        get_spans=configure_strided_spans(window, stride),
        tokenizer_config={"use_fast": True},
        transformer_config=transformer_config,
    )
    return FocusedEncoder(encoder)


def encoder_of(layer: Any) -> Any:
    return layer.get_ref("tok2vec").layers[0]
