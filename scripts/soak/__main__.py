"""Command of the stress tests: `python -m scripts.soak`."""

import tempfile
import warnings
from collections.abc import Iterator
from functools import reduce
from operator import add
from pathlib import Path
from random import Random
from time import perf_counter
from typing import Annotated

import hypothesis
import typer
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from rich.console import Console
from rich.table import Table
from spacy.language import Language

from spacy_str_encoder.cli.errors import errors_as_one_line
from spacy_str_encoder.loading import load_pipeline

from .any_text import LONG, TEXTS, annotate_anything, lengthen
from .at_once import call_from_threads, pipe_in_processes
from .endurance import plot_memory, watch_memory
from .killed import WAYS, annotate_with_kills
from .outcome import Outcome
from .reports import draw_reports, read_sentences, write_archive
from .service import soak_service
from .windows import Agreement, compare_windows

# Shares of the time for killed runs and for arbitrary texts. The rest is for many texts in a row.
KILLS_SHARE, TEXTS_SHARE = 0.5, 0.1
KILLS, REPORTS, BAD = 3, 200, 20
DOCUMENTS, EVERY = 20_000, 500
REQUESTS = 20_000
# The length of reports that fit into one window of an encoder with 512 positions, and their number.
FITTING, FITTED = 480, 40


def main(
    pipeline: Annotated[Path, typer.Argument(help="Trained pipeline.")] = Path(
        "training/model-best"
    ),
    corpus: Annotated[Path, typer.Option(help="Folder of JSON files with texts.")] = Path(
        "assets/coronary"
    ),
    minutes: Annotated[float, typer.Option(min=0, help="Approximate duration in minutes.")] = 10,
    seed: Annotated[int, typer.Option(help="Random seed.")] = 0,
    requests: Annotated[int, typer.Option(min=10, help="Requests to a service.")] = REQUESTS,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the plot.")] = Path(
        "metrics"
    ),
) -> None:
    """Count the annotations that a pipeline loses, repeats or changes under stress."""
    warnings.simplefilter("ignore")
    random = Random(seed)
    with errors_as_one_line():
        nlp = load_pipeline(str(pipeline))
        sentences = read_sentences(corpus)
        outcomes = [
            *soak_archives(pipeline, sentences, 60 * KILLS_SHARE * minutes, random),
            *soak_callers(nlp, pipeline, draw_reports(sentences, REPORTS, random)),
            soak_texts(nlp, 60 * TEXTS_SHARE * minutes, random),
        ]
        served, memory = soak_service(nlp, pipeline, sentences, requests=requests)
        outcomes.append(served)
        points = list(watch_memory(nlp, sentences, documents=DOCUMENTS, every=EVERY))
        near, far = soak_windows(nlp, sentences, random)
    output.mkdir(parents=True, exist_ok=True)
    plot_memory(points, output / "memory.png")
    show(outcomes, points, memory, near, far)
    raise typer.Exit(0 if all(outcome.is_flawless for outcome in outcomes) else 1)


def soak_archives(
    pipeline: Path, sentences: list[str], seconds: float, random: Random
) -> list[Outcome]:
    """Annotate archives in every way and kill processes, until the time is over."""
    outcomes: dict[str, Outcome] = {}
    for _ in _rounds(seconds):
        for way in WAYS:
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name)
                reports = draw_reports(sentences, REPORTS, random)
                write_archive(folder / "archive.jsonl", reports, bad=BAD, random=random)
                outcome = annotate_with_kills(
                    way,
                    pipeline,
                    folder / "archive.jsonl",
                    folder,
                    kills=KILLS,
                    random=random,
                )
            known = outcomes.get(outcome.check)
            outcomes[outcome.check] = outcome if known is None else known + outcome
    return list(outcomes.values())


def soak_callers(nlp: Language, pipeline: Path, reports: list[str]) -> list[Outcome]:
    """Call a pipeline from several threads and processes."""
    processes = [pipe_in_processes(nlp, pipeline, reports, way) for way in ("fork", "spawn")]
    return [call_from_threads(nlp, reports), *processes]


def soak_texts(nlp: Language, seconds: float, random: Random) -> Outcome:
    """Annotate arbitrary texts until the time is over, then a long one."""
    outcomes: list[Outcome] = []

    @hypothesis.seed(random.random())
    @hypothesis.settings(
        max_examples=5,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=[*HealthCheck],
    )
    @hypothesis.given(st.lists(TEXTS, min_size=1, max_size=30))
    def annotate(texts: list[str]) -> None:
        outcomes.append(annotate_anything(nlp, texts, random))

    for _ in _rounds(seconds):
        annotate()
    long = lengthen("".join(chr(random.randint(0x20, 0xD7FF)) for _ in range(1000)), LONG)
    return reduce(add, [*outcomes, annotate_anything(nlp, [long], random)])


def soak_windows(
    nlp: Language, sentences: list[str], random: Random
) -> tuple[Agreement, Agreement]:
    """Compare predictions in one window and in many, near window borders and elsewhere."""
    reports = ["".join(random.sample(sentences, 100))[:FITTING] for _ in range(FITTED)]
    near, far = zip(*(compare_windows(nlp, report) for report in reports), strict=True)
    return reduce(add, near), reduce(add, far)


def show(
    outcomes: list[Outcome],
    points: list[tuple[int, float]],
    memory: list[tuple[int, float]],
    near: Agreement,
    far: Agreement,
) -> None:
    """Print the results."""
    table = Table("", "documents", "faults", "lost", "duplicated", "differing")
    for each in outcomes:
        counts = (each.documents, each.faults, each.lost, each.duplicated, each.differing)
        table.add_row(each.check, *(f"{count:,}" for count in counts))
    console = Console()
    console.print(table)
    (first, start), (last, end) = points[len(points) // 10], points[-1]
    console.print(f"Memory: {start:.0f} MB after {first:,} documents, {end:.0f} MB after {last:,}.")
    (first, start), (last, end) = memory[0], memory[-1]
    console.print(f"Service: {start:.0f} MB after {first:,} requests, {end:.0f} MB after {last:,}.")
    console.print(
        f"Same predictions in one window and in many: near a border {near}, elsewhere {far}."
    )


def _rounds(seconds: float) -> Iterator[None]:
    """Start at least one round, and more until the time is over."""
    end = perf_counter() + seconds
    yield
    while perf_counter() < end:
        yield


if __name__ == "__main__":
    typer.run(main)
