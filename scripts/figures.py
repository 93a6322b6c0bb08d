"""Figures of matplotlib, with an error that helps if it is not installed."""

try:
    from matplotlib.figure import Figure
except ImportError as error:
    raise ImportError("plots need matplotlib: pip install 'spacy_str_encoder[plot]'") from error

__all__ = ["Figure"]
