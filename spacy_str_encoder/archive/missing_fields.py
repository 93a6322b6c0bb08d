"""Warn of fields that were named, but that no text has."""

import warnings
from collections.abc import Sequence
from itertools import islice

from ..doc.plurals import count_noun
from ..files.entries import Entry
from ..files.readers import DEFAULT_ID, Fields
from .sources import Source

# The first texts of an input tell which fields it has.
SAMPLE = 100
MISSING = (
    "{option} {field}: in {inputs}, such as {name}, none of the first {texts} has a value in this "
    "field. Check the spelling. Without it, a text has no identifier{whose}."
)

OPTIONS = {"id": ("--id-field", ""), "subject": ("--subject-field", " of a patient")}


def warn_of_missing(sources: Sequence[Source], fields: Fields) -> None:
    """Warn of fields of identifiers that were named, but in which none of the first texts has a
    value. A table without the column is an error when it is read.

    sources (Sequence[Source]): The sources.
    fields (Fields): The fields.
    """
    chosen = {"id": fields.id if fields.id != DEFAULT_ID else None, "subject": fields.subject}
    named = {name: field for name, field in chosen.items() if field is not None}
    lacking: dict[str, list[tuple[str, int]]] = {name: [] for name in named}
    # Without named fields, nothing is read.
    for source in sources if named else ():
        texts = _read_sample(source, fields)
        for name, inputs in lacking.items():
            if texts and all(getattr(text, name) is None for text in texts):
                inputs.append((source.name, len(texts)))
    for name, inputs in lacking.items():
        option, whose = OPTIONS[name]
        _warn(inputs, option=option, field=named[name], whose=whose)


def _read_sample(source: Source, fields: Fields) -> list[Entry]:
    items = (item for item, _ in source.read(fields))
    return [item for item in islice(items, SAMPLE) if isinstance(item, Entry)]


def _warn(lacking: list[tuple[str, int]], **words: str) -> None:
    if lacking:
        name, count = lacking[0]
        inputs, texts = count_noun(len(lacking), "input"), count_noun(count, "text")
        message = MISSING.format(inputs=inputs, name=name, texts=texts, **words)
        warnings.warn(message, stacklevel=4)
