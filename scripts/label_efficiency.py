"""Measure how much a pretrained encoder helps when few texts are annotated.

Trains the pipeline on shares of the training docs, with a fresh and with a pretrained encoder. Each
seed draws its own docs.
"""

from collections.abc import Iterator
from functools import partial
from itertools import product
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from spacy_str_encoder.cli.errors import errors_as_one_line
from spacy_str_encoder.evaluation.outcomes import TASKS, Task
from spacy_str_encoder.tables import make_table

from .figures import Figure
from .tables.options import GpuId, Steps, Workers
from .tables.results import Results, Spread, find_results, sum_up
from .tables.run import exit_if_failed, run_trials
from .tables.settings import TableSettings
from .tables.systems import System
from .tables.trials import plan_trials
from .tables.workers import run_here

TEST = "test_unseen"
PERCENTS = (10, 30, 100)
ENCODERS = ("fresh", "pretrained")
MEASURED: tuple[Task, ...] = ("entities", "relations", "relations_gold_entities")


def main(
    config: Annotated[Path, typer.Argument(help="Config of the pipeline.")],
    corpus: Annotated[Path, typer.Argument(help="Folder with the .spacy files.")],
    fresh: Annotated[Path, typer.Option(help="Encoder with fresh weights.")],
    pretrained: Annotated[Path, typer.Option(help="The same encoder, pretrained.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Output folder.")],
    seeds: Annotated[int, typer.Option(min=1, help="Number of seeds.")] = 3,
    steps: Steps = None,
    workers: Workers = None,
    gpu_id: GpuId = -1,
) -> None:
    """Train the pipelines that have no result yet, and draw OUTPUT/label_efficiency.png."""
    folder = output.resolve()
    with errors_as_one_line():
        trials = []
        for name, encoder in zip(ENCODERS, (fresh, pretrained), strict=True):
            settings = TableSettings(config, str(encoder), corpus, (TEST,), seeds, steps)
            systems = map(partial(make_system, name), PERCENTS)
            trials += plan_trials(systems, settings, gpu_id=gpu_id)
        failed = run_trials(trials, folder, partial(run_here, folder=folder, workers=workers))
    exit_if_failed(failed, trials, folder)
    results = find_results(trials, folder)
    draw(output / "label_efficiency.png", results)
    Console().print(lay_out(results))


def make_system(encoder: str, percent: int) -> System:
    """RETURNS (System): The config itself, trained on a share of the docs."""
    reader = {"share": percent / 100, "seed": "${system.seed}"}
    overrides = {f"corpora.train.{name}": value for name, value in reader.items()}
    return System(_name(encoder, percent), overrides=overrides)


def _name(encoder: str, percent: int) -> str:
    return f"{encoder}/{percent}-percent"


def summarize(results: Results, encoder: str, task: Task) -> Iterator[Spread]:
    """Summarize F1 over the seeds.

    results (Mapping[str, Sequence[Kept]]): The results.
    encoder (str): The encoder, one of `ENCODERS`.
    task (str): The task.
    YIELDS (Spread): The mean and the standard deviation of F1 for each share of the docs.
    """
    for percent in PERCENTS:
        spreads = sum_up(results[_name(encoder, percent)], TEST, task)
        assert spreads is not None
        yield spreads[2]


def draw(path: Path, results: Results) -> None:
    """Plot F1 against the share of the docs.

    path (Path): The PNG file to write.
    results (Mapping[str, Sequence[Kept]]): The results.
    """
    figure = Figure(figsize=(12, 4), layout="constrained")
    for axes, task in zip(figure.subplots(1, len(MEASURED)), MEASURED, strict=True):
        for encoder, marker in zip(ENCODERS, "so", strict=True):
            spreads = list(summarize(results, encoder, task))
            means, deviations = zip(*((s.mean, s.deviation or 0) for s in spreads), strict=True)
            axes.errorbar(PERCENTS, means, deviations, marker=marker, capsize=4, label=encoder)
        axes.set_title(TASKS[task])
        axes.set_xscale("log")
        axes.set_xticks(PERCENTS, [f"{percent} %" for percent in PERCENTS])
        axes.minorticks_off()
        axes.set_xlabel("share of the training docs")
        axes.set_ylabel("strict micro F1, unseen test (%)")
        axes.grid(alpha=0.3)
        axes.legend(title="encoder")
    figure.savefig(path, format="png", dpi=120)


def lay_out(results: Results) -> Table:
    """Lay out the scores as a table.

    results (Mapping[str, Sequence[Kept]]): The results.
    RETURNS (Table): The table.
    """
    headers = [f"{percent} %" for percent in PERCENTS]
    title = "Strict micro F1 on the unseen test, mean ± sd"
    table = make_table(title, ["task", "encoder"], headers)
    for task, encoder in product(MEASURED, ENCODERS):
        found = summarize(results, encoder, task)
        table.add_row(TASKS[task], encoder, *map(str, found))
    return table


if __name__ == "__main__":
    typer.run(main)
