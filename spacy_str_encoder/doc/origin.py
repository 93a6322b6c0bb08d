"""Where a doc comes from: its identifier, and its place in a corpus."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from spacy.tokens import Doc

# Where `doc.user_data` keeps the meta data of a text.
META = "meta"
# Where the meta data keep the identifier of a text.
ID = "id"
PLACE = "spacy_str_encoder.place"


def get_id(doc: Doc) -> Any:
    """RETURNS (Any): The identifier in the meta data of a doc; None if there is none."""
    return doc.user_data.get(META, {}).get(ID)


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
