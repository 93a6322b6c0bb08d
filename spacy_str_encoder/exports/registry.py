"""All exports by name."""

from .export import Export
from .fhir import FHIR
from .graph import GRAPH
from .omop import OMOP

EXPORTS: dict[str, Export] = {each.name: each for each in (FHIR, GRAPH, OMOP)}
