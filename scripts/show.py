"""Show the predictions of a trained pipeline for two report sentences, and its scores."""

from pathlib import Path
from typing import Annotated

import spacy
import srsly
import typer
from rich.console import Console
from rich.table import Table
from spacy.tokens import Doc

from spacy_str_encoder.doc.entities import get_entities
from spacy_str_encoder.doc.records import key_values
from spacy_str_encoder.evaluation import TASKS
from spacy_str_encoder.loading import entity_group

SENTENCES = (
    "左主干未见明显狭窄，前降支近段局限性狭窄约70％，血流TIMI 3级。",
    "约30-40％的狭窄位于回旋支中段；右冠状动脉近段、中段弥漫性轻度钙化。",
)


def main(
    model: Annotated[Path, typer.Argument(help="Trained pipeline.")],
    metrics: Annotated[Path, typer.Argument(help="Folder with its scores.")],
) -> None:
    """Print entities, relations, records and scores."""
    nlp = spacy.load(model)
    console = Console()
    for doc in nlp.pipe(SENTENCES):
        console.print(f"\n{doc.text}", style="bold")
        console.print(entity_table(doc, entity_group(nlp)))
        console.print(relation_table(doc))
        pairs = (f"{key} = {value}" for key, value in key_values(doc._.records))
        console.print("Records:", "; ".join(pairs))
    console.print(score_table(metrics))


def entity_table(doc: Doc, spans_key: str | None) -> Table:
    """List the entities of a doc.

    doc (Doc): The doc.
    spans_key (str | None): The span group that holds the entities; `doc.ents` if None.
    RETURNS (Table): The table.
    """
    table = Table("entity", "label", "probability")
    for entity in get_entities(doc, spans_key):
        table.add_row(entity.text, entity.label_, f"{entity._.score:.3f}")
    return table


def relation_table(doc: Doc) -> Table:
    """List the relations of a doc.

    doc (Doc): The doc.
    RETURNS (Table): The table.
    """
    table = Table("head", "relation", "tail", "probability")
    for relation in doc._.relations:
        head, tail = relation.head.text, relation.tail.text
        table.add_row(head, relation.label, tail, f"{relation.score:.3f}")
    return table


def score_table(metrics: Path) -> Table:
    """List the F1 scores on every part of the corpus.

    metrics (Path): The folder with the scores.
    RETURNS (Table): The table.
    """
    table = Table("strict micro F1", *TASKS.values())
    for part in ("test_seen", "test_unseen", "handwritten"):
        scores = srsly.read_json(metrics / f"{part}.json")["model"]
        micro = (scores[task]["strict"]["micro"] for task in TASKS)
        table.add_row(part, *(f"{100 * figures['f']:.1f}" for figures in micro))
    return table


if __name__ == "__main__":
    typer.run(main)
