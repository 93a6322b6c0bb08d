import os
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import MofNCompleteColumn, TaskID, TimeElapsedColumn

from .errors import errors_as_one_line
from .options import TextField
from .progress import Bar, describe_count


def pretrain_command(
    encoder: Annotated[
        str,
        typer.Argument(
            metavar="ENCODER",
            help="Encoder: a folder, a name on the Hugging Face hub, or package:NAME/FOLDER.",
            show_default=False,
        ),
    ],
    texts: Annotated[
        list[Path],
        typer.Argument(
            metavar="TEXTS",
            help="Files or folders with texts: .txt (one text per line), .csv, .tsv, .parquet, "
            '.jsonl or .json (objects with "text" and optionally "tokens"), or any format that '
            "`convert` reads.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="Folder to write the encoder to.", show_default=False),
    ],
    text_field: TextField = "text",
    held_out: Annotated[
        str,
        typer.Option(
            metavar="SHARE|FILE",
            help="Share of the texts to hold out for measuring perplexity, or a file of texts.",
        ),
    ] = "0.05",
    steps: Annotated[
        int | None,
        typer.Option(min=1, help="Number of updates, overrides --epochs.", show_default=False),
    ] = None,
    epochs: Annotated[float, typer.Option(help="Number of passes over the texts.")] = 10.0,
    batch_size: Annotated[int, typer.Option(min=1, help="Windows per update.")] = 32,
    learn_rate: Annotated[
        float, typer.Option(help="Peak learning rate; try 1e-3 for randomly initialized weights.")
    ] = 1e-4,
    mask_rate: Annotated[float, typer.Option(help="Share of the words to mask.")] = 0.15,
    save_every: Annotated[
        int, typer.Option(min=1, help="Updates between checkpoints and evaluations.")
    ] = 500,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Random seed.")] = 0,
    force: Annotated[
        bool, typer.Option("--force", help="Write to a folder that is not empty.")
    ] = False,
    gpu_id: Annotated[int, typer.Option(help="GPU ID, or -1 for the CPU.")] = -1,
) -> None:
    """Pretrain an encoder on raw texts by predicting masked words.

    Use texts that resemble those you want to annotate. Whole words are masked: the
    tokens of the texts if given, or else the words of the tokenizer. The result is
    a Hugging Face folder: set its path as the encoder name in your config. If the
    run is interrupted, repeat the same command to resume from the last checkpoint.

    Example: spacy-str-encoder pretrain encoders/mine reports.txt -o encoders/reports
    """
    with errors_as_one_line():
        _choose_device(gpu_id)
        from spacy_str_encoder.formats.report import ConversionReport, summarize
        from spacy_str_encoder.pretraining import PretrainingSettings, pretrain
        from spacy_str_encoder.pretraining.tables import lay_out

        settings = PretrainingSettings(
            steps=steps,
            epochs=epochs,
            batch_size=batch_size,
            learn_rate=learn_rate,
            mask_rate=mask_rate,
            save_every=save_every,
            seed=seed,
        )
        report = ConversionReport()
        describe = partial(describe_count, unit="update")
        with Bar(MofNCompleteColumn(), TimeElapsedColumn(), describe=describe) as bar:
            summary = pretrain(
                encoder,
                texts,
                output,
                settings,
                report,
                text_field=text_field,
                held_out=held_out,
                force=force,
                on_gpu=gpu_id >= 0,
                show=partial(_show, bar, bar.add_task("Pretraining", total=None)),
            )
    for line in summarize(report):
        typer.echo(line)
    console = Console()
    for block in lay_out(summary):
        console.print(block)
    typer.echo(f"Wrote {output}")


def _choose_device(gpu_id: int) -> None:
    """Hide all other GPUs, since the Trainer uses every GPU it sees. This only works before any
    import has queried the GPUs.
    """
    if gpu_id < 0:
        return
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    chosen = visible.split(",")[gpu_id : gpu_id + 1] if visible else [str(gpu_id)]
    os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(chosen)
    from spacy_str_encoder.loading import require_visible

    # The only one that is visible now.
    require_visible(gpu_id, count=1)


def _show(bar: Bar, task: TaskID, step: int, steps: int, perplexity: float | None) -> None:
    bar.update(task, completed=step, total=steps)
    if perplexity is not None:
        bar.console.print(f"step {step:,}: perplexity {perplexity:,.2f}")
