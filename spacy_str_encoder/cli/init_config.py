from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from .errors import errors_as_one_line


def init_config_command(
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", help="File to write to, or - to print the config.", show_default=False
        ),
    ],
    trained: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="MODEL",
            help="Trained pipeline to go on with: its folder, or the name of its package.",
            show_default="none",
        ),
    ] = None,
    freeze_encoder: Annotated[
        bool,
        typer.Option("--freeze-encoder", help="With --from: leave the encoder as it is."),
    ] = False,
    lang: Annotated[
        str | None,
        typer.Option(help="Language of the texts, such as en or zh.", show_default="en"),
    ] = None,
    encoder: Annotated[
        str | None,
        typer.Option(
            help="Encoder: a name on the Hugging Face hub, a folder, or a folder inside an "
            "installed package (package:NAME/FOLDER).",
            show_default="a pretrained one for English or Chinese",
        ),
    ] = None,
    fresh: Annotated[
        bool,
        typer.Option("--fresh", help="Settings for a small encoder made by init-encoder."),
    ] = False,
    nested: Annotated[
        bool, typer.Option("--nested", help="Entities overlap: keep all in the span group sc.")
    ] = False,
    attributes: Annotated[
        bool,
        typer.Option("--attributes", help="Entities have attributes, such as negated."),
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", "-F", help="Overwrite a file that exists.")
    ] = False,
) -> None:
    """Write a config to train with, and print the next commands.

    Its comments explain the settings that are most often changed.

    Example: spacy-str-encoder init-config -o config.cfg

    Example: spacy-str-encoder init-config --lang de --encoder xlm-roberta-base -o config.cfg

    Example: spacy-str-encoder init-config --from training/model-best -o continued.cfg
    """
    from spacy_str_encoder.files.whole import written_whole
    from spacy_str_encoder.init_config import (
        continue_config,
        make_config,
        next_commands,
        read_trained,
    )

    to_stdout = str(output) == "-"
    others = {
        "lang": lang,
        "encoder": encoder,
        "fresh": fresh,
        "nested": nested,
        "attributes": attributes,
    }
    with errors_as_one_line():
        if not to_stdout:
            _check_output(output, force=force)
        _check_options(trained, others, freeze_encoder=freeze_encoder)
        if trained is not None:
            text = continue_config(read_trained(trained), freeze_encoder=freeze_encoder)
        else:
            text = make_config(
                lang=lang or "en",
                encoder=encoder,
                fresh=fresh,
                nested=nested,
                attributes=attributes,
            )
        if not to_stdout:
            with written_whole(output) as unfinished:
                unfinished.write_text(text, encoding="utf-8", newline="\n")
    if to_stdout:
        typer.echo(text, nl=False)
        return
    typer.echo(f"Wrote {output}. Next, with your own files:")
    for command in next_commands(text, output):
        typer.echo(f"  {command}")


def _check_options(
    trained: str | None, others: Mapping[str, object], *, freeze_encoder: bool
) -> None:
    if trained is None and freeze_encoder:
        raise ValueError("--freeze-encoder requires --from, the pipeline to go on with")
    given = [name for name, value in others.items() if value]
    if trained is not None and given:
        raise ValueError(
            f"--{given[0]} can't be used with --from: the config takes it from the pipeline"
        )


def _check_output(output: Path, *, force: bool) -> None:
    if output.is_dir():
        raise ValueError(f"{output}: the output must be a file, but is a folder")
    if output.exists() and not force:
        raise ValueError(f"{output}: the file exists; choose another one or use --force")
