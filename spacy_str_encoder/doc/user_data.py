"""What a doc keeps beside its tokens, under keys that spaCy moves along when docs are cut, joined
or serialized: they name a place in the text, as those of its own extension attributes do.
"""

from typing import Any, cast

from spacy.tokens import Doc

# The marker of extension attributes, the name, start and end character.
Key = tuple[str, str, int, int]


def get_user_data(doc: Doc) -> dict[Any, Any]:
    """The user data of a doc.

    doc (Doc): The doc.
    RETURNS (dict[Any, Any]): The data.
    """
    # spaCy's own keys are tuples, though its type says they are strings.
    return cast(dict[Any, Any], doc.user_data)


def make_key(name: str, start: int, end: int) -> Key:
    """The key of what belongs to a place in the text.

    name (str): What it is.
    start (int): The first character.
    end (int): The last one, exclusive.
    RETURNS (tuple[str, str, int, int]): The key.
    """
    return "._.", name, start, end


def is_key(key: Any, *names: str) -> bool:
    """Tell keys of ours from others.

    key (Any): A key of user data.
    *names (str): What it may be of.
    RETURNS (bool): Whether it is.
    """
    return isinstance(key, tuple) and len(key) == 4 and key[0] == "._." and key[1] in names
