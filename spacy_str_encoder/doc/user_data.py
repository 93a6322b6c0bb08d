"""User data of a doc, under keys that spaCy shifts when docs are cut, joined or serialized.

Like the keys of spaCy's own extension attributes, they contain a place in the text.
"""

from collections.abc import Iterator
from typing import Any, cast

from spacy.tokens import Doc

# Marker of extension attributes, name, and start and end character.
Key = tuple[str, str, int, int]


def get_user_data(doc: Doc) -> dict[Any, Any]:
    """Return the user data of a doc.

    doc (Doc): The doc.
    RETURNS (dict[Any, Any]): The user data.
    """
    # spaCy annotates the keys as strings, but its own keys are tuples.
    return cast(dict[Any, Any], doc.user_data)


def make_key(name: str, start: int, end: int) -> Key:
    """Make the key of data at a place in the text.

    name (str): Name of the data.
    start (int): Start character.
    end (int): End character, exclusive.
    RETURNS (tuple[str, str, int, int]): The key.
    """
    return "._.", name, start, end


def is_key(key: Any, *names: str) -> bool:
    """Check whether a key of user data belongs to data of certain names.

    key (Any): Key of user data.
    *names (str): Names of the data.
    RETURNS (bool): Whether the key has one of these names.
    """
    return isinstance(key, tuple) and len(key) == 4 and key[0] == "._." and key[1] in names


def find_values(doc: Doc, name: str) -> Iterator[tuple[int, Any]]:
    """Find data by their name.

    doc (Doc): The doc.
    name (str): Name of the data.
    YIELDS (tuple[int, Any]): Start character and value of each.
    """
    for key, value in get_user_data(doc).items():
        if is_key(key, name):
            yield key[2], value


def drop_values(doc: Doc, *names: str) -> None:
    """Drop data by their names.

    doc (Doc): The doc.
    *names (str): Names of the data.
    """
    user_data = get_user_data(doc)
    for key in [key for key in user_data if is_key(key, *names)]:
        del user_data[key]
