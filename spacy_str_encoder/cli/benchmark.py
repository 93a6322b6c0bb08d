import json
from contextlib import nullcontext
from typing import Annotated

import typer
from rich.console import Console

from .errors import errors_as_one_line
from .options import BatchSize, Code, GpuId, Inputs, Model, Precision, TextField
from .prepare import prepare
from .progress import track
from .streams import writes_unicode

ROUNDS = 5


def benchmark_command(
    model: Model,
    inputs: Inputs,
    target: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Texts per second to plan for: prints how many cores or GPUs they need.",
            show_default=False,
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Number of texts to read at most.")] = 1000,
    text_field: TextField = "text",
    batch_size: BatchSize = 64,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the report as JSON instead of tables.")
    ] = False,
    precision: Precision = None,
    gpu_id: GpuId = -1,
    code: Code = None,
) -> None:
    """Measure how fast a pipeline annotates your texts on this machine.

    Prints texts and characters per second, the time of each component, and how
    long a million texts take. On the CPU, the pipeline uses one thread: annotate
    is fastest with one process for each core. Reading and writing files is not measured.

    Example: spacy-str-encoder benchmark training/model-best reports.jsonl --target 500

    Example: spacy-str-encoder benchmark training/model-best reports.jsonl --precision auto
    """
    from spacy_str_encoder.benchmark.machine import one_thread
    from spacy_str_encoder.benchmark.run import measure
    from spacy_str_encoder.benchmark.tables import lay_out
    from spacy_str_encoder.benchmark.texts import read_texts, try_texts
    from spacy_str_encoder.files.readers import Fields
    from spacy_str_encoder.loading import load_pipeline

    with errors_as_one_line(), one_thread() if gpu_id < 0 else nullcontext():
        prepare(gpu_id=gpu_id, inputs=[], outputs=[])
        items = read_texts(inputs, Fields(text=text_field), limit=limit)
        nlp = load_pipeline(model, code=code, precision=precision and precision.value)
        texts = try_texts(nlp, items, batch_size=batch_size)
        report = measure(
            nlp,
            texts,
            rounds=track(range(ROUNDS), "Measuring", ROUNDS, unit="round"),
            batch_size=batch_size,
            gpu_id=gpu_id,
            target=target,
        )
    if as_json:
        typer.echo(json.dumps(report, ensure_ascii=not writes_unicode(), indent=2))
        return
    console = Console()
    for block in lay_out(report):
        console.print(block)
