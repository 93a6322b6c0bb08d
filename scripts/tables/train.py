"""Training and scoring of one trial in its own process: `python -m scripts.tables.train`."""

import os
import sys
from pathlib import Path
from threading import Thread
from time import process_time
from typing import TypedDict

import spacy
import srsly
import typer
from spacy.language import Language

from spacy_str_encoder.arrays import IntArray
from spacy_str_encoder.evaluation import find_outcomes
from spacy_str_encoder.evaluation.counts import Figures, figures
from spacy_str_encoder.evaluation.outcomes import Task
from spacy_str_encoder.evaluation.scores import count_tasks
from spacy_str_encoder.files.docbin import read_docbin
from spacy_str_encoder.model_card.facts import count_parameters
from spacy_str_encoder.training import Request, train
from spacy_str_encoder.training.state import read_state

MODEL = Path("model")


class Step(TypedDict):
    """An evaluation on dev during training. Scores are in percent, losses are sums since the
    previous evaluation.
    """

    epoch: int
    step: int
    losses: dict[str, float]
    scores: dict[str, float]
    score: float


class Result(TypedDict):
    """The result of a trial: strict micro scores by part and task, the correct, predicted and gold
    keys of each text behind them, the number of parameters, the time of training on a core in
    seconds (estimated from the updates after the last interruption), and the evaluations during
    training.
    """

    scores: dict[str, dict[Task, Figures]]
    texts: dict[str, dict[Task, list[list[int]]]]
    parameters: int
    seconds: float
    curve: list[Step]


def main(folder: Path, gpu_id: int, parts: list[str]) -> None:
    """Train FOLDER/config.cfg, score it on PARTS (NAME=FILE), and write FOLDER/result.json. A
    training that was interrupted goes on.
    """
    seconds, curve = train_on(folder, gpu_id)
    nlp = spacy.load(folder / MODEL / "model-best")
    counts = {name: count_texts(nlp, Path(path)) for name, path in split_parts(parts)}
    result: Result = {
        "scores": {name: sum_texts(tasks) for name, tasks in counts.items()},
        "texts": {
            name: {task: rows.tolist() for task, rows in tasks.items()}
            for name, tasks in counts.items()
        },
        "parameters": sum(dict(count_parameters(nlp)).values()),
        "seconds": seconds,
        "curve": curve,
    }
    srsly.write_json(folder / "result.json", result)


def train_on(folder: Path, gpu_id: int) -> tuple[float, list[Step]]:
    """Train a pipeline, from the last evaluation on if there is one.

    folder (Path): The folder of the trial.
    gpu_id (int): The ID of the GPU, or -1 for the CPU.
    RETURNS (tuple[float, list[Step]]): The seconds of a core for all updates, and the evaluations.
    """
    start, log = process_time(), folder / "curve.jsonl"
    state = read_state(folder / MODEL)
    # All evaluations are logged again, and those of a finished training are not.
    log.unlink(missing_ok=True)
    begun = state.step if state is not None and not state.is_finished else -1
    overrides = {"training.logger.output_file": str(log)}
    config = folder / "config.cfg"
    train(Request(config, folder / MODEL, overrides, gpu_id, resume=begun >= 0, overwrite=True))
    seconds, curve = process_time() - start, [*srsly.read_jsonl(log)]
    last = curve[-1]["step"]
    return seconds * (last + 1) / max(last - begun, 1), curve


def end_with_standard_input() -> None:
    """End the process when its standard input ends, which happens when the parent is killed."""

    def wait() -> None:
        while os.read(sys.stdin.fileno(), 1):
            pass
        os._exit(1)

    Thread(target=wait, daemon=True).start()


def split_parts(parts: list[str]) -> list[tuple[str, str]]:
    """RETURNS (list[tuple[str, str]]): The name and the file of each NAME=FILE."""
    return [(name, path) for name, _, path in (part.partition("=") for part in parts)]


def count_texts(nlp: Language, path: Path) -> dict[Task, IntArray]:
    """Count what a pipeline finds in each text, strictly, over all labels.

    nlp (Language): The pipeline.
    path (Path): The gold docs.
    RETURNS (dict[Task, IntArray]): Correct, predicted and gold of each text, for each task that can
        be scored. *Shape:* (texts, 3).
    """
    counts = count_tasks(find_outcomes(nlp, list(read_docbin(path, nlp.vocab))))
    return {task: views["strict"].by_doc for task, views in counts.items()}


def sum_texts(counts: dict[Task, IntArray]) -> dict[Task, Figures]:
    """RETURNS (dict[Task, Figures]): The micro scores of each task."""
    return {task: figures(rows.sum(axis=0)) for task, rows in counts.items()}


if __name__ == "__main__":
    end_with_standard_input()
    typer.run(main)
