"""Terms whose vectors are similar to that of an entity: the means of an encoder's output."""

import numpy
from numpy.typing import NDArray
from spacy.tokens import Doc, Span
from thinc.util import to_numpy

from ..doc.states import get_states
from .fuzzy import Match
from .strings import Arrays

Vectors = NDArray[numpy.float32]
# The terms to find; some may be of the same code.
NEAREST = 20


class TermVectors:
    """Vectors of terms around their mean, all of length 1."""

    def __init__(self, mean: Vectors, vectors: NDArray[numpy.float16]) -> None:
        """Initialize the vectors.

        mean (NDArray[float32]): The mean of the output over all terms. It says nothing of any.
            *Shape:* (width,).
        vectors (NDArray[float16]): The vectors. *Shape:* (terms, width).
        """
        self.mean, self.vectors = mean, vectors
        self._matrix = vectors.astype("float32")

    @classmethod
    def from_output(cls, output: Vectors) -> "TermVectors":
        """Make vectors of the mean output for each term.

        output (NDArray[float32]): The means. *Shape:* (terms, width).
        RETURNS (TermVectors): The vectors.
        """
        mean = output.mean(0)
        return cls(mean, _to_length_one(output - mean).astype("float16"))

    def find(self, output: Vectors, threshold: float) -> list[Match]:
        """Find similar terms.

        output (NDArray[float32]): The mean output for an entity. *Shape:* (width,).
        threshold (float): The minimum score.
        RETURNS (list[Match]): The terms.
        """
        scores = self._matrix @ _to_length_one(output - self.mean)
        nearest = numpy.argsort(-scores, kind="stable")[:NEAREST].tolist()
        matches = (Match(term, min(1.0, float(scores[term]))) for term in nearest)
        return [match for match in matches if match.score >= threshold]

    def compare(self, output: Vectors, term: int) -> float:
        """Compare the vector of a term with a new one.

        output (NDArray[float32]): The mean output. *Shape:* (width,).
        term (int): The number of the term.
        RETURNS (float): Their similarity.
        """
        return float(self._matrix[term] @ _to_length_one(output - self.mean))

    def to_arrays(self) -> dict[str, NDArray]:
        """RETURNS (dict[str, NDArray]): The arrays by name."""
        return {"mean": self.mean, "vectors": self.vectors}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> "TermVectors | None":
        """RETURNS (TermVectors | None): The vectors of `to_arrays`; None if there are none."""
        return cls(arrays["mean"], arrays["vectors"]) if "vectors" in arrays else None


def _to_length_one(vectors: Vectors) -> Vectors:
    lengths = numpy.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / numpy.maximum(lengths, 1e-9)


def mean_output(span: Doc | Span) -> Vectors:
    """Compute the mean of an encoder's output over a span.

    span (Doc | Span): The span.
    RETURNS (NDArray[float32]): The mean over its pieces. *Shape:* (width,).
    RAISES (ValueError): If the doc has no output of an encoder, or that of other tokens.
    """
    doc, start = (span, 0) if isinstance(span, Doc) else (span.doc, span.start)
    states = get_states(doc)
    if states is None or len(states.align.lengths) != len(doc):
        raise ValueError(NO_STATES)
    ends = numpy.cumsum(to_numpy(states.align.lengths))
    begin, end = (0 if i == 0 else ends[i - 1] for i in (start, start + len(span)))
    pieces = to_numpy(states.align.dataXd)[begin:end].reshape(-1)
    state = states.model_output["last_hidden_state"]
    rows = state.reshape(-1, state.shape[-1])[pieces]
    return to_numpy(rows).mean(0).astype("float32") if len(pieces) else numpy.zeros(rows.shape[-1:])


NO_STATES = (
    "A doc has no encoder output of its tokens, which the vectors of str_codes are compared with. "
    "Put the component behind the encoder, and before components that merge or split tokens and "
    "before 'str_cleaner': nlp.add_pipe('str_codes', before='str_cleaner')."
)
