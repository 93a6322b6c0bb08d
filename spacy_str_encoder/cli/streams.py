"""Commands of the command line: their output in encodings that lack some characters, such as cp1252
on Windows, and arguments that are empty.
"""

import re
import sys
from collections.abc import Iterable
from io import TextIOWrapper
from itertools import pairwise
from typing import Any

from typer.core import TyperGroup

from .errors import errors_as_one_line

# An option without its value.
OPTION = re.compile(r"--[\w-]+=")
SETTING = re.compile(r"--\w+\.")


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

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Refuse empty arguments: an empty path would be the current folder.

        ctx (Context): The context.
        args (list[str]): The name of the command, and its arguments.
        RETURNS (list[str]): What is left of them.
        RAISES (Exit): If one is empty.
        """
        if not ctx.resilient_parsing:
            with errors_as_one_line():
                _check_not_empty(args)
        return super().parse_args(ctx, args)


def _check_not_empty(arguments: Iterable[str]) -> None:
    for before, argument in pairwise(arguments):
        # A setting of a config, such as --paths.vectors, may be empty.
        if not argument and not SETTING.match(before):
            raise ValueError(f"the argument after {before} must not be empty; is a variable empty?")
        if OPTION.fullmatch(argument):
            raise ValueError(f"{argument} must have a value; is a variable empty?")


def writes_unicode() -> bool:
    """RETURNS (bool): Whether the encoding of stdout has all characters."""
    return (sys.stdout.encoding or "").lower().startswith("utf")
