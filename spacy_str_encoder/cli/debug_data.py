import json
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from .errors import errors_as_one_line
from .options import Code
from .overrides import parse_overrides
from .progress import track
from .streams import writes_unicode

if TYPE_CHECKING:
    from spacy_str_encoder.debug_data.collect import Statistics
    from spacy_str_encoder.debug_data.settings import PipelineSettings

# Overrides of the config are passed as options that typer does not know.
CONTEXT = {"ignore_unknown_options": True}
SPLITS = ("train", "dev", "test")


def debug_data_command(
    arguments: Annotated[
        list[str],
        typer.Argument(
            metavar="TRAIN [DEV] [TEST]",
            help="Files or folders in any format that `convert` reads.",
            show_default=False,
        ),
    ],
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", help="Config of the pipeline to train."),
    ] = None,
    lang: Annotated[
        str | None,
        typer.Option(help="Language of the pipeline, such as en or zh, if there is no config."),
    ] = None,
    spans_key: Annotated[
        str | None,
        typer.Option(help="Span group of docs with all entities, if there is no config."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the full report as JSON instead of tables.")
    ] = False,
    code: Code = None,
) -> None:
    """Summarize annotated data and suggest fixes before training.

    With --config, the report covers the tokens, windows and candidate pairs of the
    pipeline too. Config settings can be overridden after the files, as in
    spacy train: --components.str_rel.negative_rate 0.3

    Example: spacy-str-encoder debug-data train.spacy dev.spacy -c configs/english.cfg

    Example: spacy-str-encoder debug-data train.json --lang zh --json
    """
    from spacy_str_encoder.debug_data.collect import collect_statistics
    from spacy_str_encoder.debug_data.report import make_report
    from spacy_str_encoder.debug_data.tables import lay_out
    from spacy_str_encoder.loading import import_code

    with errors_as_one_line():
        import_code(code)
        paths, overrides = _split_arguments(arguments)
        settings = _get_settings(config, lang, spans_key, overrides)
        statistics = collect_statistics(
            paths, settings, track=partial(track, description="Reading")
        )
        if spans_key is not None:
            _check_group(spans_key, statistics)
    if as_json:
        report = make_report(statistics)
        typer.echo(json.dumps(report, ensure_ascii=not writes_unicode(), indent=2))
        return
    console = Console()
    for table in lay_out(statistics):
        console.print(table)


def _split_arguments(arguments: list[str]) -> tuple[dict[str, Path], list[str]]:
    files = list(takewhile(lambda argument: not argument.startswith("-"), arguments))
    if not 0 < len(files) <= len(SPLITS):
        raise ValueError(
            f"there must be 1 to {len(SPLITS)} files, TRAIN [DEV] [TEST], before the first option, "
            f"got {len(files)}"
        )
    return dict(zip(SPLITS, map(Path, files), strict=False)), arguments[len(files) :]


def _check_group(spans_key: str, statistics: "Statistics") -> None:
    groups = set[str]().union(*(split.span_groups for split in statistics.splits.values()))
    if spans_key not in groups:
        raise ValueError(
            f"--spans-key must be a span group of the docs, got {spans_key!r}; they have "
            f"{', '.join(sorted(groups)) or 'none'}"
        )


def _get_settings(
    config: Path | None, lang: str | None, spans_key: str | None, overrides: list[str]
) -> "PipelineSettings":
    from spacy_str_encoder.debug_data.settings import make_settings, read_settings

    if config is not None and (lang or spans_key):
        raise ValueError("--lang and --spans-key can't be used with --config, which sets both")
    if config is not None:
        return read_settings(config, parse_overrides(overrides))
    if overrides:
        raise ValueError(f"{overrides[0]} requires --config")
    return make_settings(lang, spans_key=spans_key)
