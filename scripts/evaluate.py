"""Score a trained pipeline and a frequency baseline, and print both as a table."""

from pathlib import Path
from typing import Annotated, Any

import spacy
import srsly
import typer
from frequency_baseline import FrequencyBaseline
from rich.console import Console
from rich.table import Table
from spacy.cli._util import setup_gpu
from spacy.language import Language
from spacy.tokens import Doc, DocBin

from spacy_str_encoder.evaluation import Scores, evaluate

PARTS = ("test_seen", "test_unseen", "handwritten")
TASKS = {
    "entities": "NER",
    "relations": "RC, predicted entities",
    "relations_correct_entities": "RC, correct entities",
}


def main(
    model: Annotated[Path, typer.Argument(help="The trained pipeline.")],
    corpus: Annotated[Path, typer.Argument(help="The folder with the .spacy files.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder to write.")],
    gpu_id: Annotated[int, typer.Option(help="The number of the GPU; -1 is the CPU.")] = -1,
) -> None:
    """Write the scores of each part of the corpus to OUTPUT/PART.json, and print them."""
    setup_gpu(gpu_id, silent=True)
    nlp = spacy.load(model)
    baseline = FrequencyBaseline(read_docs(nlp, corpus / "train.spacy"))
    output.mkdir(parents=True, exist_ok=True)
    for part in PARTS:
        docs = read_docs(nlp, corpus / f"{part}.spacy")
        scores = {"model": evaluate(nlp, docs), "baseline": baseline.evaluate(docs)}
        srsly.write_json(output / f"{part}.json", {"docs": len(docs), **scores})
        Console().print(make_table(f"{part} ({len(docs)} docs)", scores))


def read_docs(nlp: Language, path: Path) -> list[Doc]:
    """Read a file of docs.

    nlp (Language): The pipeline whose vocabulary they get.
    path (Path): The file.
    RETURNS (list[Doc]): The docs.
    """
    return list(DocBin().from_disk(path).get_docs(nlp.vocab))


def make_table(title: str, scores: dict[str, dict[str, Scores]]) -> Table:
    """Lay out the scores of the model beside the F1 of the baseline.

    title (str): The title.
    scores (dict[str, dict[str, dict[str, Any]]]): The scores of `model` and `baseline`.
    RETURNS (Table): The table.
    """
    table = Table(title=title, title_justify="left")
    table.add_column("strict micro scores")
    for column in ("P", "R", "F1", "baseline F1"):
        table.add_column(column, justify="right")
    for task, name in TASKS.items():
        model, baseline = scores["model"][task], scores["baseline"][task]
        table.add_row(name, *make_row(model, baseline), style="bold")
        for label, label_scores in sorted(model["per_type"].items()):
            table.add_row(f"  {label}", *make_row(label_scores, baseline["per_type"].get(label)))
    return table


def make_row(model: dict[str, Any], baseline: dict[str, Any] | None) -> list[str]:
    """Format the scores of a row.

    model (dict[str, Any]): The scores of the model.
    baseline (dict[str, Any] | None): Those of the baseline, if it has any.
    RETURNS (list[str]): The cells.
    """
    values = [model["p"], model["r"], model["f"], baseline["f"] if baseline else 0.0]
    return [f"{100 * value:.1f}" for value in values]


if __name__ == "__main__":
    typer.run(main)
