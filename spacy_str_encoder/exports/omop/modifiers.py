"""The modifiers of a term, as one string."""

from collections.abc import Collection, Iterator

from ..statements import Statement
from .columns import TERM_MODIFIERS

# The modifiers that the specification names, by what attributes and relations mean.
NAMED = {
    "absent": "Negation=true",
    "conditional": "Conditional=true",
    "uncertain": "Uncertain=true",
    "other_subject": "Subject=other",
}
SEPARATOR = "; "


def list_modifiers(statement: Statement, names: Collection[str] | None) -> Iterator[str]:
    """List the modifiers of a term, first its type, which has no column of its own.

    statement (Statement): What a doc says about it.
    names (Collection[str] | None): The attributes and relations that become modifiers; None for
        all.
    YIELDS (str): A name and a value.
    """
    yield f"Type={_quote(statement.entity.label_)}"
    yield from (named for meaning, named in NAMED.items() if meaning in statement.meanings)
    related = ((link.relation.label, link.value.text) for link in statement.links)
    for name, value in [*statement.attributes.items(), *related]:
        if names is None or name in names:
            yield f"{_quote(name)}={_quote(value)}"


def join_modifiers(modifiers: list[str]) -> tuple[str | None, int]:
    """Join as many modifiers as the column holds.

    modifiers (list[str]): The modifiers.
    RETURNS (tuple[str | None, int]): The string, None without modifiers, and the number of those
        that are left out.
    """
    kept, size = 0, -len(SEPARATOR)
    for each in modifiers:
        size += len(SEPARATOR) + len(each)
        if size > TERM_MODIFIERS:
            break
        kept += 1
    return SEPARATOR.join(modifiers[:kept]) or None, len(modifiers) - kept


def _quote(value: str) -> str:
    """Quote what could be taken for the end of a name or value, as CSV does."""
    if not any(each in value for each in ';="'):
        return value
    return '"' + value.replace('"', '""') + '"'
