from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from .errors import errors_as_one_line
from .options import (
    Code,
    GpuId,
    MinEntityScore,
    MinRelationScore,
    Model,
    Precision,
    PrecisionName,
)
from .prepare import prepare
from .progress import track

if TYPE_CHECKING:
    from spacy_str_encoder.evaluation import Report


def evaluate_command(
    model: Model,
    data: Annotated[
        Path,
        typer.Argument(
            metavar="DATA",
            help="File or folder with gold annotations, in any format that `convert` reads.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="JSON file for all scores.", show_default=False),
    ] = None,
    compare: Annotated[
        str | None,
        typer.Option(
            metavar="OTHER_MODEL", help="Another pipeline to compare with.", show_default=False
        ),
    ] = None,
    compare_precision: Annotated[
        bool,
        typer.Option(
            "--compare-precision",
            help="Compare predictions in --precision (default: auto) with those in float32.",
        ),
    ] = False,
    details: Annotated[
        bool,
        typer.Option(
            "--details",
            help="Also print scores by type pairs, confusions, recall by distance, calibration.",
        ),
    ] = False,
    triples: Annotated[
        bool,
        typer.Option(
            "--triples",
            help="Also score relations as triples of strings, as CMeIE and DuIE are scored.",
        ),
    ] = False,
    plot: Annotated[
        Path | None,
        typer.Option(help="PNG, SVG or PDF file for a calibration plot.", show_default=False),
    ] = None,
    samples: Annotated[
        int, typer.Option(min=1, help="Number of bootstrap samples for intervals and p-values.")
    ] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Random seed of the bootstrap.")] = 0,
    min_entity_score: MinEntityScore = None,
    min_relation_score: MinRelationScore = None,
    precision: Precision = None,
    gpu_id: GpuId = -1,
    code: Code = None,
) -> None:
    """Score entities, and relations between predicted and between gold entities.

    Prints micro scores with 95 % intervals, macro F1, calibration error (ECE) and
    scores by label. Strict scores require correct boundaries, types, labels and
    directions; "boundaries only" ignores the types of entities. All gold entities
    count, also those that overlap or do not align with tokens. Macro F1 is the mean
    over the labels in the gold annotations. --compare prints
    differences in micro F1, with intervals and p-values from a paired bootstrap
    over the docs.

    Example: spacy-str-encoder evaluate training/model-best test.spacy -o scores.json

    Example: spacy-str-encoder evaluate new/model-best test.spacy --compare old/model-best

    Example: spacy-str-encoder evaluate training/model-best test.spacy --compare-precision
    """
    from spacy_str_encoder.doc.min_scores import MinScores
    from spacy_str_encoder.evaluation.files import evaluate_files
    from spacy_str_encoder.evaluation.tables import lay_out
    from spacy_str_encoder.formats.report import ConversionReport, summarize
    from spacy_str_encoder.loading import import_code

    models = [model] if compare is None else [model, compare]
    if compare_precision and precision is None:
        precision = PrecisionName.auto
    with errors_as_one_line():
        minimum = MinScores(min_entity_score, min_relation_score)
        if compare_precision and compare is not None:
            raise ValueError("--compare-precision can't be used with --compare")
        if plot is not None:
            from spacy_str_encoder.evaluation.plot import check_suffix

            check_suffix(plot)
        outputs = [path for path in (output, plot) if path is not None]
        prepare(gpu_id=gpu_id, inputs=[data], outputs=outputs)
        import_code(code)
        conversion = ConversionReport()
        report = evaluate_files(
            models,
            data,
            conversion,
            min_scores=minimum,
            precision=precision and precision.value,
            with_float32=compare_precision,
            samples=samples,
            seed=seed,
            track=track,
        )
        _write(report, output, plot)
    for line in summarize(conversion):
        typer.echo(line)
    console = Console()
    for block in lay_out(report, details=details, triples=triples):
        console.print(block)


def _write(report: "Report", output: Path | None, plot: Path | None) -> None:
    from spacy_str_encoder.files.whole import write_json, written_whole

    if output is not None:
        with written_whole(output) as unfinished:
            write_json(unfinished, report)
    if plot is not None:
        from spacy_str_encoder.evaluation.plot import draw_calibration

        with written_whole(plot) as unfinished:
            draw_calibration(unfinished, report)
