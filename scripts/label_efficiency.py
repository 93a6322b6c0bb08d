"""Measure what pretraining an encoder is worth when few texts are annotated.

Trains the pipeline on shares of the training docs, with a fresh and a pretrained encoder and with
several seeds, each of which chooses its own docs. Runs that are finished are skipped.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import product, starmap
from pathlib import Path
from random import Random
from statistics import mean, stdev
from typing import Annotated, Any

import spacy
import srsly
import typer
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table
from spacy.cli.train import train
from spacy.tokens import Doc, DocBin
from spacy.util import make_tempdir
from spacy.vocab import Vocab
from weasel.util.hashing import get_checksum

from spacy_str_encoder.evaluation import find_outcomes, make_report
from spacy_str_encoder.formats.docbin import read_docbin
from spacy_str_encoder.formats.files import written_whole
from spacy_str_encoder.tables import make_table

PARTS = ("train", "dev", "test_unseen")
PERCENTS = (10, 30, 100)
TASKS = {"entities": "NER", "relations": "RC, predicted entities"}
# So often is a shortened run evaluated.
EVALUATIONS = 6


@dataclass(frozen=True)
class Run:
    """A pipeline to train.

    encoder (str): "fresh" or "pretrained".
    percent (int): The share of the training docs.
    seed (int): The seed of the choice of docs, and of training.
    """

    encoder: str
    percent: int
    seed: int

    @property
    def name(self) -> str:
        """RETURNS (str): A name for files."""
        return f"{self.encoder}-{self.percent}-{self.seed}"


Scores = dict[Run, dict[str, float]]


def main(
    config: Annotated[Path, typer.Argument(help="The config of the pipeline.")],
    corpus: Annotated[Path, typer.Argument(help="The folder with the .spacy files.")],
    fresh: Annotated[Path, typer.Option(help="The encoder with fresh weights.")],
    pretrained: Annotated[Path, typer.Option(help="The same encoder, pretrained.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder to write.")],
    seeds: Annotated[int, typer.Option(min=2, help="The number of seeds.")] = 5,
    steps: Annotated[
        int | None, typer.Option(min=EVALUATIONS, help="Train for fewer steps, to try it.")
    ] = None,
    gpu_id: Annotated[int, typer.Option(help="The number of the GPU; -1 is the CPU.")] = -1,
) -> None:
    """Write all scores to OUTPUT/label_efficiency.json, and draw label_efficiency.png."""
    encoders = {"fresh": fresh, "pretrained": pretrained}
    scores: Scores = {}
    for run in starmap(Run, product(encoders, PERCENTS, range(seeds))):
        path = output / "runs" / f"{run.name}.json"
        overrides = {**_shorten(steps), "paths.encoder": str(encoders[run.encoder])}
        read = (config, *(corpus / f"{part}.spacy" for part in PARTS), encoders[run.encoder])
        settings = {**overrides, "read": [get_checksum(file) for file in read]}
        if not _is_finished(path, settings):
            found = train_and_score(run, config, corpus, overrides, gpu_id=gpu_id)
            with written_whole(path) as unfinished:
                srsly.write_json(unfinished, {"settings": settings, "scores": found})
        scores[run] = srsly.read_json(path)["scores"]
    rows = [{**asdict(run), **found} for run, found in scores.items()]
    srsly.write_json(output / "label_efficiency.json", rows)
    draw(output / "label_efficiency.png", scores)
    Console().print(lay_out(scores))


def _is_finished(path: Path, settings: dict[str, Any]) -> bool:
    return path.exists() and srsly.read_json(path)["settings"] == settings


def _shorten(steps: int | None) -> dict[str, Any]:
    if steps is None:
        return {}
    return {
        "training.max_steps": steps,
        "training.optimizer.learn_rate.total_steps": steps,
        "training.eval_frequency": steps // EVALUATIONS,
    }


def train_and_score(
    run: Run, config: Path, corpus: Path, overrides: dict[str, Any], *, gpu_id: int
) -> dict[str, float]:
    """Train a pipeline, and score it on what training texts don't have.

    run (Run): The run.
    config (Path): The config of the pipeline.
    corpus (Path): The folder with the .spacy files.
    overrides (dict[str, Any]): Settings of the config.
    gpu_id (int): The number of the GPU; -1 is the CPU.
    RETURNS (dict[str, float]): The strict micro F1 of each task.
    """
    docs = choose_docs(list(read_docbin(corpus / "train.spacy", Vocab())), run)
    with make_tempdir() as folder:
        DocBin(docs=docs, store_user_data=True).to_disk(folder / "train.spacy")
        paths = {"train": folder / "train.spacy", "dev": corpus / "dev.spacy"}
        settings = {f"paths.{name}": str(path) for name, path in paths.items()}
        seed = {"system.seed": run.seed}
        train(config, folder, use_gpu=gpu_id, overrides={**settings, **seed, **overrides})
        nlp = spacy.load(folder / "model-best")
    gold = list(read_docbin(corpus / "test_unseen.spacy", nlp.vocab))
    scores: Any = make_report(find_outcomes(nlp, gold), samples=1)["model"]
    return {task: scores[task]["strict"]["micro"]["f"] for task in TASKS}


def choose_docs(docs: list[Doc], run: Run) -> list[Doc]:
    """Choose docs at random. Those of a smaller share are among those of a larger one.

    docs (list[Doc]): All docs.
    run (Run): The run.
    RETURNS (list[Doc]): Its docs.
    """
    shuffled = Random(run.seed).sample(docs, len(docs))
    return shuffled[: round(len(docs) * run.percent / 100)]


def summarize(scores: Scores, task: str, encoder: str) -> Iterator[tuple[int, float, float]]:
    """Sum up the seeds.

    scores (dict[Run, dict[str, float]]): The scores of all runs.
    task (str): The task.
    encoder (str): The encoder.
    YIELDS (tuple[int, float, float]): Percent of the docs, mean and standard deviation of the F1.
    """
    for percent in PERCENTS:
        runs = [run for run in scores if (run.encoder, run.percent) == (encoder, percent)]
        values = [100 * scores[run][task] for run in runs]
        yield percent, mean(values), stdev(values)


def draw(path: Path, scores: Scores) -> None:
    """Draw F1 against the share of the docs.

    path (Path): The PNG to write.
    scores (dict[Run, dict[str, float]]): The scores of all runs.
    """
    figure = Figure(figsize=(9, 4), layout="constrained")
    for axes, (task, title) in zip(figure.subplots(1, len(TASKS)), TASKS.items(), strict=True):
        for encoder, marker in (("fresh", "s"), ("pretrained", "o")):
            percents, means, errors = zip(*summarize(scores, task, encoder), strict=True)
            axes.errorbar(percents, means, errors, marker=marker, capsize=4, label=encoder)
        axes.set_title(title)
        axes.set_xscale("log")
        axes.set_xticks(PERCENTS, [f"{percent} %" for percent in PERCENTS])
        axes.minorticks_off()
        axes.set_xlabel("share of the training docs")
        axes.set_ylabel("strict micro F1, unseen test")
        axes.grid(alpha=0.3)
        axes.legend(title="encoder")
    figure.savefig(path, format="png", dpi=120)


def lay_out(scores: Scores) -> Table:
    """Lay the scores out as a table.

    scores (dict[Run, dict[str, float]]): The scores of all runs.
    RETURNS (Table): The table.
    """
    headers = [f"{percent} %" for percent in PERCENTS]
    table = make_table("F1 on the unseen test, mean ± sd", ["task", "encoder"], headers)
    for task, encoder in product(TASKS, ("fresh", "pretrained")):
        found = summarize(scores, task, encoder)
        table.add_row(TASKS[task], encoder, *(f"{m:.1f} ± {sd:.1f}" for _, m, sd in found))
    return table


if __name__ == "__main__":
    typer.run(main)
