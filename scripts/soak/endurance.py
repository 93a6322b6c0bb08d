"""Many texts in a row, and the memory that they take."""

import ctypes
import os
from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from pathlib import Path

from matplotlib.figure import Figure
from spacy.language import Language

PAGES_PER_MB = 2**20 / os.sysconf("SC_PAGE_SIZE")


def watch_memory(
    nlp: Language, reports: Sequence[str], *, documents: int, every: int
) -> Iterator[tuple[int, float]]:
    """Annotate reports, over and over again.

    nlp (Language): The pipeline.
    reports (Sequence[str]): The reports.
    documents (int): How many to annotate in all.
    every (int): How often to look at the memory, in documents.
    YIELDS (tuple[int, float]): How many are annotated, and the resident memory in MB.
    """
    docs = nlp.pipe(islice(cycle(reports), documents))
    for number, _ in enumerate(docs, start=1):
        if number % every == 0:
            yield number, resident_memory()


def resident_memory() -> float:
    """RETURNS (float): The memory that this process holds, in MB, without what glibc keeps for
    later, which depends on the order in which large and small pieces were needed. Linux only.
    """
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    return int(Path("/proc/self/statm").read_text().split()[1]) / PAGES_PER_MB


def plot_memory(points: Sequence[tuple[int, float]], path: Path) -> None:
    """Draw memory against documents.

    points (Sequence[tuple[int, float]]): How many are annotated, and the memory in MB.
    path (Path): The PNG file to write.
    """
    figure = Figure(figsize=(6, 3), layout="constrained")
    axes = figure.subplots()
    axes.plot(*zip(*points, strict=True))
    axes.set(xlabel="documents", ylabel="resident memory (MB)", ylim=(0, None))
    figure.savefig(path, dpi=100)
