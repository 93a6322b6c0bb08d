"""All exports by name."""

from .export import Export
from .graph import GRAPH

EXPORTS: dict[str, Export] = {each.name: each for each in (GRAPH,)}
