"""The nested CRF against brute force over all sets of entities of each label."""

from collections.abc import Iterator
from itertools import combinations, pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from spacy_str_encoder.modules.nested_crf import NestedCRF

LABELS = ["Finding", "Body", "Degree"]
WIDTH = 1 + 4 * len(LABELS)

# Start and end.
Place = tuple[int, int]


def make_crf(labels: list[str] = LABELS) -> NestedCRF:
    torch.manual_seed(0)
    crf = NestedCRF(labels).double()
    for parameter in crf.parameters():
        torch.nn.init.normal_(parameter)
    return crf


def make_emissions(*shape: int, scale: float = 1.0) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(*shape, dtype=torch.float64, generator=generator) * scale


def make_mask(*lengths: int) -> Tensor:
    return torch.arange(max(lengths)) < torch.tensor(lengths).unsqueeze(1)


def all_places(length: int) -> list[Place]:
    return [(start, end) for start in range(length) for end in range(start + 1, length + 1)]


def flat_sets(length: int) -> Iterator[tuple[Place, ...]]:
    """All sets of spans of a sequence that do not overlap."""
    for size in range(length + 1):
        for places in combinations(all_places(length), size):
            tokens = [token for place in places for token in range(*place)]
            if len(tokens) == len(set(tokens)):
                yield places


def score(crf: NestedCRF, emissions: Tensor, label: int, places: tuple[Place, ...]) -> Tensor:
    """Score the entities of a label in one sequence, tag by tag."""
    parts = ["O"] * len(emissions)
    for start, end in places:
        parts[start:end] = ["U"] if end - start == 1 else ["B", *"I" * (end - start - 2), "L"]
    names, scores = "OBILU", crf.shared.crf
    path = [names.index(part) for part in parts]
    total = scores.start_transitions[path[0]] + scores.end_transitions[path[-1]]
    for tag, after in pairwise(path):
        total = total + scores.transitions[tag, after]
    for row, tag in zip(emissions, path, strict=True):
        total = total + (row[0] if tag == 0 else row[4 * label + tag])
    return total


@pytest.mark.parametrize("length", [1, 2, 3, 4])
@pytest.mark.parametrize("scale", [1.0, 30.0])
def test_likelihood_entities_and_probabilities(length: int, scale: float) -> None:
    crf, emissions = make_crf(), make_emissions(1, length, WIDTH, scale=scale)
    mask, sets = make_mask(length), list(flat_sets(length))
    best, gold, expected = [], [], torch.zeros(())
    for label in range(len(LABELS)):
        scores = torch.stack([score(crf, emissions[0], label, places) for places in sets])
        best += [(*place, label) for place in sets[int(scores.argmax())]]
        chosen = (7 * label + 3) % len(sets)
        gold += [(*place, label) for place in sets[chosen]]
        expected = expected + scores.log_softmax(dim=0)[chosen]
        for place in all_places(length):
            has = torch.tensor([place in places for places in sets])
            row = torch.tensor([(0, *place, label)])
            got = crf.entity_probabilities(emissions, mask, row)[0]
            torch.testing.assert_close(got, scores.softmax(dim=0)[has].sum())
        begins = [
            [any(start == i for start, _ in places) for i in range(length)] for places in sets
        ]
        got = crf.beginning_probabilities(emissions, mask)[0, :, label]
        torch.testing.assert_close(got, scores.softmax(dim=0) @ torch.tensor(begins).double())
    likelihood = crf(emissions, crf.write_entities(gold, length).unsqueeze(0), mask)
    torch.testing.assert_close(likelihood, expected.unsqueeze(0))
    found = crf.find_entities(emissions, mask).tolist()
    assert sorted(tuple(row[1:]) for row in found) == sorted(best)


def test_a_padded_batch_gives_what_single_sequences_give() -> None:
    crf, lengths = make_crf(), [3, 1, 5, 0, 2]
    mask, emissions = make_mask(*lengths), make_emissions(5, 5, WIDTH)
    tags = torch.zeros(5, 5, len(LABELS), dtype=torch.long)
    found = crf.find_entities(emissions, mask)
    assert len(found) > 3
    assert found[:, 0].tolist() == sorted(found[:, 0].tolist())
    likelihoods = crf(emissions, tags, mask)
    probabilities = crf.entity_probabilities(emissions, mask, found)
    beginnings = crf.beginning_probabilities(emissions, mask)
    for i, length in enumerate(lengths):
        one, whole = emissions[i : i + 1, :length], torch.ones(1, length, dtype=torch.bool)
        torch.testing.assert_close(likelihoods[i], crf(one, tags[i : i + 1, :length], whole)[0])
        alone = crf.find_entities(one, whole)
        mine = found[:, 0] == i
        assert torch.equal(found[mine][:, 1:], alone[:, 1:])
        expected = crf.entity_probabilities(one, whole, alone)
        torch.testing.assert_close(probabilities[mine], expected)
        expected = crf.beginning_probabilities(one, whole)
        torch.testing.assert_close(beginnings[i : i + 1, :length], expected)


entities = st.tuples(st.integers(0, 5), st.integers(1, 4), st.integers(0, 2))


@given(st.lists(entities, max_size=8))
def test_written_entities_are_those_that_are_read(drawn: list[tuple[int, int, int]]) -> None:
    """Very certain emissions make the tags that were written the best ones."""
    rows = [(start, start + length, label) for start, length, label in drawn]
    crf = NestedCRF(LABELS).double()
    tags = crf.write_entities(rows, 10)
    emissions = torch.full((1, 10, WIDTH), -100.0, dtype=torch.float64)
    emissions[..., 0] = 0
    for token, label in tags.nonzero().tolist():
        emissions[0, token, 4 * label + tags[token, label]] = 200
    read = {tuple(row[1:]) for row in crf.find_entities(emissions, make_mask(10)).tolist()}
    assert read == outermost(rows)


def outermost(rows: list[tuple[int, int, int]]) -> set[tuple[int, int, int]]:
    """Of overlapping entities with a label, the one that starts first, or is longer."""
    kept: set[tuple[int, int, int]] = set()
    for start, end, label in sorted(set(rows), key=lambda row: (row[0], -row[1])):
        if all(e <= start or end <= s for s, e, other in kept if other == label):
            kept.add((start, end, label))
    return kept


def test_before_training_there_are_no_entities() -> None:
    crf = NestedCRF(LABELS)
    zeros, mask = torch.zeros(2, 6, WIDTH), make_mask(6, 3)
    assert len(crf.find_entities(zeros, mask)) == 0
    everywhere = torch.tensor([(0, *place, 1) for place in all_places(6)])
    assert crf.entity_probabilities(zeros, mask, everywhere).max() < 0.05


@settings(max_examples=20)
@given(st.integers(0, 3))
def test_new_labels_change_nothing_for_the_others(n_new: int) -> None:
    crf, mask = make_crf(LABELS[:1]), make_mask(4, 2)
    emissions = make_emissions(2, 4, 5 + 4 * n_new)
    resized = crf.resized([LABELS[0], *map(str, range(n_new))])
    found = resized.find_entities(emissions, mask)
    old = found[found[:, 3] == 0]
    assert torch.equal(old, crf.find_entities(emissions[..., :5], mask))
    torch.testing.assert_close(
        resized.entity_probabilities(emissions, mask, old),
        crf.entity_probabilities(emissions[..., :5], mask, old),
    )
    with pytest.raises(ValueError, match="Add new labels at the end"):
        crf.resized(["other"])


def test_labels_must_be_unique() -> None:
    with pytest.raises(ValueError, match="given once"):
        NestedCRF(["A", "A"])


def test_without_labels_there_is_nothing() -> None:
    crf, emissions, mask = NestedCRF([]), make_emissions(2, 3, 1), make_mask(3, 1)
    tags = crf.write_entities([], 3).expand(2, -1, -1)
    assert crf(emissions, tags, mask).tolist() == [0, 0]
    assert crf.find_entities(emissions, mask).shape == (0, 4)
