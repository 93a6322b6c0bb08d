"""Concurrent calls of one pipeline."""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context, set_start_method
from pathlib import Path
from typing import Literal

import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab

from .outcome import Outcome, compare_docs

THREADS = 8


def call_from_threads(nlp: Language, reports: Sequence[str]) -> Outcome:
    """Call a pipeline from several threads, and compare the docs with those of one thread.

    nlp (Language): The pipeline.
    reports (Sequence[str]): The reports to annotate.
    RETURNS (Outcome): The outcome.
    """
    expected = [nlp(report) for report in reports]
    with ThreadPoolExecutor(max_workers=THREADS) as pool:
        found = list(pool.map(nlp, reports))
    return compare_docs(f"{THREADS} threads, one pipeline", expected, found)


def pipe_in_processes(
    nlp: Language, pipeline: Path, reports: Sequence[str], method: Literal["fork", "spawn"]
) -> Outcome:
    """Run `nlp.pipe` in two processes, and compare with one.

    nlp (Language): The pipeline.
    pipeline (Path): The folder of the pipeline.
    reports (Sequence[str]): The reports to annotate.
    method (Literal["fork", "spawn"]): The start method of processes.
    RETURNS (Outcome): The outcome.
    """
    # The start method can only be set once per process, so it is set in a new one.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        content = pool.submit(_pipe, str(pipeline), list(reports), method).result()
    found = DocBin().from_bytes(content).get_docs(Vocab())
    return compare_docs(f"nlp.pipe(n_process=2), {method}", nlp.pipe(reports), found)


def _pipe(pipeline: str, reports: list[str], method: str) -> bytes:
    set_start_method(method, force=True)
    docs: list[Doc] = list(spacy.load(pipeline).pipe(reports, n_process=2, batch_size=16))
    return DocBin(docs=docs, store_user_data=True).to_bytes()
