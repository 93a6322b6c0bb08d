"""Corrections: what people changed of what a model said, and the training data with it."""

from .layout import lay_out
from .report import Report
from .run import Settings, learn_corrections

__all__ = ["Report", "Settings", "lay_out", "learn_corrections"]
