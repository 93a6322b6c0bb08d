"""Score a trained pipeline and a frequency baseline, and print both as tables."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from spacy_str_encoder.cli.errors import errors_as_one_line
from spacy_str_encoder.cli.prepare import prepare
from spacy_str_encoder.evaluation import find_outcomes, lay_out, make_report
from spacy_str_encoder.files.docbin import read_docbin
from spacy_str_encoder.files.whole import write_json, written_whole
from spacy_str_encoder.loading import fingerprint, load_pipeline

from .frequency_baseline import FrequencyBaseline

PARTS = ("test_seen", "test_unseen", "handwritten")


def main(
    model: Annotated[Path, typer.Argument(help="Trained pipeline.")],
    corpus: Annotated[Path, typer.Argument(help="Folder with the .spacy files.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Output folder.")],
    gpu_id: Annotated[int, typer.Option(help="Number of the GPU; -1 for the CPU.")] = -1,
) -> None:
    """Write the scores of each part of the corpus to OUTPUT/PART.json, and print them."""
    with errors_as_one_line():
        outputs = [output / f"{part}.json" for part in PARTS]
        prepare(gpu_id=gpu_id, inputs=[], outputs=outputs)
        nlp = load_pipeline(str(model))
        train, *tests = (
            list(read_docbin(corpus / f"{part}.spacy", nlp.vocab)) for part in ("train", *PARTS)
        )
    baseline = FrequencyBaseline(train)
    console = Console()
    for part, docs, path in zip(PARTS, tests, outputs, strict=True):
        report = make_report(find_outcomes(nlp, docs), baseline.find_outcomes(docs))
        report["pipeline"] = fingerprint(nlp)
        with written_whole(path) as unfinished:
            write_json(unfinished, report)
        console.print(f"{part} (the other model is a frequency baseline)", style="bold")
        for block in lay_out(report):
            console.print(block)


if __name__ == "__main__":
    typer.run(main)
