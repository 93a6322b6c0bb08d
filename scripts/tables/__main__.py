"""The command: `python -m scripts.tables`."""

import os
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from spacy.util import load_config

from spacy_str_encoder.cli.errors import errors_as_one_line

from .run import Engine, run_trials
from .settings import QUICK_SEEDS, QUICK_STEPS, SEEDS, TESTS, Settings
from .systems import choose_systems
from .trials import plan_trials
from .workers import run_here


def main(
    base: Annotated[
        Path, typer.Option(help="The config of the STR-encoder; overlays are merged onto it.")
    ] = Path("configs/coronary.cfg"),
    encoder: Annotated[
        str | None, typer.Option(help="The encoder.", show_default="that of the config")
    ] = None,
    corpus: Annotated[
        Path, typer.Option(help="The folder with train.spacy, dev.spacy and the test sets.")
    ] = Path("corpus"),
    test: Annotated[
        list[str] | None,
        typer.Option(
            help="A test set, NAME of NAME.spacy; give more by repeating it.",
            show_default=", ".join(TESTS),
        ),
    ] = None,
    system: Annotated[
        list[str] | None, typer.Option(help="Train this system alone; give more by repeating it.")
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(min=1, help="How often each system is trained.", show_default=f"{SEEDS}"),
    ] = None,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Updates, in place of those of the config.")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help=f"As --seeds {QUICK_SEEDS} --steps {QUICK_STEPS}.")
    ] = False,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="How many are trained at a time on this machine.",
            show_default="one for each core, or for the GPU",
        ),
    ] = None,
    on_ray: Annotated[bool, typer.Option("--ray", help="Train as tasks of Ray.")] = False,
    ray_address: Annotated[
        str | None, typer.Option(help="The address of a Ray cluster; implies --ray.")
    ] = None,
    gpu_id: Annotated[int, typer.Option(help="The number of the GPU; -1 is the CPU.")] = -1,
    keep_models: Annotated[
        bool, typer.Option("--keep-models", help="Keep the trained pipelines. Not on Ray.")
    ] = False,
    trials: Annotated[Path, typer.Option(help="The folder for what is trained.")] = Path(
        "training/tables"
    ),
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The folder for the tables and plots.")
    ] = Path("metrics"),
) -> None:
    """Train every system of the paper's tables, and write tables.md and plots to OUTPUT.

    What was trained before with the same settings and data is not trained again.
    """
    if quick:
        seeds, steps = seeds or QUICK_SEEDS, steps or QUICK_STEPS
    with errors_as_one_line():
        from .write import write_all

        workers = workers or (1 if gpu_id >= 0 else os.cpu_count() or 1)
        encoder = encoder or load_config(base)["paths"]["encoder"]
        settings = Settings(base, encoder, corpus, tuple(test or TESTS), seeds or SEEDS, steps)
        planned = plan_trials(choose_systems(settings, system), settings, gpu_id=gpu_id)
        folder = (trials / settings.name).resolve()
        if on_ray or ray_address:
            engine = _make_ray_engine(ray_address, keep_models=keep_models)
        else:
            engine = partial(run_here, folder=folder, workers=workers, keep_models=keep_models)
        results, failed = run_trials(planned, folder, engine)
        write_all(output, results, settings, failed)
    typer.echo(f"Wrote {output / 'tables.md'}")
    if failed:
        logs = "".join(f"\n{folder / name / 'log.txt'}" for name in failed)
        typer.echo(f"{len(failed)} of {len(planned)} trials failed:{logs}", err=True)
        raise typer.Exit(1)


def _make_ray_engine(address: str | None, *, keep_models: bool) -> Engine:
    if keep_models:
        raise ValueError("--keep-models: Ray trains in folders that are removed; leave one out")
    from .on_ray import run_on_ray

    return partial(run_on_ray, address=address)


if __name__ == "__main__":
    typer.run(main)
