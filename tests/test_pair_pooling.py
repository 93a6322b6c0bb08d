"""Vectors of pairs against loops over words."""

from collections.abc import Callable
from functools import partial
from itertools import combinations_with_replacement

import numpy
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from spacy_str_encoder.modules import pair_words
from spacy_str_encoder.modules.capsules import PairCapsules, route, squash
from spacy_str_encoder.modules.pair_vectors import PairConvolutions, PairMaxima
from spacy_str_encoder.modules.pair_words import make_pairs

WIDTH = 6
MAX_DISTANCE = 2
LENGTHS = [7, 4, 9]
# The text of each pair, and the entities: apart, neighbours, overlapping, nested and the same.
TEXTS = [0, 0, 2, 2, 1, 2, 1]
ENTITIES = [
    [1, 2, 4, 6],
    [0, 3, 3, 7],
    [2, 5, 4, 6],
    [1, 8, 3, 5],
    [0, 1, 3, 4],
    [8, 9, 8, 9],
    [1, 3, 1, 3],
]

convolutions = partial(PairConvolutions, WIDTH, filters=4, max_distance=MAX_DISTANCE)
MODULES: dict[str, Callable[[], torch.nn.Module]] = {
    "maxima": partial(PairMaxima, WIDTH),
    "segments": partial(convolutions, filter_widths=[1, 2, 3], piecewise=True),
    "window": partial(convolutions, filter_widths=[4], piecewise=False),
    "capsules": partial(
        PairCapsules,
        WIDTH,
        capsules=2,
        capsule_width=3,
        pair_capsules=4,
        pair_capsule_width=5,
        routings=3,
    ),
}


@pytest.fixture(params=MODULES)
def module(request: pytest.FixtureRequest) -> torch.nn.Module:
    torch.manual_seed(0)
    return MODULES[request.param]().double()


def padded_words(lengths: list[int] = LENGTHS) -> Tensor:
    torch.manual_seed(1)
    words = torch.randn(len(lengths), max(lengths), WIDTH, dtype=torch.float64)
    for row, length in zip(words, lengths, strict=True):
        row[length:] = 0
    return words


def pool(module: torch.nn.Module, words: Tensor, context: int | None, **chosen: object) -> Tensor:
    pairs = make_pairs(
        torch.tensor(chosen.get("texts", TEXTS)),
        torch.tensor(chosen.get("entities", ENTITIES)),
        torch.tensor(chosen.get("lengths", LENGTHS)),
        context=context,
    )
    return module(words, pairs)


def segments_of(
    length: int, entities: list[int], context: int | None
) -> tuple[list[int], list[list[int]]]:
    """The words that are looked at, and those of each segment, one word at a time."""
    first, second = range(*entities[:2]), range(*entities[2:])
    window, segments = [], [[] for _ in range(5)]  # type: ignore[var-annotated]
    for word in range(length):
        from_pair = max(first.start - word, word - max(first[-1], second[-1]))
        if context is not None and from_pair > context:
            continue
        window.append(word)
        is_where = [
            word < first.start,
            word in first,
            first[-1] < word < second.start,
            word in second,
            word > max(first[-1], second[-1]),
        ]
        for segment, is_there in zip(segments, is_where, strict=True):
            segment.extend([word] * is_there)
    return window, segments


def maxima(rows: NDArray[numpy.float64], words: list[int]) -> NDArray[numpy.float64]:
    return rows[words].max(axis=0) if words else numpy.zeros(rows.shape[1])


@pytest.mark.parametrize("context", [None, 0, 1, 3])
def test_maxima_are_those_of_the_words_of_each_segment(context: int | None) -> None:
    words = padded_words()
    pooled = pool(PairMaxima(WIDTH), words, context).numpy()
    assert pooled.shape == (len(TEXTS), 5 * WIDTH)
    for vector, text, entities in zip(pooled, TEXTS, ENTITIES, strict=True):
        _, segments = segments_of(LENGTHS[text], entities, context)
        expected = [maxima(words[text].numpy(), segment) for segment in segments]
        numpy.testing.assert_array_equal(vector, numpy.concatenate(expected))


@pytest.mark.parametrize("context", [None, 0, 2])
@pytest.mark.parametrize("piecewise", [True, False])
def test_convolutions_add_up_words_and_distances(piecewise: bool, context: int | None) -> None:
    torch.manual_seed(0)
    widths = [1, 2, 3]
    module = convolutions(filter_widths=widths, piecewise=piecewise).double()
    words = padded_words()
    pooled = pool(module, words, context).detach().numpy()
    for vector, text, entities in zip(pooled, TEXTS, ENTITIES, strict=True):
        rows = numpy.array(
            [filtered(module, words[text], widths, word, entities) for word in range(LENGTHS[text])]
        )
        window, segments = segments_of(LENGTHS[text], entities, context)
        parts = [maxima(rows, part) for part in (segments if piecewise else [window])]
        numpy.testing.assert_allclose(vector, numpy.concatenate(parts), atol=1e-12)


def filtered(
    module: PairConvolutions, words: Tensor, widths: list[int], word: int, entities: list[int]
) -> NDArray[numpy.float64]:
    """What the filters see around a word."""
    sums = []
    for convolution, width in zip(module.convolutions, widths, strict=True):
        total = convolution.bias.clone()
        for i in range(width):
            at = word + i - (width - 1) // 2
            if 0 <= at < len(words):
                total += convolution.weight[:, :, i] @ words[at]
        sums.append(total)
    row = torch.cat(sums)
    for embedding, (start, end) in zip(module.places, (entities[:2], entities[2:]), strict=True):
        distance = word - start if word < start else max(0, word - end + 1)
        distance = max(-MAX_DISTANCE, min(MAX_DISTANCE, distance))
        row = row + embedding.weight[distance + MAX_DISTANCE]
    return row.relu().detach().numpy()


@pytest.mark.parametrize("context", [None, 0, 2])
def test_padding_and_other_pairs_change_nothing(
    module: torch.nn.Module, context: int | None
) -> None:
    words = padded_words()
    together = pool(module, words, context)
    for vector, text, entities in zip(together, TEXTS, ENTITIES, strict=True):
        length = LENGTHS[text]
        alone = pool(
            module,
            words[text : text + 1, :length],
            context,
            texts=[0],
            entities=[entities],
            lengths=[length],
        )
        torch.testing.assert_close(alone[0], vector)


@pytest.mark.parametrize("context", [None, 1])
@pytest.mark.parametrize("max_words", [1, 10, 20])
def test_chunks_change_neither_vectors_nor_gradients(
    module: torch.nn.Module,
    context: int | None,
    max_words: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def gradients() -> list[Tensor]:
        words = padded_words().requires_grad_()
        pooled = pool(module, words, context)
        weights = torch.randn(pooled.shape, generator=torch.Generator().manual_seed(2)).double()
        inputs = [words, *module.parameters()]
        return [pooled, *torch.autograd.grad((pooled * weights).sum(), inputs)]

    expected = gradients()
    monkeypatch.setattr(pair_words, "MAX_WORDS", max_words)
    for actual, whole in zip(gradients(), expected, strict=True):
        torch.testing.assert_close(actual, whole)


def test_many_pairs_are_looked_at_in_steps_of_bounded_size(
    module: torch.nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = []

    def words_of(pairs: pair_words.Pairs) -> pair_words.PairWords:
        words = lay_out(pairs)
        sizes.append(len(words.positions))
        return words

    lay_out = pair_words.words_of
    monkeypatch.setattr(pair_words, "words_of", words_of)
    monkeypatch.setattr(pair_words, "MAX_WORDS", 100)
    entities = [[i, i + 1, j, j + 1] for i, j in combinations_with_replacement(range(9), 2)]
    with torch.no_grad():
        vectors = pool(module, padded_words(), None, texts=[2] * len(entities), entities=entities)
    assert len(vectors) == len(entities) == 45
    assert max(sizes) <= 100
    # The words of an entity that is paired with itself come twice.
    assert sum(sizes) == 45 * 9 + 9


@given(st.lists(st.floats(-1e3, 1e3), min_size=3, max_size=3))
def test_a_squashed_capsule_keeps_its_direction(capsule: list[float]) -> None:
    vector = torch.tensor(capsule, dtype=torch.float64)
    length = float(vector.norm())
    expected = vector / max(length, 1e-300) * (length**2 / (1 + length**2))
    torch.testing.assert_close(squash(vector), expected, atol=1e-4, rtol=1e-4)


def test_a_capsule_of_zeros_has_a_gradient() -> None:
    zeros = torch.zeros(2, 3, requires_grad=True)
    squash(zeros).sum().backward()
    assert zeros.grad is not None and zeros.grad.isfinite().all()


@pytest.mark.parametrize("routings", [1, 2, 4])
def test_routing_follows_agreement(routings: int) -> None:
    votes = numpy.random.default_rng(0).normal(size=(2, 3, 4, 5))
    actual = route(torch.from_numpy(votes), routings=routings).numpy()
    for pair_votes, capsules in zip(votes, actual, strict=True):
        logits = numpy.zeros((3, 4))
        for _ in range(routings):
            shares = numpy.exp(logits) / numpy.exp(logits).sum(axis=1, keepdims=True)
            expected = numpy.zeros((4, 5))
            for j in range(4):
                total = sum(shares[i, j] * pair_votes[i, j] for i in range(3))
                square = (total**2).sum()
                expected[j] = square / (1 + square) * total / numpy.sqrt(square)
            for i in range(3):
                for j in range(4):
                    logits[i, j] += pair_votes[i, j] @ expected[j]
        numpy.testing.assert_allclose(capsules, expected, atol=1e-6)
