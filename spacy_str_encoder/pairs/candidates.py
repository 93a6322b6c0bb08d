"""Candidate pairs: the pairs of entities that a relation may hold between."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial, reduce
from itertools import chain

import numpy
from numpy.typing import NDArray
from spacy.tokens import Doc, Span

from ..arrays import IntArray

# From a doc and its entities in text order to the indices of the two of each pair, in text order.
# Each pair comes once. *Shape:* (pairs, 2).
Candidates = Callable[[Doc, Sequence[Span]], IntArray]

NO_SENTENCES = (
    "Candidates in the same sentence need sentence boundaries, and a doc has none. Put a component "
    "that sets them, such as 'sentencizer', before 'str_rel', and list it under "
    "`training.annotating_components` too."
)


@dataclass(frozen=True)
class DocPairs:
    """Candidate pairs of a doc.

    doc (Doc): The doc.
    entities (Sequence[Span]): Its entities in text order.
    pairs (IntArray): The indices of the two entities of each pair. *Shape:* (pairs, 2).
    out_of_reach (int): The number of further pairs that were left out by `pairs_within`.
    """

    doc: Doc
    entities: Sequence[Span]
    pairs: IntArray
    out_of_reach: int = 0

    def __len__(self) -> int:
        return len(self.pairs)

    @property
    def offsets(self) -> IntArray:
        """RETURNS (IntArray): Start and end token of the first entity of each pair, and of the
        second. *Shape:* (pairs, 4).
        """
        return pair_offsets(self.entities, self.pairs)

    @property
    def labels(self) -> NDArray[numpy.uint64]:
        """RETURNS (NDArray[uint64]): The hashes of the types of the two entities of each pair.
        *Shape:* (pairs, 2).
        """
        return numpy.array([span.label for span in self.entities], dtype="uint64")[self.pairs]


def make_all_pairs() -> Candidates:
    """Ask about every pair.

    RETURNS (Candidates): The function that proposes pairs.
    """
    return all_pairs


def make_max_distance(*, tokens: int) -> Candidates:
    """Ask about pairs that are near each other.

    tokens (int): How many tokens may be between the two at most: 0 for neighbours. Entities that
        overlap have none between them.
    RETURNS (Candidates): The function that proposes pairs.
    RAISES (ValueError): If the number is negative.
    """
    if tokens < 0:
        raise ValueError(f"The tokens between two entities are 0 or more, not {tokens}.")
    return partial(near_pairs, tokens=tokens)


def make_same_sentence() -> Candidates:
    """Ask about pairs that share a sentence. An entity may reach over several.

    RETURNS (Candidates): The function that proposes pairs. It needs sentence boundaries.
    """
    return sentence_pairs


def make_type_pairs(*, allowed: list[list[str]]) -> Candidates:
    """Ask about pairs of entities of certain types.

    allowed (list[list[str]]): The types of the two, in any order.
    RETURNS (Candidates): The function that proposes pairs.
    RAISES (ValueError): If an entry does not have two types.
    """
    if wrong := [types for types in allowed if len(types) != 2]:
        raise ValueError(f"Pairs of entity types have two types each, unlike {wrong[0]}.")
    return partial(typed_pairs, allowed=allowed)


def make_intersection(*candidates: Candidates) -> Candidates:
    """Ask about the pairs that all of several functions propose.

    *candidates (Candidates): The functions. In a config, each has a block of its own, such as
        `[components.str_rel.candidates.*.near]`.
    RETURNS (Candidates): The function that proposes pairs.
    RAISES (ValueError): If there are none.
    """
    if not candidates:
        raise ValueError("An intersection of candidates needs one function or more.")
    return partial(shared_pairs, candidates=candidates)


def all_pairs(doc: Doc, entities: Sequence[Span]) -> IntArray:
    """Every pair of entities, once.

    Both task masks are symmetric in the two entities, so that one look at a pair tells the
    relations of either direction.

    doc (Doc): The doc.
    entities (Sequence[Span]): Its entities in text order.
    RETURNS (IntArray): The indices of the two, in text order. *Shape:* (pairs, 2).
    """
    return numpy.stack(numpy.triu_indices(len(entities), k=1), axis=1)


def near_pairs(doc: Doc, entities: Sequence[Span], *, tokens: int) -> IntArray:
    """The pairs with few tokens between the two.

    doc (Doc): The doc.
    entities (Sequence[Span]): Its entities in text order.
    tokens (int): How many tokens may be between them at most.
    RETURNS (IntArray): The indices of the two, in text order. *Shape:* (pairs, 2).
    """
    pairs = all_pairs(doc, entities)
    _, end, start, _ = pair_offsets(entities, pairs).T
    return pairs[start - end <= tokens]


def pairs_within(doc_pairs: DocPairs, *, tokens: int) -> DocPairs:
    """Leave out the pairs that no stretch of text of some length holds.

    doc_pairs (DocPairs): The pairs.
    tokens (int): The length of the stretch in tokens.
    RETURNS (DocPairs): The pairs with no more tokens from the start of the first entity to the end
        of either, and the number of the others.
    """
    start, end, _, other_end = doc_pairs.offsets.T
    pairs = doc_pairs.pairs[numpy.maximum(end, other_end) - start <= tokens]
    return replace(doc_pairs, pairs=pairs, out_of_reach=len(doc_pairs) - len(pairs))


def sentence_pairs(doc: Doc, entities: Sequence[Span]) -> IntArray:
    """The pairs that share a sentence.

    doc (Doc): The doc.
    entities (Sequence[Span]): Its entities in text order.
    RETURNS (IntArray): The indices of the two, in text order. *Shape:* (pairs, 2).
    RAISES (ValueError): If the doc has entities to pair, but no sentence boundaries.
    """
    if len(entities) > 1 and not doc.has_annotation("SENT_START"):
        raise ValueError(NO_SENTENCES)
    pairs = all_pairs(doc, entities)
    _, end, start, _ = pair_offsets(entities, pairs).T
    sentences = numpy.cumsum(doc.to_array("SENT_START") == 1)
    return pairs[sentences[start] <= sentences[end - 1]]


def typed_pairs(doc: Doc, entities: Sequence[Span], *, allowed: list[list[str]]) -> IntArray:
    """The pairs of certain entity types.

    doc (Doc): The doc.
    entities (Sequence[Span]): Its entities in text order.
    allowed (list[list[str]]): The types of the two, in any order.
    RETURNS (IntArray): The indices of the two, in text order. *Shape:* (pairs, 2).
    """
    types = sorted(set(chain.from_iterable(allowed)))
    one, other = type_codes(chain.from_iterable(allowed), types).reshape(-1, 2).T
    is_allowed = numpy.zeros((len(types) + 1, len(types) + 1), dtype="bool")
    is_allowed[one, other] = is_allowed[other, one] = True
    pairs = all_pairs(doc, entities)
    first, second = pair_types(entities, pairs, types).T
    return pairs[is_allowed[first, second]]


def shared_pairs(
    doc: Doc, entities: Sequence[Span], *, candidates: Sequence[Candidates]
) -> IntArray:
    """The pairs that all of several functions propose.

    doc (Doc): The doc.
    entities (Sequence[Span]): Its entities in text order.
    candidates (Sequence[Candidates]): The functions.
    RETURNS (IntArray): The indices of the two, in text order. *Shape:* (pairs, 2).
    """
    count = len(entities)
    proposed = [_pair_codes(propose(doc, entities), count) for propose in candidates]
    codes = reduce(partial(numpy.intersect1d, assume_unique=True), proposed)
    return numpy.stack(numpy.unravel_index(codes, (count, count)), axis=1)


def find_pairs(
    pairs: IntArray, wanted: Collection[tuple[int, int]], *, count: int
) -> dict[tuple[int, int], int]:
    """Which rows of an array of pairs hold certain pairs.

    pairs (IntArray): The indices of the two entities. *Shape:* (pairs, 2).
    wanted (Collection[tuple[int, int]]): The pairs to look for.
    count (int): The number of entities.
    RETURNS (dict[tuple[int, int], int]): The row of each that is there.
    """
    looked_for = _pair_codes(numpy.array(list(wanted), dtype="int64").reshape(-1, 2), count)
    rows = numpy.flatnonzero(numpy.isin(_pair_codes(pairs, count), looked_for))
    return dict(zip(map(tuple, pairs[rows].tolist()), rows.tolist(), strict=True))


def pair_offsets(entities: Sequence[Span], pairs: IntArray) -> IntArray:
    """Where the entities of pairs are.

    entities (Sequence[Span]): The entities.
    pairs (IntArray): The indices of the two. *Shape:* (pairs, 2).
    RETURNS (IntArray): Start and end token of the first, and of the second. *Shape:* (pairs, 4).
    """
    offsets = numpy.array([(span.start, span.end) for span in entities], dtype="int64")
    return offsets.reshape(-1, 2)[pairs].reshape(-1, 4)


def pair_types(entities: Sequence[Span], pairs: IntArray, types: Sequence[str]) -> IntArray:
    """Of which types the entities of pairs are.

    entities (Sequence[Span]): The entities.
    pairs (IntArray): The indices of the two. *Shape:* (pairs, 2).
    types (Sequence[str]): The entity types.
    RETURNS (IntArray): The codes of the two types, see `type_codes`. *Shape:* (pairs, 2).
    """
    return type_codes((span.label_ for span in entities), types)[pairs]


def type_codes(labels: Iterable[str], types: Sequence[str]) -> IntArray:
    """Write entity types as small numbers.

    labels (Iterable[str]): Entity types.
    types (Sequence[str]): Those that have a number.
    RETURNS (IntArray): The index of each; the number of types for one that is not among them.
    """
    codes = {name: i for i, name in enumerate(types)}
    return numpy.array([codes.get(label, len(types)) for label in labels], dtype="int64")


def _pair_codes(pairs: IntArray, count: int) -> IntArray:
    return pairs[:, 0] * count + pairs[:, 1]
