"""Layers that the header of a WebAnno TSV declares."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..report import ConversionReport
from ..uima.layers import BUILT_IN, ENTITIES, IDENTIFIER

FORMAT_LINE = re.compile(r"#FORMAT=WebAnno TSV 3(?:\.(\d+))?\s*")
LAYER_LINE = re.compile(r"#T_(SP|RL|CH)=([^|]+)\|?(.*?)\s*")
ROLE, BASE = "ROLE_", "BT_"
# Features that hold the label of most layers.
USUAL = ("value", "label")


@dataclass(frozen=True)
class Layer:
    """Layer of spans or relations that is read.

    name (str): Its name.
    label (int): The column of the label.
    attributes (dict[str, int]): The columns of the attributes of spans, by name.
    source (int | None): The column with the heads of relations; None for spans.
    base (str): The layer of the heads and tails of relations.
    """

    name: str
    label: int
    attributes: dict[str, int]
    source: int | None = None
    base: str = ""


@dataclass(frozen=True)
class Header:
    """Layers to read, and the number of all columns."""

    layers: list[Layer]
    width: int


def parse_header(lines: Sequence[str], place: str, report: ConversionReport) -> Header:
    """Parse the declarations of layers.

    lines (Sequence[str]): The lines of the file.
    place (str): The location of the file.
    report (ConversionReport): The report, to count layers and features that are not read.
    RETURNS (Header): The layers to read.
    """
    layers, width = [], 0
    for match in filter(None, map(LAYER_LINE.fullmatch, lines)):
        kind, name, declared = match.groups()
        # A layer without features has a column too.
        columns = declared.split("|")
        if layer := _parse_layer(kind, name, columns, width, place, report):
            layers.append(layer)
        width += len(columns)
    return Header(layers, width)


def _parse_layer(
    kind: str, name: str, columns: list[str], first: int, place: str, report: ConversionReport
) -> Layer | None:
    features = {feature: first + i for i, feature in _find_features(columns)}
    is_built_in = name.startswith(BUILT_IN) and not name.startswith(ENTITIES)
    if kind == "CH" or is_built_in or not features:
        reason = "layers of chains or syntax, or without a label feature"
        report.lose_other(reason, place, name)
        return None
    label = _choose_label(name, list(features), place, report)
    base = next((column for column in columns if column.startswith(BASE)), None)
    attributes = {
        feature: column
        for feature, column in features.items()
        if kind == "SP" and feature not in (label, IDENTIFIER)
    }
    for feature in columns:
        if feature not in (label, base, *attributes):
            report.lose_other("unsupported features of layers", place, f"{name}: {feature}")
    source = first + columns.index(base) if base else None
    return Layer(name, features[label], attributes, source, (base or "").removeprefix(BASE))


def _choose_label(name: str, features: list[str], place: str, report: ConversionReport) -> str:
    usual = [feature for feature in features if feature in USUAL]
    others = [feature for feature in features if feature != IDENTIFIER]
    candidates = sorted(usual, key=USUAL.index) or others or features
    if len(candidates) > 1:
        reason = "layers with several label features (the first one is read)"
        report.choose(reason, place, f"{name}: {', '.join(candidates)}")
    return candidates[0]


def _find_features(columns: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Find the columns that are features, not links to other annotations."""
    for i, column in enumerate(columns):
        is_target = i > 0 and columns[i - 1].startswith(ROLE)
        if column and not (is_target or column.startswith((ROLE, BASE))):
            yield i, column
