from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from .errors import errors_as_one_line
from .options import Code, GpuId, Model
from .prepare import prepare
from .progress import track


def calibrate_command(
    model: Model,
    data: Annotated[
        Path,
        typer.Argument(
            metavar="DATA",
            help="File or folder with gold annotations that the pipeline was not trained on.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="Folder for the new pipeline.", show_default=False),
    ],
    best_f1: Annotated[
        bool, typer.Option("--best-f1", help="Choose the threshold of relations with the best F1.")
    ] = False,
    precision: Annotated[
        float | None,
        typer.Option(
            help="Choose the lowest threshold at which relations have this precision, such as 0.9.",
            show_default=False,
        ),
    ] = None,
    report_path: Annotated[
        Path | None, typer.Option("--report", metavar="FILE", help="JSON file for all scores.")
    ] = None,
    gpu_id: GpuId = -1,
    code: Code = None,
) -> None:
    """Make the scores of a pipeline probabilities, and choose a threshold.

    Finds a temperature for each of entities, relations and attributes, and writes
    a new pipeline. Unless you choose a threshold, it predicts the same with other
    scores. Use gold annotations that the pipeline was not trained on, such as dev.

    Example: spacy-str-encoder calibrate training/model-best dev.spacy -o calibrated

    Example: spacy-str-encoder calibrate model dev.spacy -o precise --precision 0.9
    """
    from spacy_str_encoder.calibration import Choice, calibrate, lay_out
    from spacy_str_encoder.evaluation.files import read_gold_docs
    from spacy_str_encoder.files.whole import write_json, written_whole
    from spacy_str_encoder.formats.report import ConversionReport, summarize
    from spacy_str_encoder.loading import load_pipeline

    conversion = ConversionReport()
    with errors_as_one_line():
        choice = Choice(best_f1=best_f1, precision=precision)
        if output.exists():
            raise ValueError(f"{output}: exists already; choose another folder, or remove it")
        reports = [report_path] if report_path else []
        prepare(gpu_id=gpu_id, inputs=[data], outputs=[output, *reports])
        nlp = load_pipeline(model, code=code)
        docs = read_gold_docs(data, nlp, conversion)
        report = calibrate(nlp, docs, choice, track=track)
        output.parent.mkdir(parents=True, exist_ok=True)
        nlp.to_disk(output)
        for path in reports:
            with written_whole(path) as unfinished:
                write_json(unfinished, report)
    for line in summarize(conversion):
        typer.echo(line)
    console = Console()
    for block in lay_out(report):
        console.print(block)
    typer.echo(f"Wrote {output}")
