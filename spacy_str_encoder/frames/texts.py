"""Texts of a frame, checked before any of them is annotated."""

import warnings
from collections import Counter
from collections.abc import Hashable
from typing import Any

from ..doc.plurals import count_noun
from .libraries import Library


def read_texts(library: Library, frame: Any, column: Any, *, max_length: int) -> dict[int, str]:
    """Read the texts of a frame. A warning counts those that are missing.

    library (Library): The library of the frame.
    frame (Any): The frame.
    column (Any): The column of texts.
    max_length (int): The maximum number of characters.
    RETURNS (dict[int, str]): The texts by the number of their row.
    RAISES (ValueError): If there is no such column, or a text is not a string, is too long, or is
        not valid Unicode.
    """
    _require_column(library, frame, "text", column)
    texts: dict[int, str] = {}
    values = library.read(frame, column)
    for row, value in enumerate(values):
        if value is not None:
            texts[row] = _check_text(value, f"column {column!r}, row {row}", max_length)
    if missing := len(values) - len(texts):
        counted = count_noun(missing, "text")
        warnings.warn(f"column {column!r}: {counted} missing, without rows", stacklevel=3)
    return texts


def _check_text(value: Any, place: str, max_length: int) -> str:
    if not isinstance(value, str):
        raise ValueError(
            f"{place}: the text must be a string, got {value!r} ({type(value).__name__})"
        )
    if len(value) > max_length:
        raise ValueError(
            f"{place}: the text has {len(value):,} characters, more than nlp.max_length "
            f"({max_length:,}); cut it, or set nlp.max_length"
        )
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            f"{place}: the text must be valid Unicode, got {value[error.start]!r}, half of a "
            f"character, at {error.start}; remove it"
        ) from error
    return value


def check_ids(library: Library, frame: Any, column: Any) -> None:
    """Check the identifiers of texts. A warning counts those of several texts, except missing ones.

    library (Library): The library of the frame.
    frame (Any): The frame.
    column (Any): The column of identifiers; None for none.
    RAISES (ValueError): If there is no such column.
    """
    if column is None:
        return
    _require_column(library, frame, "id", column)
    values = [each for each in library.read(frame, column) if _is_identifier(each)]
    if repeated := sum(number > 1 for number in Counter(values).values()):
        counted = count_noun(repeated, "identifier")
        warnings.warn(
            f"column {column!r}: {counted} of more than one text; the column 'doc' has the number "
            "of the row, which is unique",
            stacklevel=3,
        )


def _is_identifier(value: Any) -> bool:
    # A missing number may be NaN, which differs from itself.
    return value is not None and isinstance(value, Hashable) and bool(value == value)


def _require_column(library: Library, frame: Any, option: str, name: Any) -> None:
    columns = library.list_columns(frame)
    if name not in columns:
        listed = ", ".join(map(repr, columns)) or "none"
        raise ValueError(f"{option}={name!r}: the frame has no such column; it has {listed}")
