"""Selection of texts to annotate next."""

from .candidates import Candidates
from .run import Selected, Selection, select
from .unwanted import find_unwanted
from .write import check_lines, find_format, write_format, write_lines

__all__ = [
    "Candidates",
    "Selected",
    "Selection",
    "check_lines",
    "find_format",
    "find_unwanted",
    "select",
    "write_format",
    "write_lines",
]
