"""Pairs of entities, and the words around them, in torch only."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

# The most words that are looked at in one step: 16 MB with vectors of 256.
MAX_WORDS = 16384
# Before the first entity, the first entity, between the two, the second entity, after both.
SEGMENTS = 5


@dataclass(frozen=True)
class Pairs:
    """Pairs of entities, and which words are looked at for each. All tensors hold integers.

    texts (Tensor): The text that each pair is in. *Shape:* (pairs,)
    entities (Tensor): Start and end of the first entity, and of the second. *Shape:* (pairs, 4)
    bounds (Tensor): Start and end of the words that are looked at. *Shape:* (pairs, 2)
    """

    texts: Tensor
    entities: Tensor
    bounds: Tensor

    def __getitem__(self, pairs: slice) -> "Pairs":
        """pairs (slice): Some of the pairs.
        RETURNS (Pairs): These alone.
        """
        return Pairs(self.texts[pairs], self.entities[pairs], self.bounds[pairs])


@dataclass(frozen=True)
class PairWords:
    """The words of pairs, laid end to end without padding. All tensors hold integers.

    segments (Tensor): The segment that each word is in; those of the first pair come first.
        *Shape:* (words,)
    positions (Tensor): Where in its text each word is. *Shape:* (words,)
    texts (Tensor): The text that it is in. *Shape:* (words,)
    entities (Tensor): Start and end of the first entity of its pair, and of the second.
        *Shape:* (words, 4)
    pairs (int): The number of pairs.
    """

    segments: Tensor
    positions: Tensor
    texts: Tensor
    entities: Tensor
    pairs: int


def make_pairs(texts: Tensor, entities: Tensor, lengths: Tensor, *, context: int | None) -> Pairs:
    """Choose the words that are looked at for each pair.

    texts (Tensor): The text that each pair is in. *Shape:* (pairs,)
    entities (Tensor): Start and end of the first entity, and of the second, in text order.
        *Shape:* (pairs, 4)
    lengths (Tensor): The length of each text. *Shape:* (texts,)
    context (int | None): How many words on either side of the two; all words of the text if None.
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
    """Make a vector of each pair, with bounded memory. To learn from many pairs, each chunk is
    computed once more in the backward pass.

    pool (Callable[[Tensor, PairWords], Tensor]): Makes vectors from the rows of texts and the
        words of some pairs.
    rows (Tensor): The rows of each text. *Shape:* (texts, length, width of the rows)
    pairs (Pairs): The pairs, one or more.
    width (int): The width of the vectors.
    RETURNS (Tensor): The vectors. *Shape:* (pairs, width)
    """
    # No pair has more words than this, even if its entities overlap.
    longest = int((pairs.bounds[:, 1] - pairs.bounds[:, 0]).max()) * 2
    size, count = max(1, MAX_WORDS // longest), len(pairs.texts)
    if size < count and torch.is_grad_enabled():
        pool = partial(checkpoint, pool, use_reentrant=False)
    # In one place from the start: small vectors between large arrays would split up the memory.
    vectors = rows.new_zeros(count, width)
    for start in range(0, count, size):
        chunk = slice(start, start + size)
        vectors[chunk] = pool(rows, words_of(pairs[chunk]))
    return vectors


def words_of(pairs: Pairs) -> PairWords:
    """Lay out the words of pairs. A word that is in both entities comes twice.

    pairs (Pairs): The pairs.
    RETURNS (PairWords): Their words.
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

    rows (Tensor): The rows of each text. *Shape:* (texts, length, width)
    words (PairWords): The words.
    RETURNS (Tensor): Their rows. *Shape:* (words, width)
    """
    return rows[words.texts, words.positions]


def distance_to(entity: int, words: PairWords) -> Tensor:
    """How far words are from an entity of their pair.

    entity (int): 0 for the first of each pair, 1 for the second.
    words (PairWords): The words.
    RETURNS (Tensor): The distances: 0 within, negative before. *Shape:* (words,)
    """
    start, end = words.entities[:, 2 * entity], words.entities[:, 2 * entity + 1]
    return (words.positions - start).clamp(max=0) + (words.positions - end + 1).clamp(min=0)


def pool_segments(rows: Tensor, words: PairWords) -> Tensor:
    """Find the maxima of each of the five segments that the two entities cut a text into.

    Source: Zeng et al. 2015, "Distant Supervision for Relation Extraction via Piecewise
    Convolutional Neural Networks" (EMNLP), whose three segments are cut at the two entities; with
    segments of their own for the entities in Luo et al. 2017, "Segment convolutional neural
    networks (Seg-CNNs) for classifying relations in clinical notes" (doi:10.1093/jamia/ocx090).

    rows (Tensor): The rows of the words. *Shape:* (words, width)
    words (PairWords): The words.
    RETURNS (Tensor): The maxima, 0 for a segment without words. *Shape:* (pairs, 5, width)
    """
    return _maxima(rows, words.segments, SEGMENTS * words.pairs).unflatten(
        0, (words.pairs, SEGMENTS)
    )


def pool_pairs(rows: Tensor, words: PairWords) -> Tensor:
    """Find the maxima of all words of each pair.

    rows (Tensor): The rows of the words. *Shape:* (words, width)
    words (PairWords): The words.
    RETURNS (Tensor): The maxima. *Shape:* (pairs, 1, width)
    """
    return _maxima(rows, words.segments // SEGMENTS, words.pairs).unsqueeze(1)


def _maxima(rows: Tensor, groups: Tensor, count: int) -> Tensor:
    index = groups.unsqueeze(1).expand_as(rows)
    zeros = rows.new_zeros(count, rows.size(1))
    return zeros.scatter_reduce(0, index, rows, "amax", include_self=False)
