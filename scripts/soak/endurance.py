"""Memory while many texts are annotated in a row."""

import os
from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from pathlib import Path

from matplotlib.figure import Figure
from spacy.language import Language

from spacy_str_encoder.serving.memory import release_free_memory

PAGES_PER_MB = 2**20 / os.sysconf("SC_PAGE_SIZE")


def watch_memory(
    nlp: Language, reports: Sequence[str], *, documents: int, every: int
) -> Iterator[tuple[int, float]]:
    """Annotate reports repeatedly, and measure the memory.

    nlp (Language): The pipeline.
    reports (Sequence[str]): The reports.
    documents (int): The total number of documents to annotate.
    every (int): The number of documents between two measurements.
    YIELDS (tuple[int, float]): The number of annotated documents, and the resident memory in MB.
    """
    docs = nlp.pipe(islice(cycle(reports), documents))
    for number, _ in enumerate(docs, start=1):
        if number % every == 0:
            yield number, resident_memory()


def resident_memory() -> float:
    """RETURNS (float): The resident memory of this process in MB. Memory that glibc keeps for later
    is released first: its size depends on the order of allocations. Linux only.
    """
    release_free_memory()
    return int(Path("/proc/self/statm").read_text().split()[1]) / PAGES_PER_MB


def plot_memory(points: Sequence[tuple[int, float]], path: Path) -> None:
    """Plot memory against documents.

    points (Sequence[tuple[int, float]]): The number of annotated documents, and the memory in MB.
    path (Path): The PNG file to write.
    """
    figure = Figure(figsize=(6, 3), layout="constrained")
    axes = figure.subplots()
    axes.plot(*zip(*points, strict=True))
    axes.set(xlabel="documents", ylabel="resident memory (MB)", ylim=(0, None))
    figure.savefig(path, dpi=100)
