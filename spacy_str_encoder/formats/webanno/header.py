"""Layers that the header of a WebAnno TSV declares."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..annotated_text import AnnotationError
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
    column (int): The column of the label; the first one if there is none.
    label (str | None): The label of all annotations if there is no column of it.
    attributes (dict[str, int]): The columns of the attributes of spans, by name.
    source (int | None): The column with the heads of relations; None for spans.
    base (str): The layer of the heads and tails of relations.
    """

    name: str
    column: int
    label: str | None
    attributes: dict[str, int]
    source: int | None = None
    base: str = ""

    def get_label(self, value: str | None) -> str | None:
        """Get the label of an annotation.

        value (str | None): The value in the column.
        RETURNS (str | None): The label; None if it is missing.
        """
        return self.label or value


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
    RAISES (AnnotationError): If a layer of relations does not name its layer of spans.
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
    if kind == "CH" or is_built_in:
        report.lose_other("layers of chains or syntax", place, name)
        return None
    label = _choose_label(name, list(features), place, report)
    base = next((column for column in columns if column.startswith(BASE)), None)
    if kind == "RL" and base is None:
        raise AnnotationError(
            f"{place}: a layer of relations must have a column {BASE} that names the layer of "
            f"their heads and tails; got {name}|{'|'.join(columns)}"
        )
    attributes = {
        feature: column
        for feature, column in features.items()
        if kind == "SP" and feature not in (label, IDENTIFIER)
    }
    for feature in columns:
        if feature and feature not in (label, base, *attributes):
            report.lose_other("unsupported features of layers", place, f"{name}: {feature}")
    source = first + columns.index(base) if base else None
    column = features[label] if label else first
    fixed = None if label else name.rpartition(".")[2]
    return Layer(name, column, fixed, attributes, source, (base or "").removeprefix(BASE))


def _choose_label(
    name: str, features: list[str], place: str, report: ConversionReport
) -> str | None:
    usual = [feature for feature in features if feature in USUAL]
    others = [feature for feature in features if feature != IDENTIFIER]
    candidates = sorted(usual, key=USUAL.index) or others or features
    if len(candidates) > 1:
        reason = "layers with several label features (the first one is read)"
        report.choose(reason, place, f"{name}: {', '.join(candidates)}")
    if not candidates:
        reason = "layers without a label feature (the label is the name of the layer)"
        report.choose(reason, place, name)
    return next(iter(candidates), None)


def _find_features(columns: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Find the columns that are features, not links to other annotations."""
    for i, column in enumerate(columns):
        is_target = i > 0 and columns[i - 1].startswith(ROLE)
        if column and not (is_target or column.startswith((ROLE, BASE))):
            yield i, column
