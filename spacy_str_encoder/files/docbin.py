"""Read spaCy's DocBin files."""

from collections.abc import Iterator
from pathlib import Path

from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab

SUFFIX = ".spacy"


def read_docbin(path: Path, vocab: Vocab) -> Iterator[Doc]:
    """Read the docs of a file.

    path (Path): The file.
    vocab (Vocab): The vocabulary of the docs.
    YIELDS (Doc): The docs.
    RAISES (ValueError): If the file is not a DocBin, or is damaged.
    """
    try:
        yield from DocBin().from_disk(path).get_docs(vocab)
    except OSError:
        raise
    except Exception as error:  # errors of zlib, msgpack and spaCy have no common type
        raise ValueError(f"{path}: the file is not a DocBin ({error})") from error
