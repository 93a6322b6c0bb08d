"""Annotation layers that a project of INCEpTION defines."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..report import ConversionReport
from ..scores import GIVEN_ENTITIES, SCORE
from .layer import Connected, Labeled, Layer
from .links import READ, find_links, is_of_links, read_link
from .types import (
    ENTITY,
    ENTITY_WITH_ATTRIBUTES,
    FLOAT,
    HEAD,
    POSITION,
    PRIMITIVES,
    RELATION,
    STRING,
    TAIL,
)

# Prefixes of built-in types. Of these, only entities are read: no sentences, syntax, coreference or
# data about the project.
BUILT_IN = ("uima.", "org.apache.uima.", "de.tudarmstadt.ukp.", "org.dkpro.core.")
ENTITIES = ENTITY.removesuffix("NamedEntity")
# The entry of an entity in a knowledge base: nearly each entity has another one.
IDENTIFIER = "identifier"
# The feature of entities with their score. It has a number if an attribute has the same name.
SCORE_FEATURE = re.compile(rf"{SCORE}(_\d+)?")
# Features that cassis renames.
RENAMED = {"type_": "type", "self_": "self"}


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
            links = find_links(annotation)
            relations += self._read_links(annotation, links, place)
            features = (*layer.attributes.values(), *layer.scores.values())
            read = (layer.label, HEAD, TAIL, *POSITION, *features, *links)
            self._report_unread(annotation, read, place)
        return spans, relations

    def _read_links(
        self, annotation: Any, links: Mapping[str, list[Any]], place: str
    ) -> Iterator[Connected]:
        for feature, found in links.items():
            for link in found:
                self._report_unread(link, READ, place)
                yield read_link(annotation, feature, link)

    def _get(self, type_: Any, place: str) -> Layer | None:
        if type_.name not in self._known:
            self._known[type_.name] = self._analyze(type_, place)
        return self._known[type_.name]

    def _analyze(self, type_: Any, place: str) -> Layer | None:
        if type_.name.startswith(BUILT_IN) and not type_.name.startswith(ENTITIES):
            return None
        ranges = {feature.name: feature.rangeType.name for feature in type_.all_features}
        if is_of_links(ranges):
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
        scores = find_scores(type_.name, ranges)
        attributes = {} if is_relation else _name_attributes(ranges, label)
        attributes = {name: key for name, key in attributes.items() if key not in scores.values()}
        return Layer(type_.name.rpartition(".")[2], label, is_relation, attributes, scores)

    def _report_unread(self, annotation: Any, read: Collection[str | None], place: str) -> None:
        for feature in annotation.type.all_features:
            name = f"{annotation.type.name}: {feature.name}"
            if feature.name not in read and name not in self._unread:
                value = annotation[feature.name]
                # Several values are stored in an array, which may be empty.
                if getattr(value, "elements", value):
                    self._unread.add(name)
                    self.report.lose_other("unsupported features of layers", place, name)


def find_scores(name: str, ranges: Mapping[str, str]) -> dict[str, str]:
    """Find the features with the scores of predictions, in layers that `writer.py` writes.

    name (str): The name of the annotation type.
    ranges (Mapping[str, str]): The ranges of its features.
    RETURNS (dict[str, str]): The features by the name of the score.
    """
    floats = [each for each, range_ in ranges.items() if range_ == FLOAT]
    if name == RELATION:
        return {each: each for each in (SCORE, GIVEN_ENTITIES) if each in floats}
    found = [each for each in floats if SCORE_FEATURE.fullmatch(each)]
    return {SCORE: found[0]} if found and name == ENTITY_WITH_ATTRIBUTES else {}


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
