"""Run a pipeline one component after the other, and time each.

In `nlp.pipe`, the generators of all components are interleaved, so that no time belongs to one of
them. Here a batch leaves a component before it enters the next, with the same work and docs.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from time import perf_counter

import torch
from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import minibatch

# Tells the time in seconds.
Clock = Callable[[], float]
# Beside the names of components.
TOKENIZER, OTHER = "tokenizer", "other"


def read_clock() -> float:
    """Read the clock once the GPU, if one is in use, has done its work.

    RETURNS (float): The time in seconds.
    """
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()
    return perf_counter()


class Laps:
    """Sums of laps by name. No time is left out between two laps."""

    def __init__(self, clock: Clock) -> None:
        """Start the first lap.

        clock (Callable[[], float]): Tells the time.
        """
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._clock = clock
        self._last = clock()

    def end(self, name: str) -> None:
        """End a lap, and start the next one.

        name (str): The name of the lap that ends.
        """
        now = self._clock()
        self.seconds[name] += now - self._last
        self._last = now


def time_stages(
    nlp: Language, texts: Sequence[str], *, batch_size: int, clock: Clock = read_clock
) -> dict[str, float]:
    """Annotate texts once, in memory that is freed at the end as in `annotate`.

    nlp (Language): The pipeline.
    texts (Sequence[str]): The texts.
    batch_size (int): The number of texts per batch.
    clock (Callable[[], float]): Tells the time.
    RETURNS (dict[str, float]): The seconds of the tokenizer, of each component, and of the rest, in
        this order. Their sum is the time of the whole.
    """
    laps = Laps(clock)
    with nlp.memory_zone():
        for batch in minibatch(texts, batch_size):
            _annotate_batch(nlp, batch, laps)
    laps.end(OTHER)
    return {name: laps.seconds[name] for name in (TOKENIZER, *nlp.pipe_names, OTHER)}


def _annotate_batch(nlp: Language, batch: Sequence[str], laps: Laps) -> None:
    laps.end(OTHER)
    docs = [nlp.make_doc(text) for text in batch]
    laps.end(TOKENIZER)
    for name, component in nlp.pipeline:
        docs = list(_run(component, docs))
        laps.end(name)


def _run(component: Callable[[Doc], Doc], docs: list[Doc]) -> Iterable[Doc]:
    if hasattr(component, "pipe"):
        piped: Iterable[Doc] = component.pipe(docs, batch_size=len(docs))
        return piped
    return map(component, docs)
