"""Codes of entities: identifiers of a terminology, best first.

They are stored like attributes, under the place of the entity, so that spaCy shifts them when docs
are cut, joined or serialized.
"""

from collections.abc import Iterable, Mapping
from numbers import Real
from typing import Any, TypedDict

from spacy.tokens import Doc, Span

from .relation import Place, place_of
from .user_data import get_user_data, make_key

CODES = "str_codes"


class Code(TypedDict):
    """An identifier of a terminology.

    code (str): The identifier.
    system (str): The terminology that it belongs to.
    display (str): The preferred term.
    score (float): The similarity of the entity to a term of the code, 1.0 if they are the same.
    """

    code: str
    system: str
    display: str
    score: float


NAMES = ("code", "system", "display")


def get_codes(span: Span) -> list[Code] | None:
    """Return the codes of an entity.

    span (Span): The entity.
    RETURNS (list[Code] | None): The codes, best first. Empty if none was found; None if nothing has
        looked for them.
    """
    return read_codes(span.doc, place_of(span))


def set_codes(span: Span, codes: Iterable[Code] | None) -> None:
    """Replace the codes of an entity.

    span (Span): The entity.
    codes (Iterable[Code] | None): The codes, best first, such as `{"code": "LAD", "system":
        "vessels", "display": "前降支", "score": 1.0}`. An empty list says that the entity has none;
        None, that nothing has looked for them.
    RAISES (ValueError): If these are not codes.
    """
    write_codes(span.doc, place_of(span), codes)


def read_codes(doc: Doc, place: Place) -> list[Code] | None:
    """Return the codes of an entity, which need not align with the tokens of the doc.

    doc (Doc): The doc.
    place (tuple[int, int, str]): Start and end character of the entity, and label.
    RETURNS (list[Code] | None): The codes, see `get_codes`.
    """
    start, end, label = place
    stored = get_user_data(doc).get(make_key(CODES, start, end), {}).get(label)
    if stored is None:
        return None
    return [
        Code(code=code, system=system, display=display, score=score)
        for code, system, display, score in stored
    ]


def write_codes(doc: Doc, place: Place, codes: Iterable[Code] | None) -> None:
    """Replace the codes of an entity, which need not align with the tokens of the doc.

    doc (Doc): The doc.
    place (tuple[int, int, str]): Start and end character of the entity, and label.
    codes (Iterable[Code] | None): The codes, see `set_codes`.
    RAISES (ValueError): If these are not codes.
    """
    start, end, label = place
    user_data, key = get_user_data(doc), make_key(CODES, start, end)
    if codes is None:
        user_data.get(key, {}).pop(label, None)
        return
    user_data.setdefault(key, {})[label] = [*map(_to_row, check_codes(codes))]


def check_codes(codes: Any) -> list[Code]:
    """Check codes.

    codes (Any): The codes.
    RETURNS (list[Code]): The same codes.
    RAISES (ValueError): If these are not codes.
    """
    if isinstance(codes, str | Mapping) or not isinstance(codes, Iterable):
        raise ValueError(NO_CODES.format(got=repr(codes)))
    listed = [*codes]
    for each in listed:
        if not _is_code(each):
            raise ValueError(NO_CODES.format(got=repr(each)))
    return listed


def _is_code(item: Any) -> bool:
    if not isinstance(item, Mapping) or item.keys() != {*NAMES, "score"}:
        return False
    # This refuses NaN too.
    is_scored = isinstance(item["score"], Real) and 0 <= float(item["score"]) <= 1
    return bool(item["code"]) and is_scored and all(isinstance(item[name], str) for name in NAMES)


def _to_row(code: Code) -> list[Any]:
    return [code["code"], code["system"], code["display"], float(code["score"])]


NO_CODES = (
    "Codes must be a list of dicts with `code` (not empty), `system` and `display`, all strings, "
    "and `score`, a number from 0 to 1; got {got}."
)
