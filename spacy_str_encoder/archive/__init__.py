"""Annotation of archives with millions of texts: each text once, even if runs are interrupted.

Inputs become sources, sources become chunks of texts, and each chunk becomes a file. A manifest
lists which chunks are done.
"""

from ..files.archive_names import MANIFEST
from ..files.readers import Fields
from .engines import Engine, annotate_here, annotate_in_processes
from .parts import PartWriter
from .progress import Progress
from .run import ArchiveSettings, TooManyRejectedError, annotate_archive
from .sources import Source, find_sources

__all__ = [
    "MANIFEST",
    "ArchiveSettings",
    "Engine",
    "Fields",
    "PartWriter",
    "Progress",
    "Source",
    "TooManyRejectedError",
    "annotate_archive",
    "annotate_here",
    "annotate_in_processes",
    "find_sources",
]
