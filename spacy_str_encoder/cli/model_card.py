from pathlib import Path
from typing import Annotated

import typer

from .errors import errors_as_one_line
from .options import Code, Model
from .prepare import prepare


def model_card_command(
    model: Model,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Markdown file to write.", show_default="printed"),
    ] = None,
    about: Annotated[
        Path | None,
        typer.Option(
            help="TOML file with what only you know: name, version, description, license, author, "
            "email, url, intended_use, limits, training_data.",
            show_default=False,
        ),
    ] = None,
    scores: Annotated[
        list[Path] | None,
        typer.Option(
            help="JSON file of `evaluate --output`. Give one for each set of texts.",
            show_default=False,
        ),
    ] = None,
    package: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Folder for a copy of the pipeline with the card and your fields, for `spacy "
            "package`.",
            show_default=False,
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an output that is no model card.")
    ] = False,
    code: Code = None,
) -> None:
    """Write the model card of a pipeline: what it is, finds, and was scored.

    Names, labels, sizes, the encoder and the scores of training come from the
    pipeline. What you don't give is marked with TODO.

    Example: spacy-str-encoder model-card training/model-best -o README.md

    Example: spacy-str-encoder model-card training/model-best --about about.toml
    --scores test.json --package packages/model
    """
    from spacy_str_encoder.files.whole import check_outputs, written_whole
    from spacy_str_encoder.loading import fingerprint, load_pipeline
    from spacy_str_encoder.model_card import (
        check_output,
        check_scored,
        describe,
        list_missing,
        list_unscored,
        read_about,
        read_scores,
        write_page,
        write_pipeline,
    )

    with errors_as_one_line():
        given = [path for path in (about, *(scores or ())) if path is not None]
        prepare(gpu_id=-1, inputs=given, outputs=[output] if output else [])
        if output is not None and not overwrite:
            check_output(output)
        fields, reports = read_about(about), read_scores(scores or ())
        nlp = load_pipeline(model, code=code)
        check_scored(reports, fingerprint(nlp))
        facts = describe(nlp)
        page = write_page(facts, fields, reports)
        if package is not None:
            check_outputs([package], [nlp.path])
            write_pipeline(nlp.path, package, fields, page)
        if output is not None:
            with written_whole(output) as unfinished:
                unfinished.write_text(page, encoding="utf-8", newline="\n")
    written = [path for path in (output, package) if path is not None]
    for line in [f"Wrote {path}" for path in written] or [page.rstrip("\n")]:
        typer.echo(line)
    if missing := ", ".join(list_missing(facts, fields)):
        typer.echo(f"TODO in the card: {missing}. Give them in a file: --about", err=True)
    if unscored := ", ".join(list_unscored(facts, reports)):
        typer.echo(f"TODO in the card: scores of {unscored}. Give reports: --scores", err=True)
