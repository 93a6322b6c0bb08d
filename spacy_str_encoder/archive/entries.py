"""What an archive is made of: entries that can be annotated, and records that can't."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Entry:
    """A text of an archive.

    number (int): Which record of its source it is, from 1: the line where a record is a line.
    text (str): The text.
    id (Any): What its record has in the field of identifiers, fit for JSON; None if nothing.
    """

    number: int
    text: str
    id: Any = None


@dataclass(frozen=True)
class Rejection:
    """A record that can't be annotated.

    number (int): Which record of its source it is, from 1.
    reason (str): Why, without a word of its text.
    content (str | None): The record, as far as it can be read.
    """

    number: int
    reason: str
    content: str | None = None


Item = Entry | Rejection
