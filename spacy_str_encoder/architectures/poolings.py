"""What makes vectors of pairs of entities out of those of tokens."""

from ..layers.pair_pooling import PairPooling, Pooling
from ..modules.capsules import PairCapsules as PairCapsulesModule
from ..modules.pair_vectors import PairConvolutions
from ..modules.pair_vectors import PairMaxima as PairMaximaModule


def PairMaxima(width: int, context: int | None = None) -> Pooling:
    """Describe a pair by the maxima of its entities and of what is before, between and after them.

    width (int): The width of the tokens' vectors.
    context (int | None): How many tokens on either side of the two to look at; all of the doc if
        None.
    RETURNS (Model[tuple[list[Floats2d], list[IntArray]], Floats2d]): The layer.
    """
    return PairPooling("pair_maxima", PairMaximaModule(width), width=width, context=context)


def PairCNN(
    width: int,
    filters: int,
    filter_widths: list[int],
    max_distance: int,
    piecewise: bool,
    context: int | None = None,
) -> Pooling:
    """Describe a pair by convolutions over the tokens and their distances from its entities.

    Sources: Nguyen and Grishman 2015, "Relation Extraction: Perspective from Convolutional Neural
    Networks"; Sahu et al. 2016, arXiv 1606.09370; for the segments Zeng et al. 2015, "Distant
    Supervision for Relation Extraction via Piecewise Convolutional Neural Networks".

    width (int): The width of the tokens' vectors.
    filters (int): The number of filters of each width.
    filter_widths (list[int]): How many tokens a filter sees.
    max_distance (int): Tokens further away than that from an entity count as this far.
    piecewise (bool): Whether the entities and what is before, between and after them have maxima
        of their own.
    context (int | None): How many tokens on either side of the two to look at; all of the doc if
        None.
    RETURNS (Model[tuple[list[Floats2d], list[IntArray]], Floats2d]): The layer.
    """
    module = PairConvolutions(
        width,
        filters=filters,
        filter_widths=filter_widths,
        max_distance=max_distance,
        piecewise=piecewise,
    )
    return PairPooling("pair_cnn", module, width=width, context=context)


def PairCapsules(
    width: int,
    capsules: int,
    capsule_width: int,
    pair_capsules: int,
    pair_capsule_width: int,
    routings: int,
    context: int | None = None,
) -> Pooling:
    """Describe a pair by capsules of its entities and of what is before, between and after them,
    routed to capsules of the pair.

    Sources: Wang et al. 2018, arXiv 1807.06718; Sabour et al. 2017, arXiv 1710.09829. See
    `modules.capsules` for what differs.

    width (int): The width of the tokens' vectors.
    capsules (int): The number of capsules of each of the five segments.
    capsule_width (int): Their width.
    pair_capsules (int): The number of capsules of a pair.
    pair_capsule_width (int): Their width.
    routings (int): How often the routing is refined, 1 or more.
    context (int | None): How many tokens on either side of the two to look at; all of the doc if
        None.
    RETURNS (Model[tuple[list[Floats2d], list[IntArray]], Floats2d]): The layer.
    """
    module = PairCapsulesModule(
        width,
        capsules=capsules,
        capsule_width=capsule_width,
        pair_capsules=pair_capsules,
        pair_capsule_width=pair_capsule_width,
        routings=routings,
    )
    return PairPooling("pair_capsules", module, width=width, context=context)
