from typing import cast

from thinc.api import HashEmbed, Model
from thinc.types import Floats2d, Ints1d

# Far more than there are entity types, so that each type has its own vector.
ROWS = 500


def embed_types() -> Model[Ints1d, Floats2d]:
    """Build a layer with a vector for each entity type. Types are hashed, so new ones work too.

    RETURNS (Model[Ints1d, Floats2d]): The layer. Set its width before you initialize it.
    """
    width = cast(int, None)
    return HashEmbed(width, ROWS, seed=0)
