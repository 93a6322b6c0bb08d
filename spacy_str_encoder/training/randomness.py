"""States of all random numbers that training draws."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy
import torch
from spacy.language import Language

ItemT = TypeVar("ItemT")
PythonState = tuple[Any, ...]


def collect_random(nlp: Language) -> dict[str, Any]:
    """Collect the random states of Python, NumPy and PyTorch, and of generators that components
    have as attributes. That of CuPy can't be read.

    nlp (Language): The pipeline.
    RETURNS (dict[str, Any]): The states, as plain data.
    """
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return {
        "python": _to_plain(random.getstate()),
        "numpy": _to_plain(numpy.random.get_state(legacy=False)),
        "torch": torch.get_rng_state().tolist(),
        "cuda": [state.tolist() for state in cuda],
        "components": {
            name: _to_plain(generator.bit_generator.state)
            for name, generator in _list_generators(nlp)
        },
    }


def restore_random(nlp: Language, states: dict[str, Any]) -> None:
    """Set all random states.

    nlp (Language): The pipeline.
    states (dict[str, Any]): The output of `collect_random`.
    """
    version, internal, gauss = states["python"]
    random.setstate((version, tuple(internal), gauss))
    numpy.random.set_state(states["numpy"])
    torch.set_rng_state(torch.tensor(states["torch"], dtype=torch.uint8))
    if states["cuda"]:
        cuda = [torch.tensor(state, dtype=torch.uint8) for state in states["cuda"]]
        torch.cuda.set_rng_state_all(cuda)
    for name, generator in _list_generators(nlp):
        generator.bit_generator.state = states["components"][name]


def with_own_random(items: Iterator[ItemT]) -> Iterator[ItemT]:
    """Draw items with a state of Python's random numbers of their own, which starts as the present
    one. So they are the same whatever else draws between them.

    items (Iterator): The items, shuffled by Python's `random`.
    YIELDS (Any): The items.
    """
    own = random.getstate()
    while True:
        with _swapped(own):
            try:
                item = next(items)
            except StopIteration:
                return
            own = random.getstate()
        yield item


@contextmanager
def unchanged_random() -> Iterator[None]:
    """Put the random states of Python and NumPy back at the end."""
    state = numpy.random.get_state()
    with _swapped(random.getstate()):
        yield
    numpy.random.set_state(state)


@contextmanager
def _swapped(state: PythonState) -> Iterator[None]:
    other = random.getstate()
    random.setstate(state)
    try:
        yield
    finally:
        random.setstate(other)


def _list_generators(nlp: Language) -> Iterator[tuple[str, numpy.random.Generator]]:
    for name, component in nlp.components:
        for attribute, value in getattr(component, "__dict__", {}).items():
            if isinstance(value, numpy.random.Generator):
                yield f"{name}.{attribute}", value


def _to_plain(state: Any) -> Any:
    if isinstance(state, dict):
        return {name: _to_plain(part) for name, part in state.items()}
    return state.tolist() if isinstance(state, numpy.ndarray) else state
