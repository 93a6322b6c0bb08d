from collections.abc import Callable
from typing import Any

import numpy
from spacy.tokens import Doc
from spacy_transformers.data_classes import TransformerData
from thinc.api import Model

from ..attributes.entities import DocEntities
from ..pairs.candidates import DocPairs
from .focused_pairs import FocusedPairs
from .items import EntitiesInT, EntityVectors, VectorsT


def FocusedEntities(tok2vec: Model[list[Doc], list[TransformerData]]) -> EntityVectors:
    """Build a layer that runs the focused layers for each entity, and returns its `[CLS]` row, then
    the mean of the encoder's output over the entity.

    An entity is a pair with itself: under the mask of Eq. 14, the rows of `[CLS]` and of the entity
    see only each other.

    tok2vec (Model[list[Doc], list[TransformerData]]): A `FocusedListener`, or an encoder that
        only this layer uses.
    RETURNS (Model[list[DocEntities], tuple[Floats2d, BoolArray]]): The layer. It returns a vector
        for each entity within reach, *shape:* (reachable entities, 2 * width), and whether each
        entity is within reach, *shape:* (entities,): one window holds all of it.
    """
    pairs2vectors = FocusedPairs(tok2vec, mask="pair", pool_output=True)
    return Model("focused_entities", forward, init=init, layers=[pairs2vectors], dims={"nO": None})


def init(model: EntityVectors, X: EntitiesInT | None = None, Y: Any = None) -> None:
    """Initialize the focused layers, and set the width."""
    [pairs2vectors] = model.layers
    pairs2vectors.initialize()
    if (width := pairs2vectors.maybe_get_dim("nO")) is not None:
        model.set_dim("nO", width)


def forward(
    model: EntityVectors, X: EntitiesInT, is_train: bool
) -> tuple[VectorsT, Callable[[VectorsT], Any]]:
    """Run the focused layers on the rows of entities."""
    [pairs2vectors] = model.layers
    return pairs2vectors([_pair_with_themselves(doc_entities) for doc_entities in X], is_train)


def _pair_with_themselves(doc_entities: DocEntities) -> DocPairs:
    pairs = numpy.arange(len(doc_entities)).repeat(2).reshape(-1, 2)
    return DocPairs(doc_entities.doc, doc_entities.entities, pairs)
