"""Selection of texts to annotate next."""

from .candidates import Candidates
from .run import Selected, Selection, select
from .write import find_format, write_format, write_lines

__all__ = [
    "Candidates",
    "Selected",
    "Selection",
    "find_format",
    "select",
    "write_format",
    "write_lines",
]
