"""Worker processes: one that dies is replaced, and all end with their parent."""

import logging
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from socket import socket
from threading import Thread

# Forking a process with running threads can hang.
CONTEXT = get_context("spawn")
# The exit code of a worker that would fail again, as of uvicorn.
STARTUP_FAILURE = 3
# Seconds until a signal is noticed where it does not end a wait: on Windows.
TICK = 0.2
logger = logging.getLogger("uvicorn.error")


def run_workers(work: Callable[[], None], count: int, *, listening: socket) -> bool:
    """Run worker processes until this process is told to stop, and let them finish.

    work (Callable): The work of each. It can be pickled.
    count (int): The number of processes.
    listening (socket): The socket that they share. It is closed when this process is told to stop:
        connections are refused once no process has it open.
    RETURNS (bool): Whether all of them could start.
    """
    told, tell = CONTEXT.Pipe(duplex=False)
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda *_: tell.send_bytes(b"stop"))
    workers = [_start(work) for _ in range(count)]
    try:
        return _watch(workers, work, told)
    finally:
        listening.close()
        for worker in workers:
            worker.terminate()
        for worker in workers:
            worker.join()


def _watch(workers: list[SpawnProcess], work: Callable[[], None], told: Connection) -> bool:
    while not told.poll():
        wait([told, *(worker.sentinel for worker in workers)], timeout=TICK)
        for i, worker in enumerate(workers):
            if worker.exitcode == STARTUP_FAILURE:
                return False
            if worker.exitcode is not None and not told.poll():
                logger.error("Worker process [%s] has died and is replaced.", worker.pid)
                workers[i] = _start(work)
    return True


def _start(work: Callable[[], None]) -> SpawnProcess:
    worker = CONTEXT.Process(target=_run, args=(work,))
    worker.start()
    return worker


def _run(work: Callable[[], None]) -> None:
    Thread(target=_end_with_parent, daemon=True).start()
    # Ctrl-C reaches all processes of a terminal.
    with suppress(KeyboardInterrupt):
        work()


def _end_with_parent() -> None:
    # A parent that is killed can't stop its workers.
    if parent := parent_process():
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
