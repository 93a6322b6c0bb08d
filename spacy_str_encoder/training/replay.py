"""Passing over updates that an earlier process has made, so that all counters, schedules and
batches of spaCy's loop get where they were."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from spacy.language import Language

from .state import State

Evaluate = Callable[[], tuple[float, Any]]


class Replay:
    """Stands for the pipeline in spaCy's loop. Up to the update of a saved state it does nothing,
    and repeats the recorded scores and losses; then it restores the state."""

    def __init__(self, nlp: Language, state: State, restore: Callable[[], None]) -> None:
        """Start before the first update.

        nlp (Language): The pipeline.
        state (State): The state; a new one if there is nothing to pass over.
        restore (Callable[[], None]): Function that restores the state.
        """
        self.nlp = nlp
        self.restore = restore
        self.recorded = {each.step: each for each in state.evaluations}
        self.last_step = state.step
        self.step = -1

    @property
    def is_past(self) -> bool:
        """RETURNS (bool): Whether an earlier process has made this update."""
        return self.step <= self.last_step

    @property
    def pipeline(self) -> list[tuple[str, Any]]:
        """RETURNS (list[tuple[str, Any]]): The components for the optimizer to update."""
        return [] if self.is_past else self.nlp.pipeline

    def use_params(self, params: dict[Any, Any]) -> Any:
        """Use other parameters, see `Language.use_params`.

        params (dict[tuple[int, str], FloatsXd]): The parameters.
        RETURNS (ContextManager): A context manager.
        """
        return self.nlp.use_params(params)

    def count(self, batches: Iterable[Any]) -> Iterator[Any]:
        """Count the updates.

        batches (Iterable[Any]): A batch for each update.
        YIELDS (Any): The batches.
        """
        for self.step, batch in enumerate(batches):
            yield batch

    def update(self, examples: Any, *, losses: dict[str, float], **options: Any) -> None:
        """Update the pipeline, or repeat the recorded losses.

        examples (Iterable[Example]): The batch.
        losses (dict[str, float]): The losses to update.
        **options: Other arguments of `Language.update`.
        """
        if not self.is_past:
            self.nlp.update(examples, losses=losses, **options)
        elif self.step in self.recorded:
            losses.update(self.recorded[self.step].losses)

    def evaluating(self, evaluate: Evaluate) -> Evaluate:
        """Make the callback that evaluates, or repeats the recorded scores.

        evaluate (Callable[[], tuple[float, dict[str, Any]]]): spaCy's callback.
        RETURNS (Callable[[], tuple[float, dict[str, Any]]]): The callback.
        """

        def evaluate_or_repeat() -> tuple[float, Any]:
            if not self.is_past:
                return evaluate()
            if self.step == self.last_step:
                self.restore()
            recorded = self.recorded[self.step]
            return recorded.score, recorded.other_scores

        return evaluate_or_repeat
