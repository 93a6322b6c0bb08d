"""Input and output types of layers that return vectors of items: pairs of entities, or entities."""

from thinc.api import Model
from thinc.types import Floats2d

from ..arrays import BoolArray
from ..attributes.entities import DocEntities
from ..pairs.candidates import DocPairs

# Docs with candidate pairs, and docs with entities.
PairsInT = list[DocPairs]
EntitiesInT = list[DocEntities]
# A vector for each item within reach, *shape:* (reachable items, width), and whether each item is
# within reach, *shape:* (items,).
VectorsT = tuple[Floats2d, BoolArray]
PairVectors = Model[PairsInT, VectorsT]
EntityVectors = Model[EntitiesInT, VectorsT]
