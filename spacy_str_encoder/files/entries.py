"""The texts of an archive: entries that can be annotated, and rejections."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Entry:
    """A text of an archive.

    number (int): The number of the text in its source, from 1. If each line is a text, this is the
        line number.
    text (str): The text.
    id (Any): The identifier, a value that JSON can hold; None if there is none.
    subject (Any): The identifier of the patient, such a value too; None if it is not read.
    """

    number: int
    text: str
    id: Any = None
    subject: Any = None


@dataclass(frozen=True)
class Rejection:
    """A text that can't be annotated.

    number (int): The number of the text in its source, from 1.
    reason (str): The reason, which never quotes the text. What differs from text to text is in
        parentheses.
    content (str | None): The text, or the row it is in, as far as it can be read.
    """

    number: int
    reason: str
    content: str | None = None

    @property
    def kind(self) -> str:
        """RETURNS (str): The reason without what differs from text to text."""
        return self.reason.partition(" (")[0]


Item = Entry | Rejection
