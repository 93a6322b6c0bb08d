from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from .convert import OVERLAPS, Missing, check_spans_key
from .errors import SOME_REJECTED, errors_as_one_line
from .options import AllowLoss, Language, SkipBad, SpansKey
from .prepare import prepare


def corrections_command(
    predicted: Annotated[
        Path,
        typer.Argument(
            metavar="PREDICTED",
            help="Texts as the model annotated them: the folder of `annotate`, or a file or folder "
            "in any format that `convert` reads.",
            show_default=False,
        ),
    ],
    corrected: Annotated[
        Path,
        typer.Argument(
            metavar="CORRECTED",
            help="The same texts as people corrected them, in any format.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            help="File to write to (.spacy), or a folder for train.spacy.",
            show_default=False,
        ),
    ],
    gold: Annotated[
        Path | None,
        typer.Option(
            metavar="OLD",
            help="File or folder with the old training data, to merge with.",
            show_default="none",
        ),
    ] = None,
    held_out: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="Dev or test data, whose texts are left out. Can be repeated.",
            show_default="none",
        ),
    ] = None,
    lang: Language = None,
    spans_key: SpansKey = None,
    relations: Annotated[
        Missing,
        typer.Option(
            help="Meaning of unannotated relations in CORRECTED. str_rel learns from none that "
            "there are none."
        ),
    ] = Missing.unannotated,
    skip_bad: SkipBad = False,
    allow_loss: AllowLoss = False,
    report_path: Annotated[
        Path | None,
        typer.Option(
            "--report", metavar="FILE", help="JSON file for scores, changes, losses and choices."
        ),
    ] = None,
) -> None:
    """Say what people corrected, and merge it into training data.

    Prints the scores of the model with the corrected texts as gold, the share of
    texts without a change, and the most frequent corrections. Texts are paired by
    their id if all have one, otherwise by the whole text.

    In the old training data, a corrected text replaces the one with the same text;
    the others are added. Texts of dev or test data (--held-out) are left out, by
    text and by id.

    Example: spacy-str-encoder corrections predicted export.json --gold corpus/train.spacy
    --held-out corpus/dev.spacy -o merged.spacy
    """
    from spacy_str_encoder.files.whole import write_json, written_whole
    from spacy_str_encoder.formats.report import ConversionReport, summarize
    from spacy_str_encoder.learning.corrections import Settings, lay_out, learn_corrections

    conversion = ConversionReport(skip_bad=skip_bad)
    reports = [report_path] if report_path else []
    with errors_as_one_line():
        check_spans_key(spans_key)
        prepare(gpu_id=-1, inputs=[], outputs=reports)
        settings = Settings(
            gold=gold,
            held_out=held_out or (),
            lang=lang,
            spans_key=spans_key,
            no_unannotated=relations is Missing.none,
            allow_loss=allow_loss,
        )
        path, report = learn_corrections(
            predicted, corrected, output, settings, conversion, others=reports
        )
        for file in reports:
            with written_whole(file) as unfinished:
                write_json(unfinished, {**report, "conversion": conversion.to_dict()})
    console = Console()
    for block in lay_out(report):
        console.print(block)
    typer.echo(f"Wrote {path}")
    if report["spans_key"]:
        typer.echo(OVERLAPS.format(key=report["spans_key"]))
    for line in summarize(conversion):
        typer.echo(line)
    if conversion.rejected:
        raise typer.Exit(SOME_REJECTED)
