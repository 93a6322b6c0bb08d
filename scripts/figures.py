"""Figures of matplotlib, or what to do if it is not there."""

try:
    from matplotlib.figure import Figure
except ImportError as error:
    raise ImportError(
        "the plots need matplotlib; install it with pip install 'spacy_str_encoder[plot]'"
    ) from error

__all__ = ["Figure"]
