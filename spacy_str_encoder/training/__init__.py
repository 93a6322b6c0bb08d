"""Training by spaCy's own loop, which can be killed at any moment and resumed."""

from .run import Request, train

__all__ = ["Request", "train"]
