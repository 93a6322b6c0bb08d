from collections.abc import Callable, Iterator

import torch
from spacy_transformers.data_classes import FullTransformerBatch, TransformerData
from thinc.api import Model, xp2torch
from transformers.utils import ModelOutput


class StateGradients:
    """Sum of the gradients that listeners send back to an encoder, by the name of the state."""

    def __init__(self, states: FullTransformerBatch) -> None:
        """Start without gradients.

        states (FullTransformerBatch): The encoder's output.
        """
        self.states = states
        self.gradients = ModelOutput()

    def __bool__(self) -> bool:
        return len(self.gradients) > 0

    def add(self, d_docs: list[TransformerData]) -> float:
        """Add the gradients of one listener.

        d_docs (list[TransformerData]): Gradients of some of the states, one entry for each doc
            with tokens.
        RETURNS (float): The sum of their squares.
        """
        squares = []
        for rows, d_doc in zip(self._rows(), d_docs, strict=True):
            for name, d_state in d_doc.model_output.items():
                gradient = xp2torch(d_state).flatten(0, 1)
                self._sum_of(name)[rows] += gradient
                squares.append((gradient**2).sum())
        # One transfer from the GPU, instead of one per doc.
        return float(sum(squares))

    def as_batch(self) -> FullTransformerBatch:
        """RETURNS (FullTransformerBatch): The gradients in the form of the encoder's output."""
        states = self.states
        return FullTransformerBatch(
            spans=states.spans,
            wordpieces=states.wordpieces,
            model_output=self.gradients,
            align=states.align,
        )

    def _sum_of(self, name: str) -> torch.Tensor:
        if name not in self.gradients:
            self.gradients[name] = torch.zeros_like(self.states.model_output[name])
        return self.gradients[name]

    def _rows(self) -> Iterator[slice]:
        start = 0
        for data in self.states.doc_data:
            if count := data.wordpieces.input_ids.size:
                yield slice(start, start + count)
                start += count


def split_states() -> Model[FullTransformerBatch, list[TransformerData]]:
    """Build a layer that splits an encoder's output by doc.

    RETURNS (Model[FullTransformerBatch, list[TransformerData]]): The layer.
    """
    return Model("split_states", forward)


def forward(
    model: Model, states: FullTransformerBatch, is_train: bool
) -> tuple[list[TransformerData], Callable[[list[TransformerData]], FullTransformerBatch]]:
    """Split the output. The backward pass adds up the gradients of its parts."""

    def backprop(d_docs: list[TransformerData]) -> FullTransformerBatch:
        gradients = StateGradients(states)
        gradients.add(d_docs)
        return gradients.as_batch()

    return states.doc_data, backprop
