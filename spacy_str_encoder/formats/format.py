"""What an annotation format is."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .annotated_text import AnnotatedText
from .report import ConversionReport

Read = Callable[[Path, ConversionReport], Iterator[AnnotatedText]]
Write = Callable[[Iterable[AnnotatedText], Path, ConversionReport], None]


@dataclass(frozen=True)
class Format:
    """A way of writing annotated texts down.

    name (str): What it is called on the command line.
    description (str): What it is, in a few words.
    suffix (str): How the names of its files end; empty if it is a folder.
    recognizes (Callable[[Path, Any], bool]): Whether a file may be in this format, by its path and
        the first text if it holds JSON, else None.
    read (Callable[[Path, ConversionReport], Iterator[AnnotatedText]]): Reads a file.
    write (Callable[[Iterable[AnnotatedText], Path, ConversionReport], None]): Writes a file; there
        is none with that name yet.
    needs_tokens (bool): Whether the texts that it writes must have tokens.
    keeps_unannotated (bool): Whether it tells texts whose relations nobody annotated from those
        that have none.
    keeps_missing_entities (bool): The same of entities.
    """

    name: str
    description: str
    suffix: str
    recognizes: Callable[[Path, Any], bool]
    read: Read
    write: Write
    needs_tokens: bool = False
    keeps_unannotated: bool = False
    keeps_missing_entities: bool = False
