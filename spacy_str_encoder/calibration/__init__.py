"""Temperatures that make scores probabilities, and thresholds, from predictions of gold docs."""

from .calibrate import Choice, calibrate
from .layout import lay_out

__all__ = ["Choice", "calibrate", "lay_out"]
