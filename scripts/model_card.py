"""Copy a trained pipeline, with a name, a version and a model card in its meta data."""

import shutil
from pathlib import Path
from typing import Annotated

import srsly
import typer

from spacy_str_encoder.evaluation import TASKS

NOTES = """## What it is
Finds entities (BodyPart, Location, Degree, Quantifier, Negation) and relations (Position, Modifier,
Percentage, Negative) in Chinese coronary arteriography findings, with one small BERT, by the
STR-encoder method (Xue et al. 2019, arXiv 1908.07721).

**Not for clinical use.** It was trained on generated sentences, from fresh weights, to show how
such a pipeline is built. No patient's text was used, and no clinician has validated it.

## Trained on
560 generated sentences in the manner of coronary arteriography reports.

## Figures
Strict micro F1: boundaries, types, label and direction must all be right. "Unseen" sentences have
words or shapes that the training data lacks; "handwritten" ones were not generated at all.

| | {tasks} |
|---|---|---|---|
{rows}
"""
PARTS = {"test_seen": "seen", "test_unseen": "unseen", "handwritten": "handwritten"}


def main(
    model: Annotated[Path, typer.Argument(help="The trained pipeline.")],
    metrics: Annotated[Path, typer.Argument(help="The folder with the scores.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder to write.")],
    name: Annotated[str, typer.Option(help="The name of the package, without language.")],
    version: Annotated[str, typer.Option(help="The version of the package.")],
) -> None:
    """Write the pipeline, with its name, version, licence and model card, to OUTPUT."""
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
