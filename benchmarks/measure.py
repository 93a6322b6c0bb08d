"""Times two things in turn, so that what else the machine does befalls both."""

import ctypes
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import torch

Work = Callable[[], Any]


@dataclass(frozen=True)
class Result:
    """A measured figure.

    name (str): What was measured.
    value (float): The median.
    low (float): The first quartile.
    high (float): The third quartile.
    floor (float | None): What multiply-adds alone would give, if that can be said.
    target (str): What it has to be.
    unit (str): Its unit; a ratio has none.
    """

    name: str
    value: float
    low: float
    high: float
    floor: float | None
    target: str
    unit: str = ""

    @property
    def is_met(self) -> bool:
        """RETURNS (bool): Whether the median is within the target."""
        relation, bound = self.target.split()
        return self.value <= float(bound) if relation == "≤" else self.value >= float(bound)


def seconds(work: Work) -> float:
    """RETURNS (float): How long something takes, what a GPU still does about it included."""
    synchronize()
    start = perf_counter()
    work()
    synchronize()
    return perf_counter() - start


def synchronize() -> None:
    """Wait for the GPU, if there is one."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def ratio(
    name: str,
    work: Work,
    other: Work,
    *,
    target: str,
    floor: float | None = None,
    repeats: int = 7,
    scale: float = 1.0,
) -> Result:
    """Time two things in turn, and divide the times.

    name (str): What is measured.
    work (Callable): What is above the line.
    other (Callable): What is below it.
    target (str): What the ratio has to be, as `≤ 1.9`.
    floor (float | None): The ratio of multiply-adds.
    repeats (int): How many times each is timed, after once that is not.
    scale (float): How much more the one below the line does than the one above.
    RETURNS (Result): The median of the ratios, and their quartiles.
    """
    work(), other()
    ratios = [scale * seconds(work) / seconds(other) for _ in range(repeats)]
    low, median, high = statistics.quantiles(ratios, n=4, method="inclusive")
    return Result(name, median, low, high, floor, target)


def memory_above(work: Work, *, on_gpu: bool) -> float:
    """Find how much memory something needs while it runs.

    work (Callable): What to run.
    on_gpu (bool): Whether it runs on the GPU, and its memory counts.
    RETURNS (float): Megabytes at the peak, above what was in use before.
    """
    if on_gpu:
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        work()
        return (torch.cuda.max_memory_allocated() - before) / 1e6
    # What was freed before must not be used again unseen.
    ctypes.CDLL(None).malloc_trim(0)
    # Linux then starts the high-water mark anew.
    Path("/proc/self/clear_refs").write_text("5")
    before = _status_kilobytes("VmRSS")
    work()
    return (_status_kilobytes("VmHWM") - before) / 1e3


def _status_kilobytes(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))
