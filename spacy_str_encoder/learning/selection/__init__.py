"""Selection of texts to annotate next."""

from .candidates import Candidates
from .run import Selected, Selection, select
from .write import check_lines, find_format, write_format, write_lines

__all__ = [
    "Candidates",
    "Selected",
    "Selection",
    "check_lines",
    "find_format",
    "select",
    "write_format",
    "write_lines",
]
