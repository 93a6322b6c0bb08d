"""Copy a trained pipeline, and add a name, a version and a model card to its metadata."""

import shutil
from pathlib import Path
from typing import Annotated

import srsly
import typer

from spacy_str_encoder.evaluation import TASKS

NOTES = """## Description
This pipeline predicts entities (BodyPart, Location, Degree, Quantifier, Negation) and relations
(Position, Modifier, Percentage, Negative) in Chinese coronary arteriography findings. It uses one
small BERT and the STR-encoder method (Xue et al. 2019, arXiv 1908.07721).

**Not for clinical use.** The pipeline is a demonstration. It was trained on generated sentences,
starting from random weights. No patient texts were used, and no clinician has validated it.

## Training data
560 generated sentences in the style of coronary arteriography reports.

## Scores
Strict micro F1: boundaries, types, label and direction must all be correct. "Unseen" sentences
contain words or sentence patterns that do not occur in the training data; "handwritten" sentences
were not generated.

| | {tasks} |
|---|---|---|---|
{rows}
"""
PARTS = {"test_seen": "seen", "test_unseen": "unseen", "handwritten": "handwritten"}


def main(
    model: Annotated[Path, typer.Argument(help="Folder of the trained pipeline.")],
    metrics: Annotated[Path, typer.Argument(help="Folder with the scores.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write to.")],
    name: Annotated[str, typer.Option(help="Name of the package, without the language.")],
    version: Annotated[str, typer.Option(help="Version of the package.")],
) -> None:
    """Write the pipeline with a name, version, license and model card to OUTPUT."""
    shutil.rmtree(output, ignore_errors=True)
    shutil.copytree(model, output)
    path = output / "meta.json"
    card = {
        "name": name,
        "version": version,
        "license": "MIT",
        "description": "Entities and relations of coronary arteriography findings. Trained on "
        "generated sentences; not for clinical use.",
        "notes": NOTES.format(
            tasks=" | ".join(TASKS.values()),
            rows="\n".join(make_row(metrics, part) for part in PARTS),
        ),
    }
    srsly.write_json(path, {**srsly.read_json(path), **card})


def make_row(metrics: Path, part: str) -> str:
    """Format the scores of a part of the corpus.

    metrics (Path): The folder with the scores.
    part (str): The name of the part.
    RETURNS (str): A row of a Markdown table.
    """
    scores = srsly.read_json(metrics / f"{part}.json")["model"]
    cells = [f"{100 * scores[task]['strict']['micro']['f']:.1f}" for task in TASKS]
    return f"| {PARTS[part]} | {' | '.join(cells)} |"


if __name__ == "__main__":
    typer.run(main)
