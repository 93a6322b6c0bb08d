"""Options of commands that train trials."""

from typing import Annotated

import typer

Steps = Annotated[int | None, typer.Option(min=1, help="Updates, instead of those in the config.")]
Workers = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Number of trials to train at a time on this machine.",
        show_default="one per core, or one on a GPU",
    ),
]
GpuId = Annotated[int, typer.Option(help="Number of the GPU; -1 for the CPU.")]
