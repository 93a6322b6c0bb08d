import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from .errors import STOPPED, errors_as_one_line
from .options import Code, GpuId
from .overrides import parse_overrides

# Overrides of the config are passed as options that typer does not know.
CONTEXT = {"allow_extra_args": True, "ignore_unknown_options": True}


def train_command(
    context: typer.Context,
    config: Annotated[
        Path,
        typer.Argument(
            metavar="CONFIG", help="Config of the pipeline to train.", show_default=False
        ),
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="Folder to write the pipeline to.", show_default=False),
    ],
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Continue an interrupted run of the folder; with --overwrite, start again if it "
            "was another run.",
        ),
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the pipelines of the folder.")
    ] = False,
    gpu_id: GpuId = -1,
    code: Code = None,
) -> None:
    """Train a pipeline, as spacy train does, but so that it can be resumed.

    A state is saved at each evaluation. If the run is interrupted, repeat the
    command with --resume: the result is the same. Config settings can be
    overridden as in spacy train: --components.str_rel.negative_rate 0.3

    Example: spacy-str-encoder train configs/coronary.cfg -o training --gpu-id 0
    """
    with errors_as_one_line():
        overrides = parse_overrides(context.args)
        from spacy.cli._util import show_validation_error

        from spacy_str_encoder.loading import import_code, require_gpu
        from spacy_str_encoder.training import Request, train

        if not config.is_file():
            raise ValueError(f"{config}: no such file")
        require_gpu(gpu_id)
        import_code(code)
        request = Request(
            config, output, overrides, gpu_id=gpu_id, code=code, resume=resume, overwrite=overwrite
        )
        try:
            with _ended_alike(), show_validation_error(config, hint_fill=False):
                train(request, typer.echo)
        except KeyboardInterrupt as error:
            typer.echo(f"\nInterrupted. {_tell_kept(output)}", err=True)
            raise typer.Exit(STOPPED) from error


@contextmanager
def _ended_alike() -> Iterator[None]:
    """Treat SIGTERM, which a cluster sends before it stops a job, like Ctrl-C."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _tell_kept(output: Path) -> str:
    from spacy_str_encoder.training.state import read_state

    if (state := read_state(output)) is None or not state.evaluations or state.is_finished:
        return "Nothing was saved yet: repeat the command with --resume to start again."
    return (
        f"{output} has the pipelines of updates {state.step} (model-last) and {state.best_step} "
        f"(model-best). To continue after update {state.step}, repeat the command with --resume."
    )
