"""Docstrings in spaCy's form, in the form that documentation tools read."""

import re
from collections.abc import Iterator
from inspect import cleandoc

FIELD = re.compile(r"(?P<name>\*{0,2}\w+) \((?P<type>.+?)\):(?P<meaning>.*)")
HEADINGS = {"RETURNS": "Returns:", "YIELDS": "Yields:", "RAISES": "Raises:"}


def to_google(docstring: str, *, heading: str = "Args:") -> str:
    """Write a docstring in Google's form: its fields become the items of sections.

    docstring (str): A docstring in spaCy's form.
    heading (str): The section of the fields that have a name of their own.
    RETURNS (str): The same in Google's form.
    """
    return "\n".join(_rewrite(cleandoc(docstring).splitlines(), heading))


def _rewrite(lines: list[str], heading: str) -> Iterator[str]:
    section = ""
    for line in lines:
        if field := FIELD.fullmatch(line):
            above, section = section, HEADINGS.get(field["name"], heading)
            if section != above:
                yield from ["", section]
            yield f"    {_item(field)}"
        elif section and line[:1] not in ("", " "):
            section = ""
            yield from ["", line]
        else:
            yield f"    {line}" if section and line else line


def _item(field: re.Match[str]) -> str:
    if field["name"] in HEADINGS:
        return f"{field['type']}:{field['meaning']}"
    return field[0]
