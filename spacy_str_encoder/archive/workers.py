"""Worker processes. A text that kills its process is found, and does not stop the others."""

import os
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from multiprocessing import get_context, parent_process
from threading import Thread
from typing import Any

import torch

from ..files.entries import Entry, Rejection
from .chunks import Chunk
from .manifest import Part
from .parts import PartWriter

# Forking a process with running threads can hang.
CONTEXT = get_context("spawn")
FATAL = "its process died, also when it was annotated alone (did it need too much memory?)"
DIED = (
    "A worker process died, possibly because it ran out of memory. Run the same command again to "
    "go on. To use less memory, reduce the number of processes (--n-process), --batch-size or "
    "--max-length. Texts in progress: {name} ({first} to {last})."
)


class Workers:
    """Processes that annotate chunks."""

    def __init__(self, write_part: PartWriter, *, processes: int, threads: int) -> None:
        """Start the processes.

        write_part (PartWriter): Annotates a chunk.
        processes (int): The number of processes.
        threads (int): The number of threads per process.
        """
        # The number of the text that a single process is annotating.
        self.current = CONTEXT.Value("q", 0)
        self._start: Callable[[], ProcessPoolExecutor] = lambda: ProcessPoolExecutor(
            processes,
            mp_context=CONTEXT,
            initializer=_prepare,
            initargs=(write_part.for_worker(), threads, self.current),
        )
        self._pool = self._start()

    def submit(self, chunk: Chunk) -> Future[Part]:
        """Let a process annotate a chunk.

        chunk (Chunk): The chunk.
        RETURNS (Future[Part]): The part.
        RAISES (BrokenProcessPool): If a process has died.
        """
        return self._pool.submit(_work, chunk)

    def restart(self) -> None:
        """Replace the processes after one has died."""
        self.stop()
        self._pool = self._start()

    def stop(self) -> None:
        """Stop the processes."""
        self._pool.shutdown(cancel_futures=True)


def result_of(future: Future[Part] | None) -> Part | None:
    """Wait for a part.

    future (Future[Part] | None): The part; None if it could not be submitted.
    RETURNS (Part | None): The part; None if a process has died.
    """
    try:
        return future.result() if future is not None else None
    except BrokenProcessPool:
        return None


def annotate_alone(write_part: PartWriter, chunks: list[Chunk], *, threads: int) -> list[Part]:
    """Annotate chunks, one of which may have killed a process, in a process of their own. If it
    dies too, the texts are annotated one at a time, and those that kill their process are rejected.

    write_part (PartWriter): Annotates a chunk.
    chunks (list[Chunk]): The chunks.
    threads (int): The number of threads of the process.
    RETURNS (list[Part]): The part of each chunk.
    RAISES (ValueError): If the process dies before it begins with a text.
    """
    worker = Workers(write_part, processes=1, threads=threads)
    parts = []
    try:
        for chunk in chunks:
            part = result_of(worker.submit(chunk))
            if part is None:
                worker.stop()
                part = _annotate_one_by_one(write_part, chunk, threads=threads)
                worker.restart()
            parts.append(part)
    finally:
        worker.stop()
    return parts


def _annotate_one_by_one(write_part: PartWriter, chunk: Chunk, *, threads: int) -> Part:
    worker = Workers(replace(write_part, batch_size=1), processes=1, threads=threads)
    try:
        while (part := result_of(worker.submit(chunk))) is None:
            if not (number := worker.current.value):
                first, last = chunk.items[0].number, chunk.items[-1].number
                raise ValueError(DIED.format(name=chunk.name, first=first, last=last))
            chunk = _reject(chunk, number)
            worker.current.value = 0
            worker.restart()
        return part
    finally:
        worker.stop()


def _reject(chunk: Chunk, number: int) -> Chunk:
    items = [
        Rejection(number, FATAL, item.text)
        if isinstance(item, Entry) and item.number == number
        else item
        for item in chunk.items
    ]
    return replace(chunk, items=items)


def _prepare(write_part: PartWriter, threads: int, current: Any) -> None:
    global _write_part, _current
    torch.set_num_threads(threads)
    _write_part, _current = write_part, current
    Thread(target=_exit_with_parent, daemon=True).start()


def _exit_with_parent() -> None:
    # A parent that is killed can't stop its workers.
    if parent := parent_process():
        parent.join()
        os._exit(1)


def _work(chunk: Chunk) -> Part:
    return _write_part(chunk, begin=_begin)


def _begin(number: int) -> None:
    _current.value = number


# Set in each worker process.
_write_part: PartWriter
_current: Any
