"""Model cards: from a pipeline, its scores and the words of its authors to a page in Markdown."""

from .about import About, read_about
from .facts import describe
from .page import list_missing, list_unscored, write_page
from .reports import check_scored, read_scores
from .unpacked import check_output, write_pipeline

__all__ = [
    "About",
    "check_output",
    "check_scored",
    "describe",
    "list_missing",
    "list_unscored",
    "read_about",
    "read_scores",
    "write_page",
    "write_pipeline",
]
