from typing import cast

from thinc.api import HashEmbed, Model
from thinc.types import Floats2d, Ints1d

# Far more than there are entity types: each of them has a vector of its own.
ROWS = 500


def embed_types() -> Model[Ints1d, Floats2d]:
    """A vector for each entity type, new ones included: types are known by their hash.

    RETURNS (Model[Ints1d, Floats2d]): The layer. Its width is set before it is initialized.
    """
    width = cast(int, None)
    return HashEmbed(width, ROWS, seed=0)
