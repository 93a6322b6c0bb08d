"""Runs of annotate that are killed and restarted."""

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
# Exit codes of finished runs: all texts are annotated, or some are rejected.
ENDED = (0, 3)


@dataclass(frozen=True)
class Way:
    """Way to annotate an archive.

    name (str): Its name.
    options (tuple[str, ...]): The options of the command.
    find_victims (Callable[[int], list[int]]): Finds the processes that may be killed, given the
        process of the command.
    """

    name: str
    options: tuple[str, ...]
    find_victims: Callable[[int], list[int]]


def annotate_with_kills(
    way: Way, pipeline: Path, archive: Path, folder: Path, *, kills: int, random: Random
) -> Outcome:
    """Annotate an archive, kill and restart runs meanwhile, and compare the output with that of an
    undisturbed run.

    way (Way): The way to annotate.
    pipeline (Path): The pipeline.
    archive (Path): The archive.
    folder (Path): A folder for the output of both runs.
    kills (int): The number of kills.
    random (Random): Draws the process to kill, and the time.
    RETURNS (Outcome): The outcome.
    RAISES (RuntimeError): If an undisturbed run fails.
    """
    # Annotated the same way, because rounding depends on the number of threads.
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
    """Wait for an undisturbed run.

    run (Popen): The run.
    RAISES (RuntimeError): If the run fails.
    """
    if run.wait() not in ENDED:
        raise RuntimeError(f"annotate failed with exit code {run.returncode}: {run.args!r}")


def start(pipeline: Path, archive: Path, output: Path, *options: str) -> subprocess.Popen[bytes]:
    """RETURNS (Popen): A new run of annotate."""
    command = [sys.executable, "-m", "spacy_str_encoder", "annotate", str(pipeline), str(archive)]
    command += ["--output", str(output), "--part-size", str(FILE_SIZE), *options]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def has_new_file(run: subprocess.Popen[bytes], output: Path) -> bool:
    """Wait until a run has written a file, or has ended.

    run (Popen): The run.
    output (Path): The output folder.
    RETURNS (bool): Whether there is a new file; False if the run has ended.
    """
    before = set(output.glob("part-*"))
    while run.poll() is None:
        if set(output.glob("part-*")) - before:
            return True
        time.sleep(0.01)
    return False


def kill_one(victims: list[int], random: Random) -> bool:
    """Kill a process like `kill -9`.

    victims (list[int]): The processes to choose from.
    random (Random): Draws the process.
    RETURNS (bool): Whether a process was killed.
    """
    try:
        os.kill(random.choice(victims), signal.SIGKILL)
    except (IndexError, ProcessLookupError):
        return False
    return True


def with_children(pid: int) -> list[int]:
    """RETURNS (list[int]): A process and its children."""
    try:
        return [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]
    except OSError:
        return [pid]


def ray_actors(pid: int) -> list[int]:
    """RETURNS (list[int]): The processes of all Ray actors on this machine."""
    return [
        int(path.parent.name) for path in Path("/proc").glob("[0-9]*/cmdline") if _is_actor(path)
    ]


def _is_actor(path: Path) -> bool:
    try:
        return path.read_bytes().startswith(b"ray::MapWorker")
    except OSError:
        return False


def read_rows(output: Path) -> Iterator[tuple[Hashable, Any]]:
    """Read the output of a run.

    output (Path): The output folder.
    YIELDS (tuple[Hashable, Any]): The source and the number of a text, and its row in the output.
    """
    for path in [*sorted(output.glob("part-*")), output / "rejected.jsonl"]:
        for line in path.read_bytes().splitlines():
            row = json.loads(line)
            yield (row["source"], row["number"]), row


WAYS = [
    Way("one process", (), lambda pid: [pid]),
    Way("two processes", ("--n-process", "2"), with_children),
    Way("Ray, two actors", ("--engine", "ray", "--n-process", "2"), ray_actors),
]
