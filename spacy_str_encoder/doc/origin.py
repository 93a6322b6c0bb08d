"""Origin of a doc: its identifier, and its place in a corpus."""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from spacy.tokens import Doc

from .plurals import count_noun

# The identifier of a text, the name of its source, and its number there.
Origin = dict[str, Any]
AnnotatedDocs = Iterable[tuple[Origin, Doc]]
# Key of the meta data of a text in `doc.user_data`.
META = "meta"
# Key of the identifier of a text in its meta data.
ID = "id"
# Key of the name of the field that has the identifier of the patient, if there is one.
SUBJECT_FIELD = "subject_field"
PLACE = "spacy_str_encoder.place"


def get_id(doc: Doc) -> Any:
    """RETURNS (Any): The identifier in the meta data of a doc; None if it has none."""
    meta = doc.user_data.get(META)
    return meta.get(ID) if isinstance(meta, dict) else None


def read_identifier(value: Any) -> Any:
    """Read an identifier. Tables and files have several values for a missing one.

    value (Any): The value.
    RETURNS (Any): The identifier; None if it is missing: null, not a number, empty or blank.
    """
    is_blank = isinstance(value, str) and not value.strip()
    return None if is_blank or (isinstance(value, float) and math.isnan(value)) else value


def set_place(doc: Doc, path: Path, number: int) -> Doc:
    """Store the place of a doc in a corpus.

    doc (Doc): The doc.
    path (Path): The file.
    number (int): Number of the doc in the file, from 1.
    RETURNS (Doc): The same doc.
    """
    doc.user_data[PLACE] = f"doc {number} of {path}"
    return doc


def list_places(docs: Iterable[Doc]) -> str:
    """List the places of docs, without their texts, which may be confidential.

    docs (Iterable[Doc]): The docs.
    RETURNS (str): The place of each doc in a corpus, or its length if the place is unknown.
    """
    return ", ".join(doc.user_data.get(PLACE, _describe_unknown(doc)) for doc in docs)


def _describe_unknown(doc: Doc) -> str:
    return f"a doc of {count_noun(len(doc), 'token')} from an unknown file"
