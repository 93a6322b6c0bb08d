"""Text of a BioC document, and the places of its annotations."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from ..annotated_text import AnnotationError


@dataclass(frozen=True)
class Piece:
    """Text of a passage or a sentence.

    text (str): The text.
    offset (int): Its offset in the document.
    start (int): Its start in the text that is read.
    """

    text: str
    offset: int
    start: int

    def find(self, offset: int) -> int | None:
        """Find a character.

        offset (int): Its offset in the document.
        RETURNS (int | None): Its place in the text that is read; None if it is in another piece.
        """
        index = offset - self.offset
        return self.start + index if 0 <= index < len(self.text) else None


def join_passages(passages: Iterable[Element]) -> tuple[str, list[list[Piece]]]:
    """Join passages to a text. Sentences are separated by a space if their offsets have a gap.

    passages (Iterable[Element]): The passages.
    RETURNS (tuple[str, list[list[Piece]]]): The text, and the pieces of each passage.
    """
    text, found = "", []
    for passage in passages:
        pieces: list[Piece] = []
        for content, offset in _read_texts(passage):
            if text and not pieces:
                text += "\n"
            elif pieces and offset > pieces[-1].offset + len(pieces[-1].text):
                text += " "
            pieces.append(Piece(content, offset, len(text)))
            text += content
        found.append(pieces)
    return text, found


def _read_texts(passage: Element) -> Iterator[tuple[str, int]]:
    """Read the text of a passage or, if it has none, those of its sentences."""
    units = [passage] if passage.findtext("text") else passage.findall("sentence")
    for unit in units:
        if text := unit.findtext("text"):
            yield text, parse_number("offset", unit.findtext("offset"))


def parse_number(name: str, value: str | None) -> int:
    """Parse the offset of a text, or the offset or length of an annotation.

    name (str): The name of the number, for the message.
    value (str | None): The number.
    RETURNS (int): The number.
    RAISES (AnnotationError): If it is not an integer.
    """
    try:
        return int(value or "")
    except ValueError:
        raise AnnotationError(f"the {name} must be an integer, got {value!r}") from None


def locate(offset: int, length: int, pieces: Sequence[Piece]) -> tuple[int, int] | None:
    """Find the place of an annotation.

    offset (int): Its offset in the document.
    length (int): Its length.
    pieces (Sequence[Piece]): The pieces of text that it may be in.
    RETURNS (tuple[int, int] | None): Its start and end in the text that is read; None if it is not
        in these pieces.
    """
    starts = [place for piece in pieces if (place := piece.find(offset)) is not None]
    lasts = [place for piece in pieces if (place := piece.find(offset + length - 1)) is not None]
    return (starts[0], lasts[0] + 1) if starts and lasts else None
