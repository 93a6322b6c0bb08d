"""Figures of a simulation: JSON lines, a table and a plot of the curves."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import fmean
from typing import TypedDict

from rich.table import Table
from spacy.tokens import Doc

from spacy_str_encoder.doc.entities import SPANS_KEY, get_gold_entities
from spacy_str_encoder.evaluation.outcomes import ALL_TASKS, Task
from spacy_str_encoder.files.whole import write_json_lines, written_whole
from spacy_str_encoder.tables import make_table

from ..figures import Figure
from ..tables.results import Kept, Spread, spread
from .rounds import WAYS, Round


class Row(TypedDict):
    """A round: its training data, and F1 on the test set by task, in percent.

    way (str): The way in which texts were chosen.
    number (int): The number of the round.
    seed (int): The random seed.
    texts (int): The number of texts.
    tokens (int): The number of tokens in them.
    entities (int): The number of gold entities in them.
    f1 (dict[str, float]): F1 by task.
    commit (str): The commit that it was trained with.
    """

    way: str
    number: int
    seed: int
    texts: int
    tokens: int
    entities: int
    f1: dict[Task, float]
    commit: str


def make_row(done: Round, result: Kept, docs: Sequence[Doc], test: str) -> Row:
    """Sum up a round.

    done (Round): The round.
    result (Kept): Its result.
    docs (Sequence[Doc]): All docs to choose from.
    test (str): The name of the test set.
    RETURNS (Row): The figures.
    """
    chosen = [docs[i] for i in done.chosen]
    return {
        "way": done.way,
        "number": done.number,
        "seed": done.trial.seed,
        "texts": len(chosen),
        "tokens": sum(map(len, chosen)),
        "entities": sum(len(get_gold_entities(doc, SPANS_KEY)) for doc in chosen),
        "f1": {task: 100 * figures["f"] for task, figures in result["scores"][test].items()},
        "commit": result["commit"],
    }


def write_figures(folder: Path, rows: Sequence[Row]) -> None:
    """Write figures.jsonl and curves.png.

    folder (Path): The folder.
    rows (Sequence[Row]): The rounds.
    """
    with written_whole(folder / "figures.jsonl") as path:
        write_json_lines(path, rows)
    with written_whole(folder / "curves.png") as path:
        draw(path, rows)


def lay_out(rows: Sequence[Row]) -> Table:
    """Lay out F1 as a table.

    rows (Sequence[Row]): The rounds.
    RETURNS (Table): The table.
    """
    sizes = sorted({row["texts"] for row in rows})
    title = "Strict micro F1 on the test set, mean ± sd"
    table = make_table(title, ["task", "texts chosen"], map(str, sizes))
    for task in _tasks(rows):
        for way in WAYS:
            found = dict(_summarize(rows, way, task))
            table.add_row(ALL_TASKS[task], way, *(str(found.get(size, "")) for size in sizes))
    for work in ("tokens", "entities"):
        for way in WAYS:
            cells = (
                f"{_mean(rows, way, size, work):,.0f}" if _find(rows, way, size) else ""
                for size in sizes
            )
            table.add_row(f"{work} in them", way, *cells)
    return table


def draw(path: Path, rows: Sequence[Row]) -> None:
    """Plot F1 against the number of annotated texts, and of the tokens in them.

    path (Path): The PNG file to write.
    rows (Sequence[Row]): The rounds.
    """
    tasks = _tasks(rows)
    figure = Figure(figsize=(4 * len(tasks), 7), layout="constrained")
    grid = figure.subplots(2, len(tasks), squeeze=False)
    for line, work in zip(grid, ("texts", "tokens"), strict=True):
        for axes, task in zip(line, tasks, strict=True):
            for way, marker in zip(WAYS, "so", strict=True):
                points = [
                    (_mean(rows, way, size, work), each.mean, each.deviation or 0)
                    for size, each in _summarize(rows, way, task)
                ]
                axes.errorbar(*zip(*points, strict=True), marker=marker, capsize=4, label=way)
            axes.set_title(ALL_TASKS[task])
            axes.set_xlabel(f"annotated {work}")
            axes.set_ylabel("strict micro F1, test (%)")
            axes.grid(alpha=0.3)
            axes.legend(title="texts chosen")
    figure.savefig(path, format="png", dpi=120)


def _tasks(rows: Sequence[Row]) -> list[Task]:
    return [task for task in ALL_TASKS if all(task in row["f1"] for row in rows)]


def _summarize(rows: Sequence[Row], way: str, task: Task) -> Iterator[tuple[int, Spread]]:
    """YIELDS (tuple[int, Spread]): The number of texts, and F1 over seeds."""
    sizes = sorted({row["texts"] for row in rows if row["way"] == way})
    for size in sizes:
        yield size, spread([row["f1"][task] for row in _find(rows, way, size)])


def _mean(rows: Sequence[Row], way: str, size: int, work: str) -> float:
    return fmean(row[work] for row in _find(rows, way, size))  # type: ignore[literal-required]


def _find(rows: Sequence[Row], way: str, size: int) -> list[Row]:
    return [row for row in rows if (row["way"], row["texts"]) == (way, size)]
