"""Tasks of Label Studio: the text of each, and the prediction for it."""

from dataclasses import replace
from typing import Any

from ..formats import jsonl
from ..formats.label_studio.field import FILE
from ..formats.label_studio.interface import Interface
from ..formats.label_studio.prediction import write_prediction
from ..formats.report import ConversionReport
from .predictor import Answer

FAILED = "that the pipeline failed on"


class NoTextError(Exception):
    """Raised if a task has no text that can be annotated. The message says what tasks these are."""


def find_text(task: Any, interface: Interface, *, max_length: int) -> str:
    """Find the text of a task.

    task (Any): The task.
    interface (Interface): The labeling interface of the project.
    max_length (int): The maximum number of characters of a text.
    RETURNS (str): The text.
    RAISES (NoTextError): If there is none, or it is too long.
    """
    data = task.get("data")
    text = data.get(interface.field) if isinstance(data, dict) else None
    if not isinstance(text, str) or not text.strip():
        raise NoTextError("without a text")
    if len(text) > max_length:
        raise NoTextError(f"with more than {max_length:,} characters")
    if FILE.fullmatch(text):
        raise NoTextError("with the address of a file in place of a text")
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
