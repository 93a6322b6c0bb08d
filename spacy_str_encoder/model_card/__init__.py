"""Model cards: from a pipeline, its scores and the words of its authors to a page in Markdown."""

from .about import About, read_about
from .facts import describe
from .page import list_missing, write_page
from .reports import read_scores
from .unpacked import write_pipeline

__all__ = [
    "About",
    "describe",
    "list_missing",
    "read_about",
    "read_scores",
    "write_page",
    "write_pipeline",
]
