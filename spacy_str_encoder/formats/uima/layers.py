"""Annotation layers that a project of INCEpTION defines."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..report import ConversionReport
from .types import ENTITY, HEAD, PRIMITIVES, ROLE, STRING, TAIL, TARGET

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
    """Span.

    annotation (Any): The annotation of dkpro-cassis.
    label (str | None): Its label.
    attributes (dict[str, str]): Its attributes: the values of its other features.
    """

    annotation: Any
    label: str | None
    attributes: dict[str, str]


@dataclass(frozen=True)
class Connected:
    """Relation, or link of a span.

    head (Any): The annotation of dkpro-cassis that it begins at; None if there is none.
    tail (Any): The annotation that it ends at; None if there is none.
    label (str | None): Its label.
    source (str): The name of its layer, and of the feature with the link.
    is_link (bool): Whether it is a link.
    """

    head: Any
    tail: Any
    label: str | None
    source: str
    is_link: bool = False


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

    def read_span(self, annotation: Any) -> Labeled:
        """Read a span of this layer.

        annotation (Any): The annotation of dkpro-cassis.
        RETURNS (Labeled): The annotation with its label and attributes.
        """
        values = {name: annotation[feature] for name, feature in self.attributes.items()}
        attributes = {name: _to_string(value) for name, value in values.items() if value}
        return Labeled(annotation, self._get_label(annotation), attributes)

    def read_relation(self, annotation: Any) -> Connected:
        """Read a relation of this layer.

        annotation (Any): The annotation of dkpro-cassis.
        RETURNS (Connected): The relation.
        """
        ends = annotation[HEAD], annotation[TAIL]
        return Connected(*ends, self._get_label(annotation), annotation.type.name)

    def _get_label(self, annotation: Any) -> str | None:
        return annotation[self.label] if self.label else self.name


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

    def select(
        self, annotations: Iterable[Any], place: str
    ) -> tuple[list[Labeled], list[Connected]]:
        """Select the spans and relations among annotations. Links of spans are relations too.

        annotations (Iterable[Any]): The annotations of a document.
        place (str): The location of the document, for the report.
        RETURNS (tuple[list[Labeled], list[Connected]]): The spans, and the relations.
        """
        spans: list[Labeled] = []
        relations: list[Connected] = []
        for annotation in annotations:
            layer = self._get(annotation.type, place)
            if layer is None:
                continue
            if layer.is_relation:
                relations.append(layer.read_relation(annotation))
            else:
                spans.append(layer.read_span(annotation))
            links = _find_links(annotation)
            relations += self._read_links(annotation, links, place)
            read = (layer.label, HEAD, TAIL, *POSITION, *layer.attributes.values(), *links)
            self._report_unread(annotation, read, place)
        return spans, relations

    def _read_links(
        self, annotation: Any, links: Mapping[str, list[Any]], place: str
    ) -> Iterator[Connected]:
        for feature, found in links.items():
            for link in found:
                source, label = f"{annotation.type.name}: {feature}", link[ROLE] or feature
                self._report_unread(link, (ROLE, TARGET), place)
                yield Connected(annotation, link[TARGET], label, source, is_link=True)

    def _get(self, type_: Any, place: str) -> Layer | None:
        if type_.name not in self._known:
            self._known[type_.name] = self._analyze(type_, place)
        return self._known[type_.name]

    def _analyze(self, type_: Any, place: str) -> Layer | None:
        if type_.name.startswith(BUILT_IN) and not type_.name.startswith(ENTITIES):
            return None
        ranges = {feature.name: feature.rangeType.name for feature in type_.all_features}
        if ranges.keys() >= {ROLE, TARGET} and not ranges.keys() >= set(POSITION):
            return None  # read with the span that has the link
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

    def _report_unread(self, annotation: Any, read: Collection[str | None], place: str) -> None:
        for feature in annotation.type.all_features:
            name = f"{annotation.type.name}: {feature.name}"
            if feature.name not in read and name not in self._unread:
                value = annotation[feature.name]
                # Several values are stored in an array, which may be empty.
                if getattr(value, "elements", value):
                    self._unread.add(name)
                    self.report.lose_other("unsupported features of layers", place, name)


def _find_links(annotation: Any) -> dict[str, list[Any]]:
    """Find the links of an annotation to others, by the name of the feature."""
    values = {each.name: annotation[each.name] for each in annotation.type.all_features}
    arrays = {name: getattr(value, "elements", None) or [] for name, value in values.items()}
    return {name: found for name, found in arrays.items() if found and all(map(_is_link, found))}


def _is_link(value: Any) -> bool:
    return hasattr(value, ROLE) and hasattr(value, TARGET)


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
