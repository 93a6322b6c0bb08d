from itertools import pairwise
from typing import TypeVar

import numpy

from ..arrays import IntArray
from ..attributes.entities import DocEntities
from ..pairs.candidates import DocPairs

DocT = TypeVar("DocT", DocEntities, DocPairs)


def batch_by_items(docs: list[DocT], *, items: int) -> list[list[DocT]]:
    """Split docs into batches.

    docs (list[DocT]): Docs with entities, or with pairs.
    items (int): About how many entities or pairs a batch has. A single doc may have more.
    RETURNS (list[list[DocT]]): The batches.
    """
    before: IntArray = numpy.cumsum([0, *map(len, docs)])[:-1]
    borders = [*numpy.flatnonzero(numpy.diff(before // items, prepend=-1)), len(docs)]
    return [docs[start:end] for start, end in pairwise(borders)]
