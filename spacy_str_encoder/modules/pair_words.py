"""Pairs of entities, and the words around them. Torch only."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

# Maximum number of words in one step: 16 MB with vectors of width 256.
MAX_WORDS = 16384
# Before the first entity, the first entity, between the two, the second entity, after both.
SEGMENTS = 5


@dataclass(frozen=True)
class Pairs:
    """Pairs of entities, and the words to read for each pair. All tensors hold integers.

    texts (Tensor): Text of each pair. *Shape:* (pairs,)
    entities (Tensor): Start and end of the first entity, then of the second entity.
        *Shape:* (pairs, 4)
    bounds (Tensor): Start and end of the words to read. *Shape:* (pairs, 2)
    """

    texts: Tensor
    entities: Tensor
    bounds: Tensor

    def __getitem__(self, pairs: slice) -> "Pairs":
        """Select pairs.

        pairs (slice): The pairs to select.
        RETURNS (Pairs): The selected pairs.
        """
        return Pairs(self.texts[pairs], self.entities[pairs], self.bounds[pairs])


@dataclass(frozen=True)
class PairWords:
    """Words of pairs, laid end to end without padding. All tensors hold integers.

    segments (Tensor): Segment of each word, numbered pair by pair. *Shape:* (words,)
    positions (Tensor): Position of each word in its text. *Shape:* (words,)
    texts (Tensor): Text of each word. *Shape:* (words,)
    entities (Tensor): Start and end of the first entity of the word's pair, then of the second
        entity. *Shape:* (words, 4)
    pairs (int): Number of pairs.
    """

    segments: Tensor
    positions: Tensor
    texts: Tensor
    entities: Tensor
    pairs: int


def make_pairs(texts: Tensor, entities: Tensor, lengths: Tensor, *, context: int | None) -> Pairs:
    """Choose the words to read for each pair.

    texts (Tensor): Text of each pair. *Shape:* (pairs,)
    entities (Tensor): Start and end of the first entity, then of the second entity, in text order.
        *Shape:* (pairs, 4)
    lengths (Tensor): Length of each text. *Shape:* (texts,)
    context (int | None): Number of words on either side of the pair; the whole text if None.
    RETURNS (Pairs): The pairs.
    """
    start, end = torch.zeros_like(texts), lengths[texts]
    if context is not None:
        start = (entities[:, 0] - context).clamp(min=0)
        end = torch.minimum(entities[:, 1::2].amax(dim=1) + context, end)
    return Pairs(texts, entities, torch.stack([start, end], dim=1))


def in_chunks(
    pool: Callable[[Tensor, PairWords], Tensor], rows: Tensor, pairs: Pairs, *, width: int
) -> Tensor:
    """Compute a vector for each pair, with bounded memory. In training with several chunks, each
    chunk is computed again in the backward pass.

    pool (Callable[[Tensor, PairWords], Tensor]): Function that computes vectors from the rows of
        texts and the words of pairs.
    rows (Tensor): Rows of each text. *Shape:* (texts, length, width of the rows)
    pairs (Pairs): The pairs, at least one.
    width (int): Width of the vectors.
    RETURNS (Tensor): The vectors. *Shape:* (pairs, width)
    """
    # An upper bound for the words of a pair, even if its entities overlap.
    longest = int((pairs.bounds[:, 1] - pairs.bounds[:, 0]).max()) * 2
    size, count = max(1, MAX_WORDS // longest), len(pairs.texts)
    if size < count and torch.is_grad_enabled():
        pool = partial(checkpoint, pool, use_reentrant=False)
    # Allocated at once: small vectors between large arrays would fragment the memory.
    vectors = rows.new_zeros(count, width)
    for start in range(0, count, size):
        chunk = slice(start, start + size)
        vectors[chunk] = pool(rows, words_of(pairs[chunk]))
    return vectors


def words_of(pairs: Pairs) -> PairWords:
    """Lay out the words of pairs. A word that is in both entities occurs twice.

    pairs (Pairs): The pairs.
    RETURNS (PairWords): The words.
    """
    # shape: (segments of all pairs,)
    start, end = (bounds.flatten() for bounds in _segment_bounds(pairs))
    lengths = (end - start).clamp(min=0)
    segments = torch.arange(len(lengths), device=lengths.device).repeat_interleave(lengths)
    before = lengths.cumsum(dim=0) - lengths
    positions = torch.arange(len(segments), device=segments.device) + (start - before)[segments]
    pair = segments // SEGMENTS
    return PairWords(segments, positions, pairs.texts[pair], pairs.entities[pair], len(pairs.texts))


def _segment_bounds(pairs: Pairs) -> tuple[Tensor, Tensor]:
    # shape: (pairs, segments) each
    start, end = pairs.bounds.unbind(dim=1)
    first, first_end, second, second_end = pairs.entities.unbind(dim=1)
    starts = [start, first, first_end, second, torch.maximum(first_end, second_end)]
    ends = [first, first_end, second, second_end, end]
    return torch.stack(starts, dim=1), torch.stack(ends, dim=1)


def take_words(rows: Tensor, words: PairWords) -> Tensor:
    """Gather the rows of words.

    rows (Tensor): Rows of each text. *Shape:* (texts, length, width)
    words (PairWords): The words.
    RETURNS (Tensor): The rows of the words. *Shape:* (words, width)
    """
    return rows[words.texts, words.positions]


def distance_to(entity: int, words: PairWords) -> Tensor:
    """Compute the distances of words to an entity of their pair.

    entity (int): 0 for the first entity of each pair, 1 for the second.
    words (PairWords): The words.
    RETURNS (Tensor): The distances: 0 inside the entity, negative before it. *Shape:* (words,)
    """
    start, end = words.entities[:, 2 * entity], words.entities[:, 2 * entity + 1]
    return (words.positions - start).clamp(max=0) + (words.positions - end + 1).clamp(min=0)


def pool_segments(rows: Tensor, words: PairWords) -> Tensor:
    """Compute the maxima of the five segments that the two entities cut a text into.

    Source: Zeng et al. 2015, "Distant Supervision for Relation Extraction via Piecewise
    Convolutional Neural Networks" (EMNLP), with three segments cut at the two entities; Luo et al.
    2017, "Segment convolutional neural networks (Seg-CNNs) for classifying relations in clinical
    notes" (doi:10.1093/jamia/ocx090), where the entities are separate segments.

    rows (Tensor): Rows of the words. *Shape:* (words, width)
    words (PairWords): The words.
    RETURNS (Tensor): The maxima, 0 for segments without words. *Shape:* (pairs, 5, width)
    """
    return _maxima(rows, words.segments, SEGMENTS * words.pairs).unflatten(
        0, (words.pairs, SEGMENTS)
    )


def pool_pairs(rows: Tensor, words: PairWords) -> Tensor:
    """Compute the maxima of all words of each pair.

    rows (Tensor): Rows of the words. *Shape:* (words, width)
    words (PairWords): The words.
    RETURNS (Tensor): The maxima. *Shape:* (pairs, 1, width)
    """
    return _maxima(rows, words.segments // SEGMENTS, words.pairs).unsqueeze(1)


def _maxima(rows: Tensor, groups: Tensor, count: int) -> Tensor:
    index = groups.unsqueeze(1).expand_as(rows)
    zeros = rows.new_zeros(count, rows.size(1))
    return zeros.scatter_reduce(0, index, rows, "amax", include_self=False)
