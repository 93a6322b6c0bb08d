from pathlib import Path
from typing import Annotated

import typer

from .errors import errors_as_one_line
from .options import Code, GpuId, Model, Precision

LOCAL = ("127.0.0.1", "::1", "localhost")


def serve_command(
    model: Model,
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen at.")] = 8000,
    workers: Annotated[
        int, typer.Option(min=1, help="Number of processes, each with its own pipeline.")
    ] = 1,
    token_file: Annotated[
        Path | None,
        typer.Option(
            help="File of tokens, one per line. Clients must send one of them.",
            show_default="anyone may use the service",
        ),
    ] = None,
    max_length: Annotated[int, typer.Option(min=1, help="Maximum characters per text.")] = 50_000,
    max_texts: Annotated[int, typer.Option(min=1, help="Maximum texts per request.")] = 64,
    max_bytes: Annotated[int, typer.Option(min=1, help="Maximum size of a request.")] = 10_000_000,
    max_queue: Annotated[
        int, typer.Option(min=1, help="Maximum texts that wait in each process.")
    ] = 512,
    batch_size: Annotated[int, typer.Option(min=1, help="Maximum texts per batch.")] = 32,
    batch_wait: Annotated[
        float, typer.Option(min=0, help="Milliseconds that a text waits for others.")
    ] = 5,
    label_studio: Annotated[
        bool, typer.Option("--label-studio", help="Predict for Label Studio, as its ML backend.")
    ] = False,
    precision: Precision = None,
    gpu_id: GpuId = -1,
    code: Code = None,
) -> None:
    """Run a web service that annotates texts.

    POST /annotate takes {"texts": ["...", {"id": "b1", "text": "..."}]} and returns
    {"version": 1, "results": [...]}, with what `annotate` writes of each text. The
    page at / shows it for a text of yours. /health, /ready and /metrics are for
    monitoring, and /openapi.json describes all of it. With --label-studio, Label
    Studio can use the service as an ML backend, and the labeling config that fits
    the pipeline is printed.

    No text is logged. SIGTERM and Ctrl-C stop the service once it has answered the
    requests that it has received. For TLS, put a proxy before it.

    Example: spacy-str-encoder serve training/model-best --port 8000

    Example: spacy-str-encoder serve zh_coronary_str --host 0.0.0.0 --workers 4 \\
    --token-file tokens.txt
    """
    with errors_as_one_line():
        import os

        from spacy_str_encoder.serving.run import serve
        from spacy_str_encoder.serving.settings import Settings
        from spacy_str_encoder.serving.tokens import can_others_read, read_tokens

        tokens = () if token_file is None else read_tokens(token_file)
        settings = Settings(
            model,
            gpu_id,
            code,
            precision and precision.value,
            threads=max(1, (os.cpu_count() or 1) // workers),
            tokens=tokens,
            max_length=max_length,
            max_texts=max_texts,
            max_bytes=max_bytes,
            max_queue=max_queue,
            batch_size=batch_size,
            batch_wait=batch_wait / 1000,
            label_studio=label_studio,
        )
        if token_file is None and host not in LOCAL:
            typer.echo(
                f"{host}: anyone who reaches it may use the service (no --token-file)", err=True
            )
        if token_file is not None and can_others_read(token_file):
            typer.echo(f"{token_file}: all users of this machine can read the tokens.", err=True)
        serve(settings, host=host, port=port, workers=workers)
