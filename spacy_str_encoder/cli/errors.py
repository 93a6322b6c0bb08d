from collections.abc import Iterator
from contextlib import contextmanager

import typer

from ..formats.report import InvalidTextsError, list_examples

# The exit code if some texts are left out because they are invalid.
SOME_REJECTED = 3
# The exit code after Ctrl-C, as shells report it.
STOPPED = 130
# Maximum number of invalid texts to list.
LISTED = 20


@contextmanager
def errors_as_one_line() -> Iterator[None]:
    """Print errors that users can fix without traceback, and exit with code 1. An error takes one
    line, and one more for each invalid text if there are several. After Ctrl-C, print one line.
    """
    try:
        yield
    except (ImportError, OSError, ValueError) as error:
        rejected = error.rejected if isinstance(error, InvalidTextsError) else ()
        for line in (f"Error: {error}", *list_examples(rejected, LISTED)):
            indent = line[: len(line) - len(line.lstrip())]
            typer.secho(indent + " ".join(line.split()), fg=typer.colors.RED, err=True)
        raise typer.Exit(1) from error
    except KeyboardInterrupt as error:
        typer.echo("Stopped.", err=True)
        raise typer.Exit(STOPPED) from error
