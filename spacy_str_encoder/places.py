"""Where the docs of a corpus come from, for errors to say."""

from collections.abc import Iterable
from pathlib import Path

from spacy.tokens import Doc

PLACE = "spacy_str_encoder.place"


def set_place(doc: Doc, path: Path, number: int) -> Doc:
    """Let a doc know where it comes from.

    doc (Doc): The doc.
    path (Path): The file.
    number (int): Which doc of the file it is, from 1.
    RETURNS (Doc): The same doc.
    """
    doc.user_data[PLACE] = f"doc {number} of {path}"
    return doc


def list_places(docs: Iterable[Doc]) -> str:
    """Name docs without a word of their texts, which may be confidential.

    docs (Iterable[Doc]): The docs.
    RETURNS (str): Where they come from, as far as they know, or how long they are.
    """
    unknown = "a doc of {} tokens from elsewhere"
    return ", ".join(doc.user_data.get(PLACE, unknown.format(len(doc))) for doc in docs)
