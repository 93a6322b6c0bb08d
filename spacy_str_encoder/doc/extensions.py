"""Extension attributes of docs and spans, whose names other libraries may want for themselves."""

import warnings
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import srsly
from spacy.tokens import Doc, Span

from .attributes import get_attribute_scores, get_attributes, set_attributes
from .codes import get_codes, set_codes
from .records import get_records
from .relation import (
    Relation,
    get_relations,
    get_score,
    get_span_relations,
    set_relations,
    set_score,
)


class Extension(NamedTuple):
    """Extension attribute.

    owner (type): The class that has it.
    name (str): Its name.
    getter (Callable): Its getter.
    setter (Callable | None): Its setter.
    instead (str): What to use where the name belongs to something else.
    """

    owner: type[Doc] | type[Span]
    name: str
    getter: Callable[[Any], Any]
    setter: Callable[[Any, Any], None] | None
    instead: str

    def __str__(self) -> str:
        return f"{self.owner.__name__.lower()}._.{self.name}"

    @property
    def is_foreign(self) -> bool:
        """RETURNS (bool): Whether something else has registered the name."""
        return self.owner.get_extension(self.name)[2] is not self.getter


EXTENSIONS = [
    Extension(Doc, "relations", get_relations, set_relations, "get_relations(doc)"),
    Extension(Doc, "records", get_records, None, "to_annotations(doc)['records']"),
    Extension(Span, "relations", get_span_relations, None, "get_relations(span.doc)"),
    Extension(Span, "score", get_score, set_score, "get_score(span)"),
    Extension(Span, "attributes", get_attributes, set_attributes, "get_attributes(span)"),
    Extension(Span, "attribute_scores", get_attribute_scores, None, "get_attribute_scores(span)"),
    Extension(Span, "codes", get_codes, set_codes, "get_codes(span)"),
]
FOREIGN = (
    "{extension} is not what this component sets: something else has registered an extension "
    "attribute of this name. Use spacy_str_encoder.{extension.instead} instead."
)
_told: set[str] = set()


def install_extensions() -> None:
    """Declare the extension attributes whose names are free."""
    for each in EXTENSIONS:
        if not each.owner.has_extension(each.name):
            each.owner.set_extension(each.name, getter=each.getter, setter=each.setter)


def warn_of_foreign(names: Iterable[str]) -> None:
    """Warn of extension attributes that belong to something else, once for each. Those that were
    removed are declared again.

    names (Iterable[str]): The attributes, such as `doc._.relations`.
    """
    install_extensions()
    for each in EXTENSIONS:
        if str(each) in names and each.is_foreign and str(each) not in _told:
            _told.add(str(each))
            warnings.warn(FOREIGN.format(extension=each), stacklevel=2)


@srsly.msgpack_encoders("spacy_str_encoder.Relation")
def refuse_relation(item: Any, chain: Callable[[Any], Any] | None = None) -> Any:
    """Say why a `Relation` in user data can't be saved.

    item (Any): The item.
    chain (Callable | None): The next encoder.
    RETURNS (Any): What the next encoder makes of any other item.
    RAISES (ValueError): If the item is a `Relation`.
    """
    if isinstance(item, Relation):
        raise ValueError(MISPLACED)
    return item if chain is None else chain(item)


MISPLACED = (
    "A Relation is in the user data of a doc, where it can't be saved: doc._.relations or another "
    "extension attribute that holds it does not belong to spacy_str_encoder. Set relations with "
    "spacy_str_encoder.set_relations(doc, relations)."
)
