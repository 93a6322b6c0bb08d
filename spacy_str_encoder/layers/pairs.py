"""What layers that make vectors of pairs of entities take and return."""

from thinc.api import Model
from thinc.types import Floats2d

from ..arrays import BoolArray
from ..pairs.candidates import DocPairs

# Docs with candidate pairs.
PairsInT = list[DocPairs]
# A vector for each pair within reach, *shape:* (reachable pairs, width), and which pairs these
# are, *shape:* (pairs,).
PairsOutT = tuple[Floats2d, BoolArray]
PairVectors = Model[PairsInT, PairsOutT]
