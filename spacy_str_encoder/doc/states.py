"""States of encoders in a doc.

As in spaCy, `doc._.trf_data` holds those of the last encoder. If there are several, a doc also
keeps the states of the others, under their names.
"""

from typing import Any

from spacy.tokens import Doc

from .user_data import get_user_data

# Like the keys of spaCy's extension attributes of a whole doc.
LAST = ("._.", "trf_data", None, None)
STATES = ("._.", "str_states", None, None)


def keep_states(doc: Doc, encoder: str, states: Any | None) -> None:
    """Keep the states of an encoder apart from those of others.

    doc (Doc): The doc.
    encoder (str): The name of the encoder.
    states (TransformerData | None): Its states; None if it is the last encoder.
    """
    user_data = get_user_data(doc)
    others = {name: kept for name, kept in user_data.get(STATES, {}).items() if kept is not None}
    user_data[STATES] = others | {encoder: states}


def get_states(doc: Doc, encoder: str | None = None) -> Any | None:
    """Get the states of an encoder.

    doc (Doc): The doc.
    encoder (str | None): The name of the encoder; the last one if None.
    RETURNS (TransformerData | None): The states; None if there are none.
    """
    user_data = get_user_data(doc)
    last = user_data.get(LAST)
    known = user_data.get(STATES)
    if encoder is None or known is None:
        return last
    if encoder not in known:
        return None
    return last if known[encoder] is None else known[encoder]


def drop_states(doc: Doc) -> None:
    """Drop the states of all encoders.

    doc (Doc): The doc.
    """
    for key in (LAST, STATES):
        get_user_data(doc).pop(key, None)
