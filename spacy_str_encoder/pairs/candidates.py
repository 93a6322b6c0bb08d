"""Candidate pairs: the pairs of entities that may have a relation."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial, reduce
from itertools import chain
from typing import Literal, get_args

import numpy
from numpy.typing import NDArray
from spacy.tokens import Doc, Span

from ..arrays import IntArray

# Takes a doc and its entities in text order, and returns the indices of the two entities of each
# pair, in text order. Each pair occurs once. *Shape:* (pairs, 2).
Candidates = Callable[[Doc, Sequence[Span]], IntArray]
# With pairs of entities one of which lies inside the other, without them, or with them alone.
Nesting = Literal["all", "none", "only"]

NO_SENTENCES = (
    "same_sentence candidates need sentence boundaries, but a doc has none. Put a component that "
    "sets them, such as 'sentencizer', before 'str_rel', and list it under "
    "`training.annotating_components` too."
)


@dataclass(frozen=True)
class DocPairs:
    """Candidate pairs of a doc.

    doc (Doc): The doc.
    entities (Sequence[Span]): Entities of the doc, in text order.
    pairs (IntArray): Indices of the two entities of each pair. *Shape:* (pairs, 2).
    out_of_reach (int): Number of pairs that `pairs_within` removed.
    """

    doc: Doc
    entities: Sequence[Span]
    pairs: IntArray
    out_of_reach: int = 0

    def __len__(self) -> int:
        return len(self.pairs)

    @property
    def offsets(self) -> IntArray:
        """RETURNS (IntArray): Start and end token of the first entity of each pair, then of the
        second entity. *Shape:* (pairs, 4).
        """
        return pair_offsets(self.entities, self.pairs)

    @property
    def labels(self) -> NDArray[numpy.uint64]:
        """RETURNS (NDArray[uint64]): The hashes of the types of the two entities of each pair.
        *Shape:* (pairs, 2).
        """
        return numpy.array([span.label for span in self.entities], dtype="uint64")[self.pairs]


def make_all_pairs() -> Candidates:
    """Make every pair a candidate pair.

    RETURNS (Candidates): The function that proposes pairs.
    """
    return all_pairs


def make_max_distance(*, tokens: int) -> Candidates:
    """Make pairs of nearby entities candidate pairs.

    tokens (int): Maximum number of tokens between the two entities: 0 for neighbours. Overlapping
        entities have no tokens between them.
    RETURNS (Candidates): The function that proposes pairs.
    RAISES (ValueError): If the number is negative.
    """
    if tokens < 0:
        raise ValueError(f"max_distance: tokens must be 0 or more, got {tokens}.")
    return partial(near_pairs, tokens=tokens)


def make_same_sentence() -> Candidates:
    """Make pairs in the same sentence candidate pairs. Entities may span several sentences.

    RETURNS (Candidates): The function that proposes pairs. It needs sentence boundaries.
    """
    return sentence_pairs


def make_type_pairs(*, allowed: list[list[str]]) -> Candidates:
    """Make pairs of certain entity types candidate pairs.

    allowed (list[list[str]]): Types of the two entities of a pair, in either order.
    RETURNS (Candidates): The function that proposes pairs.
    RAISES (ValueError): If an entry does not have exactly two types.
    """
    if wrong := [types for types in allowed if len(types) != 2]:
        raise ValueError(f"type_pairs: each entry of allowed must have two types, got {wrong[0]}.")
    return partial(typed_pairs, allowed=allowed)


def make_nesting(*, nesting: Nesting) -> Candidates:
    """Make pairs candidate pairs by whether one entity lies inside the other, or in the same place.
    There are such pairs in span groups alone.

    nesting (Literal["all", "none", "only"]): `all`: every pair. `none`: only pairs of which neither
        entity lies inside the other. `only`: only pairs of which one does.
    RETURNS (Candidates): The function that proposes pairs.
    RAISES (ValueError): If the setting is another one.
    """
    if nesting not in get_args(Nesting):
        raise ValueError(f"nesting: must be 'all', 'none' or 'only', got {nesting!r}.")
    return all_pairs if nesting == "all" else partial(nested_pairs, only=nesting == "only")


def make_intersection(*candidates: Candidates) -> Candidates:
    """Make the pairs that all of several functions propose candidate pairs.

    *candidates (Candidates): The functions. In a config, each has its own block, such as
        `[components.str_rel.candidates.*.near]`.
    RETURNS (Candidates): The function that proposes pairs.
    RAISES (ValueError): If there are no functions.
    """
    if not candidates:
        raise ValueError(
            "intersection: there must be at least one function. Add a block such as "
            "[components.str_rel.candidates.*.near]."
        )
    return partial(shared_pairs, candidates=candidates)


def all_pairs(doc: Doc, entities: Sequence[Span]) -> IntArray:
    """Return every pair of entities, once.

    Both task masks are symmetric in the two entities, so that classifying a pair once covers both
    directions.

    doc (Doc): The doc.
    entities (Sequence[Span]): Entities of the doc, in text order.
    RETURNS (IntArray): The indices of the two entities, in text order. *Shape:* (pairs, 2).
    """
    return numpy.stack(numpy.triu_indices(len(entities), k=1), axis=1)


def near_pairs(doc: Doc, entities: Sequence[Span], *, tokens: int) -> IntArray:
    """Return the pairs with few tokens between the two entities.

    doc (Doc): The doc.
    entities (Sequence[Span]): Entities of the doc, in text order.
    tokens (int): Maximum number of tokens between the two entities.
    RETURNS (IntArray): The indices of the two entities, in text order. *Shape:* (pairs, 2).
    """
    pairs = all_pairs(doc, entities)
    _, end, start, _ = pair_offsets(entities, pairs).T
    return pairs[start - end <= tokens]


def pairs_within(doc_pairs: DocPairs, *, tokens: int) -> DocPairs:
    """Remove the pairs that are longer than a number of tokens.

    doc_pairs (DocPairs): The pairs.
    tokens (int): Maximum number of tokens from the start of the first entity to the end of both.
    RETURNS (DocPairs): The other pairs, and the number of removed ones.
    """
    start, end, _, other_end = doc_pairs.offsets.T
    pairs = doc_pairs.pairs[numpy.maximum(end, other_end) - start <= tokens]
    return replace(doc_pairs, pairs=pairs, out_of_reach=len(doc_pairs) - len(pairs))


def sentence_pairs(doc: Doc, entities: Sequence[Span]) -> IntArray:
    """Return the pairs in the same sentence.

    doc (Doc): The doc.
    entities (Sequence[Span]): Entities of the doc, in text order.
    RETURNS (IntArray): The indices of the two entities, in text order. *Shape:* (pairs, 2).
    RAISES (ValueError): If the doc has several entities, but no sentence boundaries.
    """
    if len(entities) > 1 and not doc.has_annotation("SENT_START"):
        raise ValueError(NO_SENTENCES)
    pairs = all_pairs(doc, entities)
    _, end, start, _ = pair_offsets(entities, pairs).T
    sentences = numpy.cumsum(doc.to_array("SENT_START") == 1)
    return pairs[sentences[start] <= sentences[end - 1]]


def typed_pairs(doc: Doc, entities: Sequence[Span], *, allowed: list[list[str]]) -> IntArray:
    """Return the pairs of certain entity types.

    doc (Doc): The doc.
    entities (Sequence[Span]): Entities of the doc, in text order.
    allowed (list[list[str]]): Types of the two entities of a pair, in either order.
    RETURNS (IntArray): The indices of the two entities, in text order. *Shape:* (pairs, 2).
    """
    types = sorted(set(chain.from_iterable(allowed)))
    one, other = type_codes(chain.from_iterable(allowed), types).reshape(-1, 2).T
    is_allowed = numpy.zeros((len(types) + 1, len(types) + 1), dtype="bool")
    is_allowed[one, other] = is_allowed[other, one] = True
    pairs = all_pairs(doc, entities)
    first, second = pair_types(entities, pairs, types).T
    return pairs[is_allowed[first, second]]


def nested_pairs(doc: Doc, entities: Sequence[Span], *, only: bool) -> IntArray:
    """Return the pairs of which one entity lies inside the other, or in the same place, or all
    other pairs.

    doc (Doc): The doc.
    entities (Sequence[Span]): Entities of the doc, in text order.
    only (bool): Whether to return these pairs, and not the others.
    RETURNS (IntArray): The indices of the two entities, in text order. *Shape:* (pairs, 2).
    """
    pairs = all_pairs(doc, entities)
    start, end, other_start, other_end = pair_offsets(entities, pairs).T
    # Of entities with the same start, the first one is not the longer one.
    return pairs[((other_end <= end) | (other_start == start)) == only]


def shared_pairs(
    doc: Doc, entities: Sequence[Span], *, candidates: Sequence[Candidates]
) -> IntArray:
    """Return the pairs that all of several functions propose.

    doc (Doc): The doc.
    entities (Sequence[Span]): Entities of the doc, in text order.
    candidates (Sequence[Candidates]): The functions.
    RETURNS (IntArray): The indices of the two entities, in text order. *Shape:* (pairs, 2).
    """
    count = len(entities)
    proposed = [_pair_codes(propose(doc, entities), count) for propose in candidates]
    codes = reduce(partial(numpy.intersect1d, assume_unique=True), proposed)
    return numpy.stack(numpy.unravel_index(codes, (count, count)), axis=1)


def find_pairs(
    pairs: IntArray, wanted: Collection[tuple[int, int]], *, count: int
) -> dict[tuple[int, int], int]:
    """Find the rows of certain pairs in an array of pairs.

    pairs (IntArray): Indices of the two entities. *Shape:* (pairs, 2).
    wanted (Collection[tuple[int, int]]): The pairs to look for.
    count (int): Number of entities.
    RETURNS (dict[tuple[int, int], int]): The row of each pair that is in the array.
    """
    looked_for = _pair_codes(numpy.array(list(wanted), dtype="int64").reshape(-1, 2), count)
    rows = numpy.flatnonzero(numpy.isin(_pair_codes(pairs, count), looked_for))
    return dict(zip(map(tuple, pairs[rows].tolist()), rows.tolist(), strict=True))


def pair_offsets(entities: Sequence[Span], pairs: IntArray) -> IntArray:
    """Return the token offsets of the entities of pairs.

    entities (Sequence[Span]): The entities.
    pairs (IntArray): Indices of the two entities. *Shape:* (pairs, 2).
    RETURNS (IntArray): Start and end token of the first entity, then of the second entity. *Shape:*
        (pairs, 4).
    """
    offsets = numpy.array([(span.start, span.end) for span in entities], dtype="int64")
    return offsets.reshape(-1, 2)[pairs].reshape(-1, 4)


def pair_types(entities: Sequence[Span], pairs: IntArray, types: Sequence[str]) -> IntArray:
    """Return the types of the entities of pairs.

    entities (Sequence[Span]): The entities.
    pairs (IntArray): Indices of the two entities. *Shape:* (pairs, 2).
    types (Sequence[str]): The known entity types.
    RETURNS (IntArray): Codes of the two types, see `type_codes`. *Shape:* (pairs, 2).
    """
    return type_codes((span.label_ for span in entities), types)[pairs]


def type_codes(labels: Iterable[str], types: Sequence[str]) -> IntArray:
    """Encode entity types as small numbers.

    labels (Iterable[str]): Entity types to encode.
    types (Sequence[str]): The known entity types.
    RETURNS (IntArray): Index of each type among the known ones; `len(types)` for unknown types.
    """
    codes = {name: i for i, name in enumerate(types)}
    return numpy.array([codes.get(label, len(types)) for label in labels], dtype="int64")


def _pair_codes(pairs: IntArray, count: int) -> IntArray:
    return pairs[:, 0] * count + pairs[:, 1]
