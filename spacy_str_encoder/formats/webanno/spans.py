"""Annotations of spans in the rows of a WebAnno TSV."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..annotated_text import AnnotationError
from .header import Layer
from .rows import Row, split_stack

# Values of booleans and numbers that nobody set.
UNSET = ("false", "0")
# The number of an annotation, or else its index in the row.
Key = str | int


@dataclass(eq=False)
class Span:
    """Annotation of a layer of spans.

    start (int): The offset of its first character.
    end (int): The offset after its last character.
    label (str | None): Its label.
    attributes (dict[str, str]): Its attributes.
    """

    start: int
    end: int
    label: str | None
    attributes: dict[str, str]


@dataclass
class Spans:
    """Annotations of a document.

    layers (set[str]): The names of the layers that are read.
    all (list[Span]): The annotations in the order of their first rows.
    by_number (dict[tuple[str, str | int], Span]): Those with a number, by layer and number.
    by_row (dict[tuple[str, str], list[Span]]): Those of each layer and row.
    """

    layers: set[str]
    all: list[Span] = field(default_factory=list)
    by_number: dict[tuple[str, Key], Span] = field(default_factory=dict)
    by_row: defaultdict[tuple[str, str], list[Span]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def read(self, row: Row, offset: tuple[int, int], layer: Layer) -> None:
        """Read the annotations of a row: new ones, and those of rows before.

        row (Row): The row.
        offset (tuple[int, int]): Its offsets in characters.
        layer (Layer): A layer of spans.
        """
        labels = _index(row.columns[layer.column])
        columns = {name: _index(row.columns[i]) for name, i in layer.attributes.items()}
        for name, values in columns.items():
            if not values.keys() <= labels.keys():
                raise AnnotationError(
                    f"{row.place}: each annotation must have a value (or *) in the column of the "
                    f"label of {layer.name}; got one in that of {name} alone"
                )
        for key, label in labels.items():
            span = self.by_number.get((layer.name, key))
            if span is None:
                span = Span(*offset, layer.get_label(label), _get_attributes(columns, key))
                self.all.append(span)
            span.start, span.end = min(span.start, offset[0]), max(span.end, offset[1])
            self.by_row[layer.name, row.id].append(span)
            if isinstance(key, str):
                self.by_number[layer.name, key] = span

    def find(self, layer: str, row: str, number: str) -> Span | None:
        """Find the head or tail of a relation.

        layer (str): The name of its layer.
        row (str): The id of one of its rows.
        number (str): Its number; "0" or empty if the layer has no other annotation in the row.
        RETURNS (Span | None): The annotation; None if there is none.
        """
        if number not in ("", "0"):
            return self.by_number.get((layer, number))
        return next(iter(self.by_row.get((layer, row), [])), None)


def _index(column: str) -> dict[Key, str | None]:
    stack = split_stack(column)
    return {number or i: value for i, (value, number) in enumerate(stack)}


def _get_attributes(columns: Mapping[str, dict[Key, str | None]], key: Key) -> dict[str, str]:
    values = {name: values.get(key) for name, values in columns.items()}
    return {name: value for name, value in values.items() if value and value not in UNSET}


def read_spans(
    rows: Sequence[Row], offsets: Sequence[tuple[int, int]], layers: Sequence[Layer]
) -> Spans:
    """Read the annotations of all rows.

    rows (Sequence[Row]): The rows.
    offsets (Sequence[tuple[int, int]]): Their offsets in characters.
    layers (Sequence[Layer]): The layers of spans.
    RETURNS (Spans): The annotations.
    """
    spans = Spans({layer.name for layer in layers})
    for row, offset in zip(rows, offsets, strict=True):
        for layer in layers:
            spans.read(row, offset, layer)
    return spans
