"""Configs for a start.

The templates are copies of files in `configs/`, so that an installed wheel has them. What users
choose is written into their text, which keeps the comments.
"""

from .commands import next_commands
from .continued import continue_config
from .template import make_config
from .trained import read_trained

__all__ = ["continue_config", "make_config", "next_commands", "read_trained"]
