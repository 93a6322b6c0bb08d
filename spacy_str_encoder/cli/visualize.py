from pathlib import Path
from typing import Annotated

import typer

from .errors import errors_as_one_line
from .options import Code, GpuId, MinEntityScore, MinRelationScore, Model, Precision, TextField
from .prepare import prepare
from .progress import track


def visualize_command(
    model: Model,
    source: Annotated[
        str,
        typer.Argument(
            metavar="TEXT|FILE",
            help="A text, or a file: .txt (one text per line), .jsonl, .json, .csv, .tsv, "
            "optionally compressed (.gz), .parquet, or any format that `convert` reads.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="HTML file to write.", show_default=False)
    ],
    gold: Annotated[
        bool,
        typer.Option("--gold", help="Compare with the gold annotations of FILE, worst first."),
    ] = False,
    text_field: TextField = "text",
    limit: Annotated[
        int | None,
        typer.Option(min=1, help="Maximum number of texts to show.", show_default="all"),
    ] = None,
    title: Annotated[
        str | None, typer.Option(help="Title of the page.", show_default="name of the file")
    ] = None,
    min_entity_score: MinEntityScore = None,
    min_relation_score: MinRelationScore = None,
    precision: Precision = None,
    gpu_id: GpuId = -1,
    code: Code = None,
) -> None:
    """Write an HTML page of entities, and of relations as arcs, with their scores.

    With --gold, the page shows correct, wrong and missed predictions, with filters
    by label and kind. All texts are compared, those with the most errors per gold
    annotation come first, and each keeps its number in FILE. The page is a single
    file without external resources. It contains the texts, so share it only with
    people who may read them.

    Example: spacy-str-encoder visualize training/model-best "Ada works at Acme." -o page.html

    Example: spacy-str-encoder visualize training/model-best dev.spacy --gold -o errors.html
    """
    from spacy_str_encoder.doc.min_scores import MinScores, ScoreFilter, describe_low
    from spacy_str_encoder.doc.plurals import count_noun
    from spacy_str_encoder.evaluation.files import read_gold_docs
    from spacy_str_encoder.formats.report import ConversionReport, summarize
    from spacy_str_encoder.loading import entity_group, load_pipeline
    from spacy_str_encoder.visualize import render
    from spacy_str_encoder.visualize.run import is_path, read_texts, view_differences, view_texts

    conversion = ConversionReport()
    with errors_as_one_line():
        if not source.strip():
            raise ValueError("TEXT|FILE must not be blank; is a variable empty?")
        minimum = MinScores(min_entity_score, min_relation_score)
        prepare(gpu_id=gpu_id, inputs=[Path(source)] if is_path(source) else [], outputs=[output])
        nlp = load_pipeline(model, code=code, precision=precision and precision.value)
        low = ScoreFilter(minimum, entity_group(nlp))
        if gold:
            docs = read_gold_docs(Path(source), nlp, conversion)
            views, total = view_differences(nlp, docs, low=low, track=track)[:limit], len(docs)
        else:
            texts = read_texts(source, conversion, text_field=text_field)
            views, total = view_texts(nlp, texts[:limit], low=low, track=track), len(texts)
        heading = title or (Path(source).name if is_path(source) else "Entities and relations")
        render(views, title=heading, lang=nlp.lang or "").save(output)
    for line in summarize(conversion):
        typer.echo(line)
    if low.entities or low.relations:
        typer.echo(describe_low(low.entities, low.relations))
    typer.echo(f"Wrote {output}: {len(views):,} of {count_noun(total, 'text')}")
