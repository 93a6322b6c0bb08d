"""spaCy's DocBin files: what they can hold, and their docs."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab
from srsly.msgpack import Packer

SUFFIX = ".spacy"
# Writes a value as a DocBin does, and raises OverflowError or ValueError if a DocBin can't hold it.
# Made once, since a new Packer looks through all installed packages for types that they add.
pack: Callable[[Any], bytes] = Packer().pack


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
