"""Shapes of JSON: which types its fields must have, so that errors can name the field."""

from dataclasses import dataclass
from reprlib import repr as shorten
from typing import Any, TypeAlias

from .annotated_text import AnnotationError


@dataclass(frozen=True)
class Nullable:
    """Shape of a value that may be null.

    shape (Shape): The shape of any other value.
    """

    shape: "Shape"


# A type; a list with the shape of all items; a tuple with the shape of each item; or an object with
# the shapes of some fields, all of which may be missing.
Shape: TypeAlias = type | list[Any] | tuple[Any, ...] | dict[str, Any] | Nullable
NAMES = {str: "a string", int: "an integer", float: "a number", list: "a list", dict: "an object"}


def check_shape(value: Any, shape: Shape, name: str = "") -> None:
    """Check the types of a JSON value and of all values inside of it.

    value (Any): The value.
    shape (Shape): Its shape.
    name (str): The path of its field, for the message.
    RAISES (AnnotationError): If a value has the wrong type. The message names its field.
    """
    if isinstance(shape, Nullable):
        if value is not None:
            check_shape(value, shape.shape, name)
    elif isinstance(shape, dict):
        _check_type(value, dict, name)
        for key in shape.keys() & value.keys():
            check_shape(value[key], shape[key], f"{name}.{key}" if name else key)
    elif isinstance(shape, list):
        _check_type(value, list, name)
        for i, each in enumerate(value):
            check_shape(each, shape[0], f"{name}[{i}]")
    elif isinstance(shape, tuple):
        _check_length(value, len(shape), name)
        for i, (each, inner) in enumerate(zip(value, shape, strict=True)):
            check_shape(each, inner, f"{name}[{i}]")
    else:
        _check_type(value, shape, name)


def _check_type(value: Any, expected: type, name: str) -> None:
    allowed = (int, float) if expected is float else expected
    # In Python, true and false are integers.
    if not isinstance(value, allowed) or (isinstance(value, bool) and expected is not bool):
        raise AnnotationError(f"the field '{name}' must be {NAMES[expected]}, got {shorten(value)}")


def _check_length(value: Any, length: int, name: str) -> None:
    _check_type(value, list, name)
    if len(value) != length:
        raise AnnotationError(
            f"the field '{name}' must be a list of {length} values, got {shorten(value)}"
        )
