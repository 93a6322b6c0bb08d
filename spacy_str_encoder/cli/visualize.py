from pathlib import Path
from typing import Annotated

import typer

from .errors import errors_as_one_line
from .options import GpuId, Model
from .prepare import prepare
from .progress import track


def visualize_command(
    model: Model,
    source: Annotated[
        str,
        typer.Argument(
            metavar="TEXT|FILE",
            help="A text, or a file: with a text a line (.txt), or in any format that convert "
            "reads.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The page to write.", show_default=False)
    ],
    gold: Annotated[
        bool,
        typer.Option("--gold", help="Compare with the annotations of FILE, worst texts first."),
    ] = False,
    limit: Annotated[
        int | None,
        typer.Option(min=1, help="Show so many texts at most.", show_default="all"),
    ] = None,
    title: Annotated[
        str | None, typer.Option(help="The title of the page.", show_default="that of the file")
    ] = None,
    gpu_id: GpuId = -1,
) -> None:
    """Write a page to look at: entities, and relations as arcs, with their scores.

    With --gold it shows what is right, wrong and missed, and filters by label and
    kind; all texts are compared to find the worst, which keep their numbers in FILE.
    The page is one file that loads nothing from elsewhere. It holds the texts: mind
    who may read them.

    Example: spacy-str-encoder visualize training/model-best "Ada works at Acme." -o page.html

    Example: spacy-str-encoder visualize training/model-best dev.spacy --gold -o errors.html
    """
    from spacy_str_encoder.evaluation.files import read_gold_docs
    from spacy_str_encoder.formats.report import ConversionReport, summarize
    from spacy_str_encoder.loading import load_pipeline
    from spacy_str_encoder.visualize import render
    from spacy_str_encoder.visualize.run import is_path, read_texts, view_differences, view_texts

    conversion = ConversionReport()
    with errors_as_one_line():
        prepare(gpu_id=gpu_id, inputs=[Path(source)] if is_path(source) else [], outputs=[output])
        nlp = load_pipeline(model)
        if gold:
            docs = read_gold_docs(Path(source), nlp, conversion)
            views, total = view_differences(nlp, docs, track=track)[:limit], len(docs)
        else:
            texts = read_texts(source, conversion)
            views, total = view_texts(nlp, texts[:limit], track=track), len(texts)
        heading = title or (Path(source).name if is_path(source) else "Entities and relations")
        render(views, title=heading, lang=nlp.lang or "").save(output)
    for line in summarize(conversion):
        typer.echo(line)
    typer.echo(f"Wrote {output}: {len(views)} of {total} texts")
