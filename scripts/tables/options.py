"""Options of commands that train trials."""

from typing import Annotated

import typer

Steps = Annotated[int | None, typer.Option(min=1, help="Updates, in place of those of the config.")]
Workers = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="How many are trained at a time on this machine.",
        show_default="one for each core, or for the GPU",
    ),
]
GpuId = Annotated[int, typer.Option(help="The number of the GPU; -1 is the CPU.")]
