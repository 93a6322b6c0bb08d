"""A first look at training data, before a pipeline is initialized."""

from .callback import create_check

__all__ = ["create_check"]
