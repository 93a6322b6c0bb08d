from collections.abc import Sequence
from enum import Enum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import Progress as Bar
from rich.progress import TaskID, TaskProgressColumn, TimeRemainingColumn

from .errors import errors_as_one_line
from .options import GpuId, Model
from .progress import make_bar

if TYPE_CHECKING:
    from spacy_str_encoder.archive import Engine, PartWriter, Progress, Settings, Source

SOME_REJECTED = 3
TOO_MANY_REJECTED = 4
STOPPED = 130
CPUS_EACH = 1.0


class EngineName(str, Enum):
    """Where texts can be annotated."""

    local = "local"
    ray = "ray"


class OutputFormat(str, Enum):
    """What can be written."""

    jsonl = "jsonl"
    parquet = "parquet"
    spacy = "spacy"


def annotate_command(
    model: Model,
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT...",
            help="Files, folders, or patterns of names in quotes: .jsonl, .csv, .tsv, .txt (a text "
            "a line), all perhaps with .gz, .parquet, .spacy.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder to write to.", show_default=False)
    ],
    format: Annotated[OutputFormat, typer.Option(help="What to write.")] = OutputFormat.jsonl,
    text_field: Annotated[str, typer.Option(help="Field, or column, of the text.")] = "text",
    id_field: Annotated[str, typer.Option(help="Field, or column, of the identifier.")] = "id",
    whole_files: Annotated[
        bool, typer.Option("--whole-files", help="A .txt file is one text, not a text a line.")
    ] = False,
    max_length: Annotated[
        int, typer.Option(min=1, help="Characters that a text may have.")
    ] = 50_000,
    part_size: Annotated[int, typer.Option(min=1, help="Texts that a file has.")] = 1000,
    batch_size: Annotated[int, typer.Option(min=1, help="Texts to annotate at a time.")] = 64,
    n_process: Annotated[
        int, typer.Option(min=1, help="Processes, or actors of Ray, that annotate.")
    ] = 1,
    engine: Annotated[
        EngineName, typer.Option(help="Where to annotate: on this machine, or on Ray.")
    ] = EngineName.local,
    ray_address: Annotated[
        str | None,
        typer.Option(help="Address of a Ray cluster, or auto.", show_default="started here"),
    ] = None,
    cpus_each: Annotated[float, typer.Option(min=0, help="CPUs of each actor of Ray.")] = CPUS_EACH,
    gpus_each: Annotated[float, typer.Option(min=0, help="GPUs of each actor of Ray.")] = 0,
    max_rejected: Annotated[
        int | None,
        typer.Option(min=0, help="Stop if more records are rejected.", show_default="any number"),
    ] = None,
    with_texts: Annotated[
        bool, typer.Option("--with-texts", help="Write rejected records beside the reasons.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Begin again: remove what earlier runs wrote.")
    ] = False,
    gpu_id: GpuId = -1,
) -> None:
    """Annotate an archive: every text once, through crashes and bad records.

    Stopped, or killed, the same command goes on. Files are written whole, and
    manifest.jsonl says which are done. Records that can't be annotated go to
    rejected.jsonl, with their place and the reason, without their text.

    Exit codes: 0 all is annotated; 3 some records are rejected; 4 too many are, and
    the run stopped; 1 an error; 130 stopped by Ctrl-C.

    Example: spacy-str-encoder annotate training/model-best reports.jsonl -o annotated

    Example: spacy-str-encoder annotate zh_coronary_str "archive/*.csv.gz" -o annotated \\
    --text-field report --id-field number --format parquet --n-process 8
    """
    from spacy_str_encoder.archive import Fields, PartWriter, Settings, find_sources

    fields = Fields(text=text_field, id=id_field, max_length=max_length)
    settings = Settings(fields, format.value, part_size, whole_files)
    with errors_as_one_line():
        sources, others = find_sources(inputs, output=output, whole_files=whole_files)
        done = run_with_bar(
            PartWriter(model, output, format.value, batch_size, gpu_id),
            sources,
            settings,
            engine=choose_engine(
                engine,
                n_process,
                gpu_id=gpu_id,
                address=ray_address,
                cpus=cpus_each,
                gpus=gpus_each,
            ),
            max_rejected=max_rejected,
            with_texts=with_texts,
            overwrite=overwrite,
        )
    if others:
        typer.echo(f"not read: {len(others)} files of other kinds, such as {others[0]}")
    now = f" ({done.annotated_now} now)" if done.annotated_now < done.annotated else ""
    typer.echo(f"{output}: {done.annotated} texts annotated{now}, {done.rejected} records rejected")
    if done.rejected:
        raise typer.Exit(SOME_REJECTED)


def choose_engine(
    name: EngineName,
    n_process: int,
    *,
    gpu_id: int,
    address: str | None,
    cpus: float,
    gpus: float,
) -> "Engine":
    """Choose where texts are annotated.

    name (EngineName): On this machine, or on Ray.
    n_process (int): How many processes or actors annotate.
    gpu_id (int): The number of the GPU on this machine; -1 is the CPU.
    address (str | None): The address of a Ray cluster; one is started here if None.
    cpus (float): The CPUs of each actor of Ray.
    gpus (float): The GPUs of each actor of Ray.
    RETURNS (Engine): The engine.
    RAISES (ValueError): If an option says nothing to that engine.
    """
    from spacy_str_encoder.archive import annotate_here, annotate_in_processes

    if name is EngineName.ray:
        if gpu_id >= 0:
            raise ValueError("--gpu-id is for this machine; on Ray, actors have --gpus-each")
        from spacy_str_encoder.archive.on_ray import annotate_on_ray

        return partial(annotate_on_ray, workers=n_process, address=address, cpus=cpus, gpus=gpus)
    if address is not None or gpus or cpus != CPUS_EACH:
        raise ValueError("--ray-address, --cpus-each and --gpus-each need --engine ray")
    several = partial(annotate_in_processes, processes=n_process)
    return several if n_process > 1 else annotate_here


def run_with_bar(
    write_part: "PartWriter",
    sources: Sequence["Source"],
    settings: "Settings",
    **options: Any,
) -> "Progress":
    """Annotate an archive, and show how far it has come.

    write_part (PartWriter): Annotates a chunk.
    sources (Sequence[Source]): What to read.
    settings (Settings): What decides about what is written.
    **options (Any): Those of `annotate_archive`.
    RETURNS (Progress): What was done.
    RAISES (Exit): If the run is stopped, by Ctrl-C or by too many rejected records.
    """
    from spacy_str_encoder.archive import TooManyRejectedError, annotate_archive

    with make_bar(TaskProgressColumn(), TimeRemainingColumn()) as bar:
        task = bar.add_task("loading", total=sum(source.size for source in sources))
        follow = partial(show_progress, bar, task)
        try:
            return annotate_archive(write_part, sources, settings, follow=follow, **options)
        except TooManyRejectedError as error:
            typer.secho(f"Error: {error}", fg=typer.colors.RED, err=True)
            raise typer.Exit(TOO_MANY_REJECTED) from error
        except KeyboardInterrupt as error:
            typer.echo("Stopped. The same command goes on from here.", err=True)
            raise typer.Exit(STOPPED) from error


def show_progress(bar: Bar, task: TaskID, progress: "Progress") -> None:
    """Show how far a run has come.

    bar (Bar): The bar.
    task (TaskID): Its task.
    progress (Progress): How far.
    """
    rejected = f", {progress.rejected} rejected" if progress.rejected else ""
    elapsed = bar.tasks[task].elapsed or 0
    rate = f", {progress.annotated_now / elapsed:.0f} a second" if elapsed else ""
    description = f"{progress.annotated} texts{rejected}{rate}"
    bar.update(task, completed=progress.read, description=description)
