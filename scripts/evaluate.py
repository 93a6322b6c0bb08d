"""Score a trained pipeline beside a frequency baseline, and print both as tables."""

from pathlib import Path
from typing import Annotated

import spacy
import srsly
import typer
from rich.console import Console

from spacy_str_encoder.evaluation import find_outcomes, lay_out, make_report
from spacy_str_encoder.formats.docbin import read_docbin

from .frequency_baseline import FrequencyBaseline

PARTS = ("test_seen", "test_unseen", "handwritten")


def main(
    model: Annotated[Path, typer.Argument(help="The trained pipeline.")],
    corpus: Annotated[Path, typer.Argument(help="The folder with the .spacy files.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder to write.")],
    gpu_id: Annotated[int, typer.Option(help="The number of the GPU; -1 is the CPU.")] = -1,
) -> None:
    """Write the scores of each part of the corpus to OUTPUT/PART.json, and print them."""
    if gpu_id >= 0:
        spacy.require_gpu(gpu_id)
    nlp = spacy.load(model)
    baseline = FrequencyBaseline(read_docbin(corpus / "train.spacy", nlp.vocab))
    output.mkdir(parents=True, exist_ok=True)
    console = Console()
    for part in PARTS:
        docs = list(read_docbin(corpus / f"{part}.spacy", nlp.vocab))
        report = make_report(find_outcomes(nlp, docs), baseline.find_outcomes(docs))
        srsly.write_json(output / f"{part}.json", report)
        console.print(f"{part} (the other model is a frequency baseline)", style="bold")
        for block in lay_out(report):
            console.print(block)


if __name__ == "__main__":
    typer.run(main)
