"""Engines: annotate chunks in this process, or in several."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from itertools import chain

from .chunks import Chunk, ChunkReader
from .manifest import Part
from .parts import PartWriter
from .workers import Workers, annotate_alone, result_of

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
    """Annotate chunks in several processes. If one dies, the texts in progress are annotated in
    another one, and those that kill this one too are rejected.

    write_part (PartWriter): Annotates a chunk.
    readers (Iterable[ChunkReader]): The chunks of each source. This process reads them, up to two
        chunks per process ahead.
    processes (int): The number of processes.
    YIELDS (Part): The part of each chunk, in order.
    RAISES (ValueError): If a process dies for another reason than its texts.
    """
    threads = max(1, (os.cpu_count() or 1) // processes)
    workers = Workers(write_part, processes=processes, threads=threads)
    pending: deque[tuple[Chunk, Future[Part] | None]] = deque()
    try:
        for chunk in chain.from_iterable(readers):
            pending.append((chunk, _submit(workers, chunk)))
            if len(pending) >= 2 * processes:
                yield from _take(pending, workers, write_part, threads)
        while pending:
            yield from _take(pending, workers, write_part, threads)
    finally:
        workers.stop()


def _submit(workers: Workers, chunk: Chunk) -> Future[Part] | None:
    """RETURNS (Future[Part] | None): The part; None if a process has died, see `_take`."""
    try:
        return workers.submit(chunk)
    except BrokenProcessPool:
        return None


def _take(
    pending: deque[tuple[Chunk, Future[Part] | None]],
    workers: Workers,
    write_part: PartWriter,
    threads: int,
) -> Iterator[Part]:
    """YIELDS (Part): The part of the first chunk; those of all chunks if a process has died."""
    if (part := result_of(pending[0][1])) is not None:
        pending.popleft()
        yield part
        return
    parts = [result_of(future) for _, future in pending]
    undone = [chunk for (chunk, _), part in zip(pending, parts, strict=True) if part is None]
    # Its memory is needed.
    workers.stop()
    repeated = iter(annotate_alone(write_part, undone, threads=threads))
    pending.clear()
    workers.restart()
    yield from (part or next(repeated) for part in parts)
