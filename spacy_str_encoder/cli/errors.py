from collections.abc import Iterator
from contextlib import contextmanager

import typer


@contextmanager
def errors_as_one_line() -> Iterator[None]:
    """Print errors that users can fix as one line without traceback, and exit with code 1."""
    try:
        yield
    except (ImportError, OSError, ValueError) as error:
        message = " ".join(str(error).split())
        typer.secho(f"Error: {message}", fg=typer.colors.RED, err=True)
        raise typer.Exit(1) from error
