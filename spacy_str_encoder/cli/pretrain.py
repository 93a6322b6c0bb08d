import os
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TaskID, TimeElapsedColumn

from .errors import errors_as_one_line
from .progress import make_bar


def pretrain_command(
    encoder: Annotated[
        str,
        typer.Argument(
            metavar="ENCODER",
            help="The encoder: a folder, a name on the Hugging Face hub, or package:NAME/FOLDER.",
            show_default=False,
        ),
    ],
    texts: Annotated[
        list[Path],
        typer.Argument(
            metavar="TEXTS",
            help="Files or folders with the texts: .txt (a text a line), .jsonl or .json (objects "
            'with "text", and "tokens" if words are known), or any format that convert reads.',
            show_default=False,
        ),
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="Folder to write the encoder to.", show_default=False),
    ],
    held_out: Annotated[
        str,
        typer.Option(
            metavar="SHARE|FILE",
            help="Share of the texts to measure perplexity with, or a file of other texts.",
        ),
    ] = "0.05",
    steps: Annotated[
        int | None,
        typer.Option(min=1, help="Updates to make, in place of --epochs.", show_default=False),
    ] = None,
    epochs: Annotated[float, typer.Option(help="How often to go through the texts.")] = 10.0,
    batch_size: Annotated[int, typer.Option(min=1, help="Windows of text in an update.")] = 32,
    learn_rate: Annotated[
        float, typer.Option(help="Highest learning rate; for fresh weights, 1e-3 may be better.")
    ] = 1e-4,
    mask_rate: Annotated[float, typer.Option(help="Share of the words to be guessed.")] = 0.15,
    save_every: Annotated[
        int, typer.Option(min=1, help="Updates between checkpoints, and evaluations.")
    ] = 500,
    seed: Annotated[
        int, typer.Option(min=0, max=2**32 - 1, help="Seed of all that is random.")
    ] = 0,
    force: Annotated[
        bool, typer.Option("--force", help="Write into a folder that is not empty.")
    ] = False,
    gpu_id: Annotated[int, typer.Option(help="Number of the GPU; -1 is the CPU.")] = -1,
) -> None:
    """Train an encoder to guess masked words of raw texts, before it learns a task.

    The texts should be of the kind that will be annotated. Whole words are
    masked: those that the texts give, or else the tokenizer's. The result is a
    Hugging Face folder: give its path as the name of the encoder in a config.
    Interrupted, the same command goes on from the last checkpoint.

    Example: spacy-str-encoder pretrain encoders/mine reports.txt -o encoders/reports
    """
    with errors_as_one_line():
        _choose_device(gpu_id)
        from spacy_str_encoder.formats.report import ConversionReport, summarize
        from spacy_str_encoder.pretraining import Settings, pretrain
        from spacy_str_encoder.pretraining.tables import lay_out

        settings = Settings(
            steps=steps,
            epochs=epochs,
            batch_size=batch_size,
            learn_rate=learn_rate,
            mask_rate=mask_rate,
            save_every=save_every,
            seed=seed,
        )
        report = ConversionReport()
        with make_bar(MofNCompleteColumn(), TimeElapsedColumn()) as bar:
            summary = pretrain(
                encoder,
                texts,
                output,
                settings,
                report,
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
    """Hide all other GPUs, since the Trainer takes all that it sees. This has an effect only
    before anything has looked for them, as many imports do.
    """
    if gpu_id < 0:
        return
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    chosen = visible.split(",")[gpu_id : gpu_id + 1] if visible else [str(gpu_id)]
    os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(chosen)
    import torch

    if not torch.cuda.device_count():
        raise ValueError(f"PyTorch sees no GPU {gpu_id}; leave --gpu-id out to train on the CPU")


def _show(bar: Progress, task: TaskID, step: int, steps: int, perplexity: float | None) -> None:
    bar.update(task, completed=step, total=steps)
    if perplexity is not None:
        bar.console.print(f"step {step:,}: perplexity {perplexity:,.2f}")
