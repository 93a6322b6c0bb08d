"""Engines: annotate chunks in this process, or in several."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import chain
from multiprocessing import get_context, parent_process
from threading import Thread

import torch

from .chunks import Chunk, ChunkReader
from .manifest import Part
from .parts import PartWriter

# Annotates the chunks of readers, and yields the parts in the same order.
Engine = Callable[[PartWriter, Iterable[ChunkReader]], Iterator[Part]]


def annotate_here(write_part: PartWriter, readers: Iterable[ChunkReader]) -> Iterator[Part]:
    """Annotate chunks one after the other, in this process.

    write_part (PartWriter): Annotates a chunk.
    readers (Iterable[ChunkReader]): The chunks of each source.
    YIELDS (Part): The part of each chunk.
    """
    return map(write_part, chain.from_iterable(readers))


def annotate_in_processes(
    write_part: PartWriter, readers: Iterable[ChunkReader], *, processes: int
) -> Iterator[Part]:
    """Annotate chunks in several processes.

    write_part (PartWriter): Annotates a chunk.
    readers (Iterable[ChunkReader]): The chunks of each source. This process reads them, up to two
        chunks per process ahead.
    processes (int): The number of processes.
    YIELDS (Part): The part of each chunk, in order.
    RAISES (ValueError): If a process dies.
    """
    pending: deque[tuple[Chunk, Future[Part]]] = deque()
    threads = max(1, (os.cpu_count() or 1) // processes)
    pool = ProcessPoolExecutor(
        processes,
        # Forking a process with running threads can hang.
        mp_context=get_context("spawn"),
        initializer=_prepare,
        initargs=(write_part.for_worker(), threads),
    )
    try:
        for chunk in chain.from_iterable(readers):
            pending.append((chunk, pool.submit(_work, chunk)))
            if len(pending) >= 2 * processes:
                yield pending[0][1].result()
                pending.popleft()
        while pending:
            yield pending[0][1].result()
            pending.popleft()
    except BrokenProcessPool as error:
        places = ", ".join(_place(chunk) for chunk, future in pending if not _is_done(future))
        raise ValueError(DIED.format(places=places)) from error
    finally:
        pool.shutdown(cancel_futures=True)


DIED = (
    "A worker process died, possibly because it ran out of memory. Run the same command again to "
    "go on. To use less memory, reduce the number of processes (--n-process), --batch-size or "
    "--max-length. Texts in progress: {places}."
)


def _place(chunk: Chunk) -> str:
    return f"{chunk.name} ({chunk.items[0].number} to {chunk.items[-1].number})"


def _is_done(future: Future[Part]) -> bool:
    return future.done() and future.exception() is None


def _prepare(write_part: PartWriter, threads: int) -> None:
    global _write_part
    torch.set_num_threads(threads)
    _write_part = write_part
    Thread(target=_exit_with_parent, daemon=True).start()


def _exit_with_parent() -> None:
    # A parent that is killed can't stop its workers.
    if parent := parent_process():
        parent.join()
        os._exit(1)


def _work(chunk: Chunk) -> Part:
    return _write_part(chunk)


# Set in each worker process.
_write_part: PartWriter
