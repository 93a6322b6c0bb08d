"""Input and output types of layers that return vectors of pairs of entities."""

from thinc.api import Model
from thinc.types import Floats2d

from ..arrays import BoolArray
from ..pairs.candidates import DocPairs

# Docs with candidate pairs.
PairsInT = list[DocPairs]
# A vector for each pair within reach, *shape:* (reachable pairs, width), and whether each pair is
# within reach, *shape:* (pairs,).
PairsOutT = tuple[Floats2d, BoolArray]
PairVectors = Model[PairsInT, PairsOutT]
