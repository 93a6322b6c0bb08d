"""Tasks of Label Studio: the text of each, and the prediction for it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ..formats import jsonl
from ..formats.label_studio.field import FILE
from ..formats.label_studio.interface import Interface
from ..formats.label_studio.prediction import write_prediction
from ..formats.report import ConversionReport
from .predictor import Answer

FAILED = "that the pipeline failed on"


class _NoTextError(Exception):
    """Raised if a task has no text that can be annotated. The message describes such tasks."""


def find_texts(
    tasks: Sequence[Any], interface: Interface, *, max_length: int
) -> tuple[dict[int, str], Counter[str]]:
    """Find the texts of tasks.

    tasks (Sequence[Any]): The tasks.
    interface (Interface): The labeling interface of the project.
    max_length (int): The maximum number of characters of a text.
    RETURNS (tuple[dict[int, str], Counter[str]]): The texts by the number of their task, and the
        number of the other tasks by what is wrong with them.
    """
    texts: dict[int, str] = {}
    others: Counter[str] = Counter()
    for number, task in enumerate(tasks):
        try:
            texts[number] = _find_text(task, interface, max_length=max_length)
        except _NoTextError as error:
            others[str(error)] += 1
    return texts, others


def _find_text(task: Any, interface: Interface, *, max_length: int) -> str:
    data = task.get("data")
    text = data.get(interface.field) if isinstance(data, dict) else None
    if not isinstance(text, str) or not text.strip():
        raise _NoTextError("without a text")
    if len(text) > max_length:
        raise _NoTextError(f"with more than {max_length:,} characters")
    if FILE.fullmatch(text):
        raise _NoTextError("with the address of a file in place of a text")
    return text


def make_prediction(answer: Answer, interface: Interface, *, version: str) -> dict[str, Any]:
    """Turn the annotations of a text into a prediction.

    answer (dict[str, Any]): The annotations.
    interface (Interface): The labeling interface of the project.
    version (str): The version of the pipeline.
    RETURNS (dict[str, Any]): The prediction.
    """
    annotated = jsonl.parse(answer, "", ConversionReport())
    return write_prediction(replace(annotated, pipeline=version), interface)
