"""Arguments and options that several commands have."""

from typing import Annotated

import typer

Model = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="The pipeline: its folder, or the name of its package.",
        show_default=False,
    ),
]
GpuId = Annotated[int, typer.Option(help="Number of the GPU; -1 is the CPU.")]
