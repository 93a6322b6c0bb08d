"""Field of the text in the tasks of a file of Label Studio, for tasks that do not show it."""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from ..annotated_text import AnnotationError, errors_at
from ..archives import AnyPath
from ..reading import read_items
from ..report import ConversionReport
from .annotation import choose_annotation
from .field import decide_field, get_strings
from .regions import select_regions


def find_usual_field(files: Iterable[AnyPath], *, predictions: bool) -> str | None:
    """Find the field that the regions of most tasks fit.

    files (Iterable[Path | zipfile.Path]): The files of an export.
    predictions (bool): Whether predictions are read in place of annotations.
    RETURNS (str | None): The field of the data; None if no task shows it.
    """
    fields = Counter(_decide_fields(files, predictions=predictions))
    return max(fields, key=lambda field: fields[field], default=None)


def _decide_fields(files: Iterable[AnyPath], *, predictions: bool) -> Iterator[str]:
    # What is wrong with a task is told when it is read.
    report = ConversionReport(skip_bad=True)
    for file in files:
        for place, item in read_items(file, report):
            field = None
            with suppress(AnnotationError), errors_at(place):
                field = _decide_field(item, place, report, predictions=predictions)
            if field is not None:
                yield field


def _decide_field(
    item: Any, place: str, report: ConversionReport, *, predictions: bool
) -> str | None:
    annotation = choose_annotation(item, place, report, predictions=predictions)
    if annotation is None:
        return None
    return decide_field(get_strings(item["data"]), select_regions(annotation["result"]))
