from collections.abc import Sequence
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import Task, TaskID, TaskProgressColumn, TimeRemainingColumn

from .errors import SOME_REJECTED, STOPPED, errors_as_one_line
from .labeling_config import LABEL_STUDIO, describe_config
from .options import (
    BatchSize,
    Code,
    GpuId,
    IdField,
    Inputs,
    MaxLength,
    MinEntityScore,
    MinRelationScore,
    Model,
    Precision,
    TextField,
    WholeFiles,
)
from .progress import Bar, describe_rate

if TYPE_CHECKING:
    from spacy_str_encoder.archive import ArchiveSettings, Engine, PartWriter, Progress, Source

TOO_MANY_REJECTED = 4
JSON_LINES, TABLE, RESOURCES = "jsonl", "csv", "fhir"
CPUS_EACH = 1.0


class EngineName(StrEnum):
    """Engines that can annotate texts."""

    local = "local"
    ray = "ray"


def annotate_command(
    model: Model,
    inputs: Inputs,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder to write to.", show_default=False)
    ],
    format: Annotated[
        str,
        typer.Option(
            help="Format to write: jsonl, parquet, spacy, csv (a table of records), graph (tables "
            "of nodes and relationships), omop (NOTE_NLP), fhir (resources), or a format of "
            "`convert --list-formats`, such as brat."
        ),
    ] = JSON_LINES,
    raw: Annotated[
        bool,
        typer.Option(
            "--raw", help="Write formulas in csv as they are, which a spreadsheet would run."
        ),
    ] = False,
    date: Annotated[
        str | None,
        typer.Option(
            help="Date to write with --format omop or fhir.",
            show_default="today, or that of the run to resume",
        ),
    ] = None,
    text_field: TextField = "text",
    id_field: IdField = "id",
    subject_field: Annotated[
        str | None,
        typer.Option(
            help="Field or column of the patient's identifier, for --format fhir.",
            show_default="a patient for each text",
        ),
    ] = None,
    whole_files: WholeFiles = False,
    max_length: MaxLength = 50_000,
    part_size: Annotated[int, typer.Option(min=1, help="Texts per output file.")] = 1000,
    batch_size: BatchSize = 64,
    n_process: Annotated[int, typer.Option(min=1, help="Number of processes or Ray actors.")] = 1,
    engine: Annotated[
        EngineName, typer.Option(help="Engine to run on: this machine or Ray.")
    ] = EngineName.local,
    ray_address: Annotated[
        str | None,
        typer.Option(help="Address of a Ray cluster, or auto.", show_default="a new local cluster"),
    ] = None,
    cpus_each: Annotated[float, typer.Option(min=0, help="CPUs per Ray actor.")] = CPUS_EACH,
    gpus_each: Annotated[float, typer.Option(min=0, help="GPUs per Ray actor.")] = 0,
    max_rejected: Annotated[
        int | None,
        typer.Option(
            min=0, help="Maximum number of rejected texts before stopping.", show_default="no limit"
        ),
    ] = None,
    with_texts: Annotated[
        bool, typer.Option("--with-texts", help="Include the texts in rejected.jsonl.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Start over and delete the output of earlier runs.")
    ] = False,
    min_entity_score: MinEntityScore = None,
    min_relation_score: MinRelationScore = None,
    precision: Precision = None,
    gpu_id: GpuId = -1,
    code: Code = None,
) -> None:
    """Annotate an archive of texts, each text exactly once.

    If the run is stopped or crashes, repeat the same command to resume it. Output
    files are always complete, and manifest.jsonl lists them. Texts that can't be
    annotated are listed in rejected.jsonl with their location and the reason, but
    without the text itself.

    Exit codes: 0 all texts annotated; 3 some texts rejected; 4 too many texts
    rejected, the run has stopped; 1 error; 130 stopped by Ctrl-C.

    Example: spacy-str-encoder annotate training/model-best reports.jsonl -o annotated

    Example: spacy-str-encoder annotate zh_coronary_str "archive/*.csv.gz" -o annotated \\
    --text-field report --id-field identifier --format parquet --n-process 8
    """
    from spacy_str_encoder.archive import (
        MANIFEST,
        ArchiveSettings,
        Fields,
        PartWriter,
        find_sources,
    )
    from spacy_str_encoder.doc.min_scores import MinScores, describe_low
    from spacy_str_encoder.doc.plurals import count_noun
    from spacy_str_encoder.loading import could_be_faster

    fields = Fields(text=text_field, id=id_field, max_length=max_length, subject=subject_field)
    with errors_as_one_line():
        if subject_field is not None and format != RESOURCES:
            raise ValueError(f"--subject-field requires --format {RESOURCES}")
        output_format = name_format(format, raw=raw)
        settings = ArchiveSettings(fields, output_format, part_size, whole_files)
        write_part = PartWriter(
            model,
            output,
            output_format,
            batch_size,
            gpu_id,
            code,
            precision and precision.value,
            MinScores(min_entity_score, min_relation_score),
            choose_date(date, format, None if overwrite else output),
            subject_field,
        )
        sources, others = find_sources(inputs, output=output, whole_files=whole_files)
        run = choose_engine(
            engine,
            n_process,
            gpu_id=gpu_id,
            address=ray_address,
            cpus=cpus_each,
            gpus=gpus_each,
        )
        is_new = overwrite or not (output / MANIFEST).exists()
        if is_new and precision is None and could_be_faster(write_part.nlp):
            typer.echo(COULD_BE_FASTER, err=True)
        done = run_with_bar(
            write_part,
            sources,
            settings,
            engine=run,
            max_rejected=max_rejected,
            with_texts=with_texts,
            overwrite=overwrite,
        )
    if others:
        typer.echo(f"skipped ({len(others):,}): files of unsupported types, such as {others[0]}")
    if done.changed:
        names = ", ".join(done.changed)
        typer.echo(f"changed since an earlier run, and annotated again: {names}")
    texts = count_noun(done.annotated, "text")
    now = f" ({done.annotated_now:,} in this run)" if done.annotated_now < done.annotated else ""
    where = f" (see {output / 'rejected.jsonl'})" if done.rejected else ""
    typer.echo(f"{output}: {texts} annotated{now}, {done.rejected:,} rejected{where}")
    if done.hidden:
        typer.echo(
            f"left out ({done.hidden:,}): relations of entities that a later component of the "
            "pipeline removed or changed"
        )
    if done.low_entities or done.low_relations:
        typer.echo(describe_low(done.low_entities, done.low_relations))
    for verb, reasons in (("left out", done.lost), ("chosen", done.chosen)):
        for reason, number in reasons.items():
            typer.echo(f"{verb} ({number:,}): {reason}")
    if format == LABEL_STUDIO:
        typer.echo(describe_config(model))
    if done.rejected:
        raise typer.Exit(SOME_REJECTED)


COULD_BE_FASTER = (
    "This machine has units for bfloat16: --precision auto is faster, two to three times for large "
    "encoders. A few predictions differ (see 'Precision' in docs/deployment.md)."
)


def name_format(format: str, *, raw: bool) -> str:
    """Name the format that an archive is written in.

    format (str): The format.
    raw (bool): Whether formulas in a table are written as they are.
    RETURNS (str): The name.
    RAISES (ValueError): If there is no such format, or another one than a table is to be raw.
    """
    from spacy_str_encoder.archive.annotation_formats import list_formats
    from spacy_str_encoder.archive.writers import RAW_CSV, WRITERS
    from spacy_str_encoder.exports.registry import EXPORTS
    from spacy_str_encoder.formats.docs import make_tokenizer

    own = [name for name in WRITERS if name != RAW_CSV]
    known = [*own, *EXPORTS, *list_formats(make_tokenizer(None))]
    if format not in known:
        raise ValueError(f"--format must be one of {', '.join(known)}, got {format!r}")
    if raw and format != TABLE:
        raise ValueError("--raw requires --format csv")
    return RAW_CSV if raw else format


def choose_date(given: str | None, format: str, begun: Path | None) -> str:
    """Choose the date that an archive is written with.

    given (str | None): The date that was asked for, if any.
    format (str): The format.
    begun (Path | None): The folder, in which an earlier run may have begun; None to start over.
    RETURNS (str): The date: otherwise that of the earlier run, or today.
    RAISES (ValueError): If it is no date, or the format has no place for one.
    """
    from datetime import date

    from spacy_str_encoder.archive.manifest import read_setting
    from spacy_str_encoder.exports.registry import EXPORTS

    if given is None:
        return str((begun and read_setting(begun, "date")) or date.today())
    dated = [name for name, export in EXPORTS.items() if export.is_dated]
    if format not in dated:
        raise ValueError(f"--date requires --format {' or '.join(dated)}")
    try:
        is_date = date.fromisoformat(given).isoformat() == given
    except ValueError:
        is_date = False
    if not is_date:
        raise ValueError(f"--date must be a date such as 2026-11-30, got {given!r}")
    return given


def choose_engine(
    name: EngineName,
    n_process: int,
    *,
    gpu_id: int,
    address: str | None,
    cpus: float,
    gpus: float,
) -> "Engine":
    """Get the engine that annotates texts.

    name (EngineName): The name of the engine.
    n_process (int): The number of processes or Ray actors.
    gpu_id (int): The ID of the GPU on this machine; -1 for the CPU.
    address (str | None): The address of a Ray cluster; if None, a local one is started.
    cpus (float): The number of CPUs per Ray actor.
    gpus (float): The number of GPUs per Ray actor.
    RETURNS (Engine): The engine.
    RAISES (ValueError): If an option does not apply to the engine.
    """
    from spacy_str_encoder.archive import annotate_here, annotate_in_processes

    if name is EngineName.ray:
        if gpu_id >= 0:
            raise ValueError("--gpu-id can't be used with --engine ray; use --gpus-each")
        from spacy_str_encoder.archive.on_ray import annotate_on_ray

        return partial(annotate_on_ray, workers=n_process, address=address, cpus=cpus, gpus=gpus)
    if address is not None or gpus or cpus != CPUS_EACH:
        raise ValueError("--ray-address, --cpus-each and --gpus-each require --engine ray")
    several = partial(annotate_in_processes, processes=n_process)
    return several if n_process > 1 else annotate_here


def run_with_bar(
    write_part: "PartWriter",
    sources: Sequence["Source"],
    settings: "ArchiveSettings",
    **options: Any,
) -> "Progress":
    """Annotate an archive and show a progress bar.

    write_part (PartWriter): The writer that annotates a chunk.
    sources (Sequence[Source]): The files to read.
    settings (ArchiveSettings): The settings that determine the output.
    **options (Any): Further options of `annotate_archive`.
    RETURNS (Progress): The counts of the finished run.
    RAISES (Exit): If the run is stopped by Ctrl-C or by too many rejected texts.
    """
    from spacy_str_encoder.archive import TooManyRejectedError, annotate_archive

    with Bar(TaskProgressColumn(), TimeRemainingColumn(), describe=describe_archive) as bar:
        task = bar.add_task("loading", total=sum(source.size for source in sources))
        follow = partial(show_progress, bar, task)
        try:
            return annotate_archive(write_part, sources, settings, follow=follow, **options)
        except TooManyRejectedError as error:
            typer.secho(f"Error: {error}", fg=typer.colors.RED, err=True)
            raise typer.Exit(TOO_MANY_REJECTED) from error
        except KeyboardInterrupt as error:
            typer.echo("Stopped. Repeat the same command to resume.", err=True)
            raise typer.Exit(STOPPED) from error


def show_progress(bar: Bar, task: TaskID, progress: "Progress") -> None:
    """Update a progress bar.

    bar (Bar): The bar.
    task (TaskID): The task of the bar.
    progress (Progress): The progress of the run.
    """
    from spacy_str_encoder.doc.plurals import count_noun

    rejected = f", {progress.rejected:,} rejected" if progress.rejected else ""
    rate = describe_rate(progress.annotated_now, bar.tasks[task].elapsed or 0)
    description = f"{count_noun(progress.annotated, 'text')}{rejected}{rate}"
    bar.update(task, completed=progress.read, description=description)


def describe_archive(task: Task) -> str:
    """Describe the progress of a run over an archive.

    task (Task): The task of the bar, whose description counts texts.
    RETURNS (str): The line.
    """
    return f"Annotating: {task.description}, {task.percentage:.0f} % of the input"
