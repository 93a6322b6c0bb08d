"""Annotation layers that a project of INCEpTION defines."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..report import ConversionReport
from .types import ENTITY, HEAD, PRIMITIVES, STRING, TAIL

# Prefixes of built-in types. Of these, only entities are read: no sentences, syntax, coreference or
# data about the project.
BUILT_IN = ("uima.", "org.apache.uima.", "de.tudarmstadt.ukp.", "org.dkpro.core.")
ENTITIES = ENTITY.removesuffix("NamedEntity")
POSITION = ("sofa", "begin", "end")
# The entry of an entity in a knowledge base: nearly each entity has another one.
IDENTIFIER = "identifier"
# Features that cassis renames.
RENAMED = {"type_": "type", "self_": "self"}


@dataclass(frozen=True)
class Labeled:
    """Span or relation.

    annotation (Any): The annotation of dkpro-cassis.
    label (str | None): Its label.
    attributes (dict[str, str]): The attributes of a span: the values of its other features.
    """

    annotation: Any
    label: str | None
    attributes: dict[str, str]


@dataclass(frozen=True)
class Layer:
    """Layer to read.

    name (str): The label of all of its annotations, if no feature holds the label.
    label (str | None): The feature that holds the label.
    is_relation (bool): Whether the layer holds relations; otherwise it holds spans.
    attributes (dict[str, str]): The features that are attributes of spans, by name of attribute.
    """

    name: str
    label: str | None
    is_relation: bool
    attributes: dict[str, str] = field(default_factory=dict)

    def read(self, annotation: Any) -> Labeled:
        """Read an annotation of this layer.

        annotation (Any): The annotation of dkpro-cassis.
        RETURNS (Labeled): The annotation with its label and attributes.
        """
        values = {name: annotation[feature] for name, feature in self.attributes.items()}
        attributes = {name: _to_string(value) for name, value in values.items() if value}
        label = annotation[self.label] if self.label else self.name
        return Labeled(annotation, label, attributes)


def _to_string(value: Any) -> str:
    return "true" if value is True else str(value)


@dataclass
class Layers:
    """Layers by annotation type, and a report of what is not read (once per layer or feature).

    report (ConversionReport): The report.
    """

    report: ConversionReport
    _known: dict[str, Layer | None] = field(default_factory=dict, init=False)
    _unread: set[str] = field(default_factory=set, init=False)

    def select(self, annotations: Iterable[Any], place: str) -> tuple[list[Labeled], list[Labeled]]:
        """Select the spans and relations among annotations.

        annotations (Iterable[Any]): The annotations of a document.
        place (str): The location of the document, for the report.
        RETURNS (tuple[list[Labeled], list[Labeled]]): The spans, and the relations.
        """
        spans: list[Labeled] = []
        relations: list[Labeled] = []
        for annotation in annotations:
            layer = self._get(annotation.type, place)
            if layer is not None:
                self._report_unread(annotation, layer, place)
                selected = relations if layer.is_relation else spans
                selected.append(layer.read(annotation))
        return spans, relations

    def _get(self, type_: Any, place: str) -> Layer | None:
        if type_.name not in self._known:
            self._known[type_.name] = self._analyze(type_, place)
        return self._known[type_.name]

    def _analyze(self, type_: Any, place: str) -> Layer | None:
        if type_.name.startswith(BUILT_IN) and not type_.name.startswith(ENTITIES):
            return None
        ranges = {feature.name: feature.rangeType.name for feature in type_.all_features}
        labels = [name for name, range_ in ranges.items() if range_ == STRING]
        if not _is_flat(ranges):
            reason = "layers with neither spans nor relations"
            self.report.lose_other(reason, place, type_.name)
            return None
        if not labels:
            reason = "layers without a string feature (the label is the name of the layer)"
            self.report.choose(reason, place, type_.name)
        usual = [name for name in ("value", "label") if name in labels]
        if len(usual or labels) > 1:
            reason = "layers with several label features (the first one is read)"
            self.report.choose(reason, place, f"{type_.name}: {', '.join(usual or labels)}")
        label, is_relation = next(iter(usual or labels), None), {HEAD, TAIL} <= ranges.keys()
        attributes = {} if is_relation else _name_attributes(ranges, label)
        return Layer(type_.name.rpartition(".")[2], label, is_relation, attributes)

    def _report_unread(self, annotation: Any, layer: Layer, place: str) -> None:
        for feature in annotation.type.all_features:
            name = f"{annotation.type.name}: {feature.name}"
            read = (layer.label, HEAD, TAIL, *POSITION, *layer.attributes.values())
            if feature.name not in read and name not in self._unread:
                value = annotation[feature.name]
                # Links to other annotations are stored in an array, which may be empty.
                if getattr(value, "elements", value):
                    self._unread.add(name)
                    self.report.lose_other("unsupported features of layers", place, name)


def _name_attributes(ranges: Mapping[str, str], label: str | None) -> dict[str, str]:
    """Name the features that are attributes. cassis adds an underscore to some of them."""
    features = [name for name, range_ in ranges.items() if range_ in PRIMITIVES]
    names = {feature: RENAMED.get(feature, feature) for feature in features}
    known = (label, IDENTIFIER, *POSITION)
    return {names[feature]: feature for feature in features if feature not in known}


def _is_flat(ranges: Mapping[str, str]) -> bool:
    """Check that a layer has a position and plain values only, with no links of a chain."""
    values = [range_ for name, range_ in ranges.items() if name not in (HEAD, TAIL)]
    is_value = (range_.startswith("uima.cas.") for range_ in values)
    return set(POSITION) <= ranges.keys() and all(is_value)
