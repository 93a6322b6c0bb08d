"""Checks of arguments of the public API: obvious mistakes become clear errors and warnings."""

import warnings
from typing import Any

from spacy.tokens import Doc

from .entities import has_entities


def check_doc(doc: Any) -> None:
    """Check that an argument is a doc.

    doc (Any): The argument.
    RAISES (ValueError): If it is something else.
    """
    if not isinstance(doc, Doc):
        raise ValueError(f"doc: must be a Doc, got a {type(doc).__name__}.")


def check_docs(docs: Any) -> None:
    """Check that an argument is not a single doc, whose items are tokens.

    docs (Any): The argument.
    RAISES (ValueError): If it is a doc or a text.
    """
    if isinstance(docs, Doc | str):
        kind = type(docs).__name__
        raise ValueError(f"docs: must be a list of docs, got a {kind}. For one doc, write [doc].")


def check_labels(name: str, labels: Any) -> None:
    """Check that an argument is not a single label, whose items are characters.

    name (str): The name of the argument.
    labels (Any): The argument.
    RAISES (ValueError): If it is a string.
    """
    if isinstance(labels, str):
        raise ValueError(
            f"{name}: must be a list of labels, got {labels!r}. For one label, write [{labels!r}]."
        )


def warn_of_missing_group(doc: Doc, spans_key: str | None) -> None:
    """Warn if a doc does not have the span group that is to hold its entities.

    doc (Doc): The doc.
    spans_key (str | None): The span group; None for `doc.ents`.
    """
    if spans_key is not None and not has_entities(doc, spans_key):
        groups = ", ".join(map(repr, sorted(doc.spans))) or "none"
        message = NO_GROUP.format(key=spans_key, groups=groups)
        warnings.warn(message, stacklevel=3)


NO_GROUP = (
    "spans_key: the doc has no span group '{key}', so it has no entities there. Its groups: "
    "{groups}. For the entities in doc.ents, leave out spans_key."
)
