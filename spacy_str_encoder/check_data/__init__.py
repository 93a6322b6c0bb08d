"""A first look at training data: a check before a pipeline is initialized, a plan afterwards."""

from .callback import create_check
from .plan import create_plan

__all__ = ["create_check", "create_plan"]
