"""Annotating archives of millions of texts: once each, whatever happens in between.

Inputs become sources, sources become chunks of records, and each chunk becomes a file. A manifest
says which are done.
"""

from .engines import Engine, annotate_here, annotate_in_processes
from .parts import PartWriter
from .readers import Fields
from .run import Progress, Settings, TooManyRejectedError, annotate_archive
from .sources import Source, find_sources

__all__ = [
    "Engine",
    "Fields",
    "PartWriter",
    "Progress",
    "Settings",
    "Source",
    "TooManyRejectedError",
    "annotate_archive",
    "annotate_here",
    "annotate_in_processes",
    "find_sources",
]
