"""Identifiers of documents and entities: hashes, so that they agree in all parts of an archive and
in later runs.
"""

import json
from hashlib import blake2b

from ..doc.origin import Origin, read_identifier
from ..doc.relation import Place
from ..files.parquet import to_string

# In bytes. A collision is as good as impossible up to trillions of nodes.
SIZE = 16


def hash_of(*values: str | int | None) -> str:
    """Compute an identifier.

    *values (str | int | None): What is identified by it.
    RETURNS (str): 32 hexadecimal digits.
    """
    return blake2b(json.dumps(values).encode(), digest_size=SIZE).hexdigest()


def hash_document(origin: Origin, text: str) -> str:
    """Compute the identifier of a document: of its own identifier and its text, so that two
    documents of the same identifier are only one if they have the same text. Where there is no
    identifier, its source and its number there stand in for it.

    origin (dict[str, Any]): The origin of the text. A doc may lack any of it.
    text (str): The text.
    RETURNS (str): The identifier.
    """
    if (known := to_string(read_identifier(origin.get("id")))) is not None:
        return hash_of("document", known, text)
    return hash_of("document", None, origin.get("source"), origin.get("number"), text)


def hash_entity(document: str, place: Place) -> str:
    """Compute the identifier of an entity.

    document (str): The identifier of its document.
    place (tuple[int, int, str]): Start and end character of the entity, and label.
    RETURNS (str): The identifier.
    """
    return hash_of("entity", document, *place)
