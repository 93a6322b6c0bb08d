"""Training an encoder on raw texts, before it learns entities and relations.

Files become texts, texts become windows of pieces with their words, and windows are masked anew
each time that they are looked at. What trains is transformers' Trainer.
"""

from .run import Summary, pretrain
from .settings import Settings

__all__ = ["Settings", "Summary", "pretrain"]
