import json
import sys
from contextlib import redirect_stdout
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from .errors import errors_as_one_line
from .progress import track

if TYPE_CHECKING:
    from spacy_str_encoder.debug_data.settings import PipelineSettings

# PipelineSettings of the config are options that are not known here.
CONTEXT = {"ignore_unknown_options": True}
SPLITS = ("train", "dev", "test")


def debug_data_command(
    arguments: Annotated[
        list[str],
        typer.Argument(
            metavar="TRAIN [DEV] [TEST]",
            help="Files or folders, in any format that convert reads.",
            show_default=False,
        ),
    ],
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", help="Config of the pipeline that is to be trained."),
    ] = None,
    lang: Annotated[
        str | None,
        typer.Option(help="Without a config: language of the pipeline, such as en or zh."),
    ] = None,
    spans_key: Annotated[
        str | None,
        typer.Option(help="Without a config: span group of docs that holds all entities."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print all of it as JSON, in place of tables.")
    ] = False,
) -> None:
    """Tell what to know of annotated data before training, and give advice.

    With --config, the tokens, windows and candidates of the pipeline are looked
    at too. Its settings can be overridden as in spacy train, after the files:
    --components.str_rel.negative_rate 0.3

    Example: spacy-str-encoder debug-data train.spacy dev.spacy -c configs/english.cfg

    Example: spacy-str-encoder debug-data train.json --lang zh --json
    """
    from spacy_str_encoder.debug_data.collect import collect_statistics
    from spacy_str_encoder.debug_data.report import make_report
    from spacy_str_encoder.debug_data.tables import lay_out

    with errors_as_one_line():
        paths, overrides = _split_arguments(arguments)
        settings = _get_settings(config, lang, spans_key, overrides)
        statistics = collect_statistics(
            paths, settings, track=partial(track, description="Reading")
        )
    if as_json:
        typer.echo(json.dumps(make_report(statistics), ensure_ascii=False, indent=2))
        return
    console = Console()
    for table in lay_out(statistics):
        console.print(table)


def _split_arguments(arguments: list[str]) -> tuple[dict[str, Path], list[str]]:
    files = list(takewhile(lambda argument: not argument.startswith("-"), arguments))
    if not 0 < len(files) <= len(SPLITS):
        raise ValueError(
            f"there are {len(files)} files before the settings of the config; give TRAIN, or TRAIN "
            "and DEV, or all of TRAIN, DEV and TEST"
        )
    return dict(zip(SPLITS, map(Path, files), strict=False)), arguments[len(files) :]


def _get_settings(
    config: Path | None, lang: str | None, spans_key: str | None, overrides: list[str]
) -> "PipelineSettings":
    from spacy_str_encoder.debug_data.settings import make_settings, read_settings

    if config is not None and (lang or spans_key):
        raise ValueError("--lang and --spans-key are for data without a --config, which has both")
    if config is not None:
        return read_settings(config, _parse_overrides(overrides))
    if overrides:
        raise ValueError(f"{overrides[0]} has no meaning without a --config")
    return make_settings(lang, spans_key=spans_key)


def _parse_overrides(overrides: list[str]) -> dict[str, Any]:
    from click import UsageError
    from spacy.cli._util import parse_config_overrides

    try:
        with redirect_stdout(sys.stderr):
            return parse_config_overrides(overrides)
    except UsageError as error:
        raise ValueError(error.format_message()) from error
