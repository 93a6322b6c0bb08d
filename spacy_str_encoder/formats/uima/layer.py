"""One annotation layer of INCEpTION: spans or relations, and the features that are read."""

from dataclasses import dataclass, field
from typing import Any

from .types import HEAD, TAIL


@dataclass(frozen=True)
class Labeled:
    """Span.

    annotation (Any): The annotation of dkpro-cassis.
    label (str | None): Its label.
    attributes (dict[str, str]): Its attributes: the values of its other features.
    scores (dict[str, float]): Its scores by name, if it is a prediction.
    """

    annotation: Any
    label: str | None
    attributes: dict[str, str]
    scores: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Connected:
    """Relation, or link of a span.

    head (Any): The annotation of dkpro-cassis that it begins at; None if there is none.
    tail (Any): The annotation that it ends at; None if there is none.
    label (str | None): Its label.
    source (str): The name of its layer, and of the feature with the link.
    is_link (bool): Whether it is a link.
    scores (dict[str, float]): Its scores by name, if it is a prediction.
    """

    head: Any
    tail: Any
    label: str | None
    source: str
    is_link: bool = False
    scores: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Layer:
    """Layer to read.

    name (str): The label of all of its annotations, if no feature holds the label.
    label (str | None): The feature that holds the label.
    is_relation (bool): Whether the layer holds relations; otherwise it holds spans.
    attributes (dict[str, str]): The features that are attributes of spans, by name of attribute.
    scores (dict[str, str]): The features that are scores of predictions, by name of score.
    """

    name: str
    label: str | None
    is_relation: bool
    attributes: dict[str, str] = field(default_factory=dict)
    scores: dict[str, str] = field(default_factory=dict)

    def read_span(self, annotation: Any) -> Labeled:
        """Read a span of this layer.

        annotation (Any): The annotation of dkpro-cassis.
        RETURNS (Labeled): The annotation with its label and attributes.
        """
        values = {name: annotation[feature] for name, feature in self.attributes.items()}
        attributes = {name: _to_string(value) for name, value in values.items() if value}
        return Labeled(
            annotation, self._get_label(annotation), attributes, self._get_scores(annotation)
        )

    def read_relation(self, annotation: Any) -> Connected:
        """Read a relation of this layer.

        annotation (Any): The annotation of dkpro-cassis.
        RETURNS (Connected): The relation.
        """
        ends = annotation[HEAD], annotation[TAIL]
        label, scores = self._get_label(annotation), self._get_scores(annotation)
        return Connected(*ends, label, annotation.type.name, scores=scores)

    def _get_scores(self, annotation: Any) -> dict[str, float]:
        # A feature that nobody set is 0.
        return {name: value for name, key in self.scores.items() if (value := annotation[key])}

    def _get_label(self, annotation: Any) -> str | None:
        return annotation[self.label] if self.label else self.name


def _to_string(value: Any) -> str:
    return "true" if value is True else str(value)
