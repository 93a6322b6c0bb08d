"""Measure the speed of a pipeline, and estimate what a target needs."""

from collections.abc import Iterable, Sequence
from math import ceil
from statistics import median_low
from typing import TypedDict

from spacy.language import Language

from .machine import Machine, describe_machine
from .stages import Clock, read_clock, time_stages
from .texts import Texts


class Speed(TypedDict):
    """Texts or characters per second.

    median (float): That of the median round.
    lowest (float): That of the slowest round.
    highest (float): That of the fastest round.
    """

    median: float
    lowest: float
    highest: float


class Target(TypedDict):
    """Number of processes for a number of texts per second.

    texts_per_second (int): The target.
    processes (int): The number of cores or GPUs, each with a process.
    """

    texts_per_second: int
    processes: int


class Report(TypedDict):
    """The output of the command `benchmark`.

    machine (Machine): The machine.
    texts (int): The number of texts that are annotated in each round.
    characters (int): The number of their characters.
    rejected (dict[str, int]): The number of other texts by reason.
    batch_size (int): The number of texts per batch.
    rounds (int): The number of rounds.
    texts_per_second (Speed): Texts per second.
    characters_per_second (Speed): Characters per second.
    seconds (dict[str, float]): The seconds of each component in the median round, of the tokenizer
        before and of the rest after them.
    target (Target | None): What the target needs, if there is one.
    """

    machine: Machine
    texts: int
    characters: int
    rejected: dict[str, int]
    batch_size: int
    rounds: int
    texts_per_second: Speed
    characters_per_second: Speed
    seconds: dict[str, float]
    target: Target | None


def measure(
    nlp: Language,
    texts: Texts,
    *,
    rounds: Iterable[int],
    batch_size: int,
    gpu_id: int = -1,
    target: int | None = None,
    clock: Clock = read_clock,
) -> Report:
    """Annotate texts several times. Reading and writing files is not measured.

    nlp (Language): The pipeline, warmed up.
    texts (Texts): The texts.
    rounds (Iterable[int]): An item for each round, at least one.
    batch_size (int): The number of texts per batch.
    gpu_id (int): The ID of the GPU that the pipeline is on; -1 for the CPU.
    target (int | None): The texts per second to plan for, if any.
    clock (Callable[[], float]): Tells the time.
    RETURNS (Report): The speed.
    """
    times = [time_stages(nlp, texts.texts, batch_size=batch_size, clock=clock) for _ in rounds]
    totals = [sum(stages.values()) for stages in times]
    characters = sum(map(len, texts.texts))
    speed = _find_speed(len(texts.texts), totals)
    return {
        "machine": describe_machine(nlp, gpu_id=gpu_id),
        "texts": len(texts.texts),
        "characters": characters,
        "rejected": dict(texts.rejected),
        "batch_size": batch_size,
        "rounds": len(times),
        "texts_per_second": speed,
        "characters_per_second": _find_speed(characters, totals),
        "seconds": times[totals.index(median_low(totals))],
        "target": None if target is None else _plan(target, speed),
    }


def _find_speed(count: int, totals: Sequence[float]) -> Speed:
    return {
        "median": count / median_low(totals),
        "lowest": count / max(totals),
        "highest": count / min(totals),
    }


def _plan(target: int, speed: Speed) -> Target:
    return {"texts_per_second": target, "processes": ceil(target / speed["median"])}
