"""Configs for a start.

The templates are copies of files in `configs/`, so that an installed wheel has them. What users
choose is written into their text, which keeps the comments.
"""

from .commands import next_commands
from .template import make_config

__all__ = ["make_config", "next_commands"]
