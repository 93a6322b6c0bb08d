"""Output in encodings that lack some characters, such as cp1252 on Windows."""

import sys
from io import TextIOWrapper
from typing import Any

from typer.core import TyperGroup


class Commands(TyperGroup):
    """Commands that print escapes such as `\\u72ed` for characters that the encoding of the output
    lacks. Otherwise one Chinese label would end a command."""

    def main(self, *args: Any, **options: Any) -> Any:
        """Run a command. The arguments are those of `TyperGroup`.

        RETURNS (Any): The result of the command.
        """
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        return super().main(*args, **options)


def writes_unicode() -> bool:
    """RETURNS (bool): Whether the encoding of stdout has all characters."""
    return (sys.stdout.encoding or "").lower().startswith("utf")
