"""Shapes of JSON: which types its fields must have, so that errors can name the field."""

from dataclasses import dataclass
from reprlib import repr as shorten
from typing import Any, TypeAlias

from ..doc.plurals import count_noun
from .annotated_text import AnnotationError


@dataclass(frozen=True)
class Nullable:
    """Shape of a value that may be null.

    shape (Shape): The shape of any other value.
    """

    shape: "Shape"


@dataclass(frozen=True)
class OneOf:
    """Shape of a value that may have one of several types.

    shapes (tuple[Shape, ...]): A shape for each type.
    """

    shapes: "tuple[Shape, ...]"


# A type; a list with the shape of all items; a tuple with the shape of each item, and `...` if
# others may follow; or an object with the shapes of some fields, which may be missing, or with
# `...` and the shape of all fields.
Shape: TypeAlias = type | list[Any] | tuple[Any, ...] | dict[Any, Any] | Nullable | OneOf
NAMES = {str: "a string", int: "an integer", list: "a list", dict: "an object"}


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
    elif isinstance(shape, OneOf):
        shapes = {_get_type(each): each for each in shape.shapes}
        _check_type(value, name, *shapes)
        check_shape(value, shapes[type(value)], name)
    elif isinstance(shape, dict):
        _check_type(value, name, dict)
        fields: dict[Any, Any] = dict.fromkeys(value, shape[...]) if ... in shape else shape
        for key, inner in fields.items():
            if key in value:
                check_shape(value[key], inner, f"{name}.{key}" if name else key)
    elif isinstance(shape, list):
        _check_type(value, name, list)
        for i, each in enumerate(value):
            check_shape(each, shape[0], f"{name}[{i}]")
    elif isinstance(shape, tuple):
        _check_length(value, shape, name)
        # Further values have no shape.
        for i, (each, inner) in enumerate(zip(value, _shapes(shape), strict=False)):
            check_shape(each, inner, f"{name}[{i}]")
    else:
        _check_type(value, name, shape)


def _get_type(shape: Shape) -> type:
    kind = shape if isinstance(shape, type) else type(shape)
    return list if kind is tuple else kind


def _check_type(value: Any, name: str, *expected: type) -> None:
    # In Python, true and false are instances of int.
    if type(value) not in expected:
        names = " or ".join(NAMES[each] for each in expected)
        raise AnnotationError(f"the field '{name}' must be {names}, got {shorten(value)}")


def _shapes(shape: tuple[Any, ...]) -> list[Any]:
    return [each for each in shape if each is not ...]


def _check_length(value: Any, shape: tuple[Any, ...], name: str) -> None:
    _check_type(value, name, list)
    length, least = len(_shapes(shape)), "at least " if ... in shape else ""
    if len(value) < length or (len(value) > length and not least):
        raise AnnotationError(
            f"the field '{name}' must be a list of {least}{count_noun(length, 'value')}, "
            f"got {shorten(value)}"
        )
