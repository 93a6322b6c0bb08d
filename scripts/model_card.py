"""Copy a trained pipeline and add a name, a version and a model card to its meta data."""

import shutil
from pathlib import Path
from typing import Annotated

import srsly
import typer

from spacy_str_encoder.evaluation import TASKS

NOTES = """## Overview
Finds entities (BodyPart, Location, Degree, Quantifier, Negation) and relations (Position, Modifier,
Percentage, Negative) in Chinese coronary arteriography findings, with one small BERT, by the
STR-encoder method (Xue et al. 2019, arXiv 1908.07721).

**Not for clinical use.** It was trained from fresh weights on generated sentences, to show how to
build such a pipeline. No patient texts were used, and no clinician has validated it.

## Training data
560 generated sentences in the style of coronary arteriography reports.

## Scores
Strict micro F1: boundaries, types, label and direction must all be correct. "Unseen" sentences have
words or patterns that the training data lacks; "handwritten" sentences were not generated.

| | {tasks} |
|---|---|---|---|
{rows}
"""
PARTS = {"test_seen": "seen", "test_unseen": "unseen", "handwritten": "handwritten"}


def main(
    model: Annotated[Path, typer.Argument(help="Trained pipeline.")],
    metrics: Annotated[Path, typer.Argument(help="Folder with its scores.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Output folder.")],
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
    """Format the scores on a part of the corpus.

    metrics (Path): The folder with the scores.
    part (str): The name of the part.
    RETURNS (str): A row of a Markdown table.
    """
    scores = srsly.read_json(metrics / f"{part}.json")["model"]
    cells = [f"{100 * scores[task]['strict']['micro']['f']:.1f}" for task in TASKS]
    return f"| {PARTS[part]} | {' | '.join(cells)} |"


if __name__ == "__main__":
    typer.run(main)
