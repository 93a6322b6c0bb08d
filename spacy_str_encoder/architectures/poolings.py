"""Layers that pool the vectors of tokens to vectors of entity pairs."""

from ..layers.pair_pooling import PairPooling, Pooling
from ..modules.capsules import PairCapsules as PairCapsulesModule
from ..modules.pair_vectors import PairConvolutions
from ..modules.pair_vectors import PairMaxima as PairMaximaModule


def PairMaxima(width: int, context: int | None = None) -> Pooling:
    """Construct a layer that pools the maxima of the two entities and of the tokens before, between
    and after them.

    width (int): The width of the token vectors.
    context (int | None): The number of tokens to use on either side of the pair; the whole doc if
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
    """Construct a layer of convolutions over the tokens and their distances from the two entities.

    Sources: Nguyen and Grishman 2015, "Relation Extraction: Perspective from Convolutional Neural
    Networks"; Sahu et al. 2016, arXiv 1606.09370; for the segments Zeng et al. 2015, "Distant
    Supervision for Relation Extraction via Piecewise Convolutional Neural Networks".

    width (int): The width of the token vectors.
    filters (int): The number of filters of each width.
    filter_widths (list[int]): The numbers of tokens that filters cover.
    max_distance (int): The maximum distance from an entity; greater distances are clipped.
    piecewise (bool): Whether to pool the two entities and the tokens before, between and after them
        separately.
    context (int | None): The number of tokens to use on either side of the pair; the whole doc if
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
    """Construct a layer of capsules of the two entities and of the tokens before, between and after
    them, which are routed to capsules of the pair.

    Sources: Wang et al. 2018, arXiv 1807.06718; Sabour et al. 2017, arXiv 1710.09829. For the
    differences, see `modules.capsules`.

    width (int): The width of the token vectors.
    capsules (int): The number of capsules for each of the five segments.
    capsule_width (int): The width of these capsules.
    pair_capsules (int): The number of capsules for each pair.
    pair_capsule_width (int): The width of these capsules.
    routings (int): The number of routing iterations, 1 or more.
    context (int | None): The number of tokens to use on either side of the pair; the whole doc if
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
