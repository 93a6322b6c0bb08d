"""Measure times and memory. Two functions are timed in turn, so that other load affects both."""

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
    """Result of a benchmark.

    name (str): The name.
    value (float | None): The median; None if it could not be measured on this machine.
    low (float | None): The first quartile.
    high (float | None): The third quartile.
    floor (float | None): The ratio of multiply-adds, if it can be computed.
    target (str): The target, such as `≤ 1.9`.
    unit (str): The unit; empty for a ratio.
    """

    name: str
    value: float | None
    low: float | None
    high: float | None
    floor: float | None
    target: str
    unit: str = ""

    @property
    def is_met(self) -> bool:
        """RETURNS (bool): Whether the median meets the target, as far as it was measured."""
        if self.value is None:
            return True
        relation, bound = self.target.split()
        return self.value <= float(bound) if relation == "≤" else self.value >= float(bound)


def seconds(work: Work) -> float:
    """Time a function, including pending work on the GPU.

    work (Callable): The function.
    RETURNS (float): The time in seconds.
    """
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
    """Time two functions in turn, and divide their times.

    name (str): The name of the benchmark.
    work (Callable): The function in the numerator.
    other (Callable): The function in the denominator.
    target (str): The target of the ratio, such as `≤ 1.9`.
    floor (float | None): The ratio of multiply-adds.
    repeats (int): The number of measurements, after one warm-up.
    scale (float): Factor by which `other` does more work than `work`.
    RETURNS (Result): The median and quartiles of the ratio.
    """
    work(), other()
    ratios = [scale * seconds(work) / seconds(other) for _ in range(repeats)]
    low, median, high = statistics.quantiles(ratios, n=4, method="inclusive")
    return Result(name, median, low, high, floor, target)


def share(name: str, percent: Callable[[], float], *, target: str, repeats: int = 7) -> Result:
    """Measure a share.

    name (str): The name of the benchmark.
    percent (Callable): Function that measures the share once, in percent.
    target (str): The target.
    repeats (int): The number of measurements, after one warm-up.
    RETURNS (Result): The median and quartiles.
    """
    percent()
    shares = [percent() for _ in range(repeats)]
    low, median, high = statistics.quantiles(shares, n=4, method="inclusive")
    return Result(name, median, low, high, None, target)


def not_measured(name: str, target: str) -> Result:
    """Report a benchmark that needs units that this machine does not have.

    name (str): The name of the benchmark.
    target (str): The target.
    RETURNS (Result): A result without figures.
    """
    return Result(name, None, None, None, None, target)


def memory_above(work: Work, *, on_gpu: bool) -> float:
    """Measure the peak memory of a function.

    work (Callable): The function.
    on_gpu (bool): Whether to measure the memory of the GPU.
    RETURNS (float): The peak in MB, above the memory in use before.
    """
    if on_gpu:
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        work()
        return (torch.cuda.max_memory_allocated() - before) / 1e6
    # Return free memory to the system, since its reuse would not be measured.
    ctypes.CDLL(None).malloc_trim(0)
    # Reset the peak in Linux.
    Path("/proc/self/clear_refs").write_text("5")
    before = _status_kilobytes("VmRSS")
    work()
    return (_status_kilobytes("VmHWM") - before) / 1e3


def _status_kilobytes(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))
