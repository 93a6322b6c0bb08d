"""Pretrain an encoder on raw texts, before it is trained on entities and relations.

Files are read as texts, texts are cut into windows of pieces and their words, and windows are
masked anew in each epoch. Training uses the Trainer of transformers.
"""

from .run import Summary, pretrain
from .settings import PretrainingSettings

__all__ = ["PretrainingSettings", "Summary", "pretrain"]
