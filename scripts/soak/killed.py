"""Runs of annotate that are killed, and started again."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from .outcome import Outcome, compare_rows

FILE_SIZE = 10
# What the command returns if it came to its end: all is annotated, or some records are rejected.
ENDED = (0, 3)


@dataclass(frozen=True)
class Way:
    """A way to annotate an archive.

    name (str): What it is called.
    options (tuple[str, ...]): The options of the command.
    find_victims (Callable[[int], list[int]]): The processes that may be killed, by that of the
        command.
    """

    name: str
    options: tuple[str, ...]
    find_victims: Callable[[int], list[int]]


def annotate_with_kills(
    way: Way, pipeline: Path, archive: Path, folder: Path, *, kills: int, random: Random
) -> Outcome:
    """Annotate an archive, kill processes meanwhile, start again what ended by that, and compare
    what is there at the end with what a run writes that nobody disturbs.

    way (Way): How to annotate.
    pipeline (Path): The pipeline.
    archive (Path): The archive.
    folder (Path): A folder to write to.
    kills (int): How often to kill.
    random (Random): Chooses the process, and when.
    RETURNS (Outcome): The outcome.
    RAISES (RuntimeError): If a run that nobody disturbs fails.
    """
    # In the same way: other numbers of threads round otherwise.
    wait_for_end(start(pipeline, archive, folder / "unbroken", *way.options))
    output = folder / "killed"
    killed = 0
    while killed < kills:
        run = start(pipeline, archive, output, *way.options)
        if not has_new_file(run, output):
            break
        time.sleep(random.random())
        killed += kill_one(way.find_victims(run.pid), random)
        run.wait()
    wait_for_end(start(pipeline, archive, output, *way.options))
    expected = dict(read_rows(folder / "unbroken"))
    return compare_rows(f"killed: {way.name}", expected, read_rows(output), faults=killed)


def wait_for_end(run: subprocess.Popen[bytes]) -> None:
    """Wait for a run that nobody disturbs.

    run (Popen): The run.
    RAISES (RuntimeError): If it fails.
    """
    if run.wait() not in ENDED:
        raise RuntimeError(f"annotate failed with exit code {run.returncode}: {run.args!r}")


def start(pipeline: Path, archive: Path, output: Path, *options: str) -> subprocess.Popen[bytes]:
    """RETURNS (Popen): A run of annotate."""
    command = [sys.executable, "-m", "spacy_str_encoder", "annotate", str(pipeline), str(archive)]
    command += ["--output", str(output), "--part-size", str(FILE_SIZE), *options]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def has_new_file(run: subprocess.Popen[bytes], output: Path) -> bool:
    """Wait until a run has written a file.

    run (Popen): The run.
    output (Path): The folder that it writes to.
    RETURNS (bool): Whether it has; not, if it has ended.
    """
    before = set(output.glob("part-*"))
    while run.poll() is None:
        if set(output.glob("part-*")) - before:
            return True
        time.sleep(0.01)
    return False


def kill_one(victims: list[int], random: Random) -> bool:
    """Kill a process as `kill -9` does.

    victims (list[int]): The processes to choose from.
    random (Random): Chooses.
    RETURNS (bool): Whether one was there to be killed.
    """
    try:
        os.kill(random.choice(victims), signal.SIGKILL)
    except (IndexError, ProcessLookupError):
        return False
    return True


def with_children(pid: int) -> list[int]:
    """RETURNS (list[int]): A process, and those that it has started."""
    try:
        return [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]
    except OSError:
        return [pid]


def ray_actors(pid: int) -> list[int]:
    """RETURNS (list[int]): The processes in which Ray annotates, whoever has started them."""
    return [
        int(path.parent.name) for path in Path("/proc").glob("[0-9]*/cmdline") if _is_actor(path)
    ]


def _is_actor(path: Path) -> bool:
    try:
        return path.read_bytes().startswith(b"ray::MapWorker")
    except OSError:
        return False


def read_rows(output: Path) -> Iterator[tuple[Hashable, Any]]:
    """Read what was written.

    output (Path): The folder of a run.
    YIELDS (tuple[Hashable, Any]): The file and the number of a record, and what it became.
    """
    for path in [*sorted(output.glob("part-*")), output / "rejected.jsonl"]:
        for line in path.read_bytes().splitlines():
            row = json.loads(line)
            yield (row["source"], row["record"]), row


WAYS = [
    Way("one process", (), lambda pid: [pid]),
    Way("two processes", ("--n-process", "2"), with_children),
    Way("Ray, two actors", ("--engine", "ray", "--n-process", "2"), ray_actors),
]
