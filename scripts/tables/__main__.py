"""The command: `python -m scripts.tables`."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from spacy.util import load_config

from spacy_str_encoder.cli.errors import errors_as_one_line

from .options import GpuId, Steps, Workers
from .results import find_results
from .run import exit_if_failed, run_trials
from .settings import QUICK_SEEDS, QUICK_STEPS, SEEDS, TESTS, TableSettings, parse_changes
from .systems import choose_systems, count_layers, list_focus_layers
from .trials import plan_trials
from .workers import run_here


def main(
    base: Annotated[
        Path, typer.Option(help="Config of the STR-encoder; overlays are merged into it.")
    ] = Path("configs/coronary.cfg"),
    encoder: Annotated[
        str | None, typer.Option(help="Encoder.", show_default="from the config")
    ] = None,
    corpus: Annotated[
        Path, typer.Option(help="Folder with train.spacy, dev.spacy and the test sets.")
    ] = Path("corpus"),
    test: Annotated[
        list[str] | None,
        typer.Option(
            help="Test set, the NAME of NAME.spacy. Repeat the option for more.",
            show_default=", ".join(TESTS),
        ),
    ] = None,
    system: Annotated[
        list[str] | None, typer.Option(help="Train only this system. Repeat the option for more.")
    ] = None,
    focus_layers: Annotated[
        str | None,
        typer.Option(
            help="Values of K, such as 1,2,4,6.", show_default="1 to the layers of the encoder"
        ),
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="SYSTEM:SETTING=VALUE",
            help="Change a setting of a system. Repeat the option for more.",
        ),
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(min=1, help="Number of seeds per system.", show_default=f"{SEEDS}"),
    ] = None,
    steps: Steps = None,
    quick: Annotated[
        bool, typer.Option("--quick", help=f"Same as --seeds {QUICK_SEEDS} --steps {QUICK_STEPS}.")
    ] = False,
    workers: Workers = None,
    gpu_id: GpuId = -1,
    keep_models: Annotated[
        bool, typer.Option("--keep-models", help="Keep the trained pipelines.")
    ] = False,
    trials: Annotated[Path, typer.Option(help="Folder for the trials.")] = Path("training/tables"),
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for the tables and plots.")
    ] = Path("metrics"),
) -> None:
    """Train every system of the paper's tables, and write tables.md and plots to OUTPUT.

    Systems that are already trained with the same settings and data are not trained again.
    """
    if quick:
        seeds, steps = seeds or QUICK_SEEDS, steps or QUICK_STEPS
    with errors_as_one_line():
        from .data import TableData
        from .write import write_all

        encoder = encoder or load_config(base)["paths"]["encoder"]
        settings = TableSettings(
            base,
            encoder,
            corpus,
            tuple(test or TESTS),
            seeds or SEEDS,
            steps,
            parse_focus_layers(focus_layers),
            parse_changes(changes or ()),
        )
        planned = plan_trials(choose_systems(settings), settings, gpu_id=gpu_id)
        names = {each.name for each in choose_systems(settings, system)}
        chosen = [trial for trial in planned if trial.system in names]
        folder = (trials / settings.name).resolve()
        engine = partial(run_here, folder=folder, workers=workers, keep_models=keep_models)
        failed = run_trials(chosen, folder, engine)
        data = TableData(
            find_results(planned, folder),
            settings,
            count_layers(settings.encoder),
            list_focus_layers(settings),
        )
        write_all(output, data, failed)
    typer.echo(f"Wrote {output / 'tables.md'}")
    exit_if_failed(failed, chosen, folder)


def parse_focus_layers(values: str | None) -> tuple[int, ...] | None:
    """RETURNS (tuple[int, ...] | None): The numbers of `1,2,4`; None for none."""
    if values is None:
        return None
    try:
        return tuple(map(int, values.split(",")))
    except ValueError:
        raise ValueError(
            f"--focus-layers must be numbers with commas, such as 1,2,4, got {values}"
        ) from None


if __name__ == "__main__":
    typer.run(main)
