"""What layers that make vectors of pairs of entities take and return."""

from spacy.tokens import Doc
from thinc.api import Model
from thinc.types import Floats2d

from ..arrays import BoolArray
from ..pairs.candidates import EntityPairs

# Docs, and the pairs that are asked about in each.
PairsInT = tuple[list[Doc], list[EntityPairs]]
# A vector for each pair within reach, *shape:* (reachable pairs, width), and which pairs these
# are, *shape:* (pairs,).
PairsOutT = tuple[Floats2d, BoolArray]
PairVectors = Model[PairsInT, PairsOutT]
