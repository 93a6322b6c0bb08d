"""Data frames: from a column of texts to a frame of entities, relations or records.

Arrow lies between: pandas, Polars and `datasets` all make frames of its tables.
"""

from .annotate import annotate

__all__ = ["annotate"]
