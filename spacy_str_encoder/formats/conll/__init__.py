"""Columns of tokens and tags, as in the CoNLL tasks (Tjong Kim Sang and De Meulder 2003).

One token per line: two to four columns, separated by tabs or spaces, of which the first is the
token and the last its tag, in BIO (IOB2), IOB1, BIOES, BILUO or BMES. A blank line ends a sentence,
and each sentence is a text of its own, as in other programs. `-DOCSTART-` begins a document; its
number becomes metadata, so that a split can keep its sentences together. Lines with `#` that are no
token with a tag are comments. Texts have one space between words, as there is no white space. There
are no relations, no attributes, and no overlapping entities.
"""

from pathlib import Path
from typing import Any

from ..format import Format
from .reader import read
from .writer import write

SUFFIX = ".conll"
SUFFIXES = {SUFFIX, ".bio", ".iob"}


def recognizes(path: Path, item: Any) -> bool:
    """Recognize a file by its name."""
    return path.suffix.lower() in SUFFIXES and not path.is_dir()


FORMAT = Format(
    "conll",
    "columns of tokens and tags (CoNLL, BIO)",
    SUFFIX,
    recognizes=recognizes,
    read=read,
    write=write,
    needs_tokens=True,
    keeps_unannotated=True,
)
