"""Tests of the differences between the STR-encoder and the systems that it is compared with."""

from collections.abc import Sequence

import numpy

from spacy_str_encoder.arrays import IntArray
from spacy_str_encoder.evaluation.bootstrap import Difference, compare_f
from spacy_str_encoder.evaluation.outcomes import Task

from .results import Kept

SAMPLES = 10_000


def compare(
    ours: Sequence[Kept], theirs: Sequence[Kept], part: str, task: Task
) -> Difference | None:
    """Compare the F1 of two systems by a paired bootstrap over texts.

    With several seeds, the counts of a text are summed over the seeds that both systems have. The
    interval is for other texts, not for other seeds.

    ours (Sequence[Kept]): The results of the first system, one a seed.
    theirs (Sequence[Kept]): The results of the second system.
    part (str): The part of the corpus.
    task (Task): The task.
    RETURNS (Difference | None): The F1 of the first system minus that of the second; None if one of
        them has no score.
    """
    seeds = min(len(ours), len(theirs))
    counts = [_sum_seeds(results[:seeds], part, task) for results in (ours, theirs)]
    if any(each is None for each in counts):
        return None
    first, second = (each for each in counts if each is not None)
    return compare_f(first, second, samples=SAMPLES, seed=0)


def _sum_seeds(results: Sequence[Kept], part: str, task: Task) -> IntArray | None:
    by_seed = [result["texts"][part][task] for result in results if task in result["texts"][part]]
    return numpy.sum(by_seed, axis=0, dtype="int64") if by_seed else None
