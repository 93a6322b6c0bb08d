"""Arguments and options shared by several commands."""

from pathlib import Path
from typing import Annotated

import typer

Model = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="Folder of the pipeline, or name of its package.",
        show_default=False,
    ),
]
Code = Annotated[
    Path | None,
    typer.Option(
        help="Python file with functions or components of your own, as in spaCy's commands.",
        show_default=False,
    ),
]
GpuId = Annotated[int, typer.Option(help="GPU ID, or -1 for the CPU.")]
TextField = Annotated[str, typer.Option(help="Field or column with the text.")]
