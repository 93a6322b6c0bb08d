"""Plain texts, out of files of several kinds."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from spacy.vocab import Vocab

from .docbin import read_docbin
from .files import read_items, read_lines


def read_texts(path: Path) -> Iterator[str]:
    """Read the texts of a file, leaving out the blank ones.

    path (Path): A .txt, .jsonl, .json or .spacy file.
    RETURNS (Iterator[str]): The texts.
    RAISES (ValueError): If the file is missing or its kind is unknown; while reading, if a record
        cannot be read or there is no text at all.
    """
    if path.suffix.lower() not in READERS:
        raise ValueError(f"{path}: unknown kind of file; give one of {', '.join(READERS)}")
    if not path.exists():
        raise ValueError(f"{path}: there is no such file")
    return skip_blank_texts(READERS[path.suffix.lower()](path), path)


def skip_blank_texts(texts: Iterable[str], path: Path) -> Iterator[str]:
    """Leave out the blank texts of a file.

    texts (Iterable[str]): The texts of the file.
    path (Path): The file, for the error.
    YIELDS (str): The texts that are not blank.
    RAISES (ValueError): At the end, if there was none.
    """
    empty = True
    for text in texts:
        if text.strip():
            empty = False
            yield text
    if empty:
        raise ValueError(f"{path}: the file holds no text")


def read_txt(path: Path) -> Iterator[str]:
    """Read a text a line.

    path (Path): The file.
    YIELDS (str): The texts.
    """
    for _, line in read_lines(path):
        yield line.rstrip("\r\n")


def read_json(path: Path) -> Iterator[str]:
    """Read JSON lines, or a JSON list, of objects.

    path (Path): The file.
    YIELDS (str): The text of each object.
    """
    for place, item in read_items(path):
        yield get_text(item, place)


def read_spacy(path: Path) -> Iterator[str]:
    """Read a DocBin.

    path (Path): The file.
    YIELDS (str): The text of each doc.
    """
    for doc in read_docbin(path, Vocab()):
        yield doc.text


READERS: dict[str, Callable[[Path], Iterator[str]]] = {
    ".txt": read_txt,
    ".jsonl": read_json,
    ".json": read_json,
    ".spacy": read_spacy,
}


def get_text(record: Any, place: str) -> str:
    """Get the text of a JSON record.

    record (Any): What should be an object with "text".
    place (str): The file and the line or record, for the error.
    RETURNS (str): The text.
    RAISES (ValueError): If there is none, or it cannot be encoded.
    """
    text = record.get("text") if isinstance(record, dict) else None
    if not isinstance(text, str):
        raise ValueError(f'{place}: the record is not an object with a string "text"')
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError(
            f"{place}: the text has a lone surrogate ({text[error.start]!r}), which is no character"
        ) from error
    return text
