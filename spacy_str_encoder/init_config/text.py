"""Change the text of a config, and keep its comments. The lines of a section reach up to the next
empty line."""

import re
from collections.abc import Mapping
from typing import Any

import srsly


def set_value(text: str, section: str, key: str, value: Any) -> str:
    """Set a value that a section already has.

    text (str): The config.
    section (str): The name of the section, such as "training.optimizer".
    key (str): The key.
    value (Any): The new value.
    RETURNS (str): The changed config.
    RAISES (ValueError): If there is no such section or key.
    """
    start, lines, end = _cut(text, section)
    line = f"{key} = {srsly.json_dumps(value)}"
    pattern = rf"^{re.escape(key)} = .*$"
    changed, count = re.subn(pattern, lambda _: line, lines, flags=re.MULTILINE)
    if not count:
        raise ValueError(f"the section [{section}] must have the setting {key}")
    return start + changed + end


def set_lines(text: str, section: str, lines: str) -> str:
    """Replace the lines of a section.

    text (str): The config.
    section (str): The name of the section.
    lines (str): The new lines, without the name.
    RETURNS (str): The changed config.
    RAISES (ValueError): If there is no such section.
    """
    start, _, end = _cut(text, section)
    return start + lines + end


def get_lines(text: str, section: str) -> str:
    """Get the lines of a section, with their comments.

    text (str): The config.
    section (str): The name of the section.
    RETURNS (str): The lines, without the name.
    RAISES (ValueError): If there is no such section.
    """
    return _cut(text, section)[1]


def write_lines(values: Mapping[str, Any]) -> str:
    """Write values as the lines of a section.

    values (Mapping[str, Any]): The values by key.
    RETURNS (str): The lines.
    """
    return "".join(f"{key} = {srsly.json_dumps(value)}\n" for key, value in values.items())


def _cut(text: str, section: str) -> tuple[str, str, str]:
    found = re.search(rf"^\[{re.escape(section)}\]\n((?:.+\n)*)", text, re.MULTILINE)
    if found is None:
        raise ValueError(f"the config must have the section [{section}]")
    return text[: found.start(1)], found[1], text[found.end(1) :]
