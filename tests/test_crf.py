"""The CRF against brute force over every tag path; what is legal is decided by a regex. Its
likelihood also against pytorch-crf."""

import re
from functools import cache
from itertools import product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torchcrf import CRF

from spacy_str_encoder.modules.crf import BiluoCRF, biluo_tags

LABELS = ["Body", "Degree-1"]


def make_crf(labels: list[str] = LABELS, dtype: torch.dtype = torch.float64) -> BiluoCRF:
    """A CRF whose transitions weigh as much as the emissions."""
    torch.manual_seed(0)
    crf = BiluoCRF(labels).to(dtype)
    for parameter in crf.parameters():
        torch.nn.init.normal_(parameter)
    return crf


def make_emissions(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def make_mask(*lengths: int) -> Tensor:
    return torch.arange(max(lengths)) < torch.tensor(lengths).unsqueeze(1)


def find_entities(tags: list[str], labels: list[str]) -> list[tuple[int, int, int]] | None:
    """Read the (start, end, label) of each entity, or None if the tags are illegal."""
    names = "|".join(map(re.escape, labels))
    entity = rf"U-(?:{names}) |B-({names}) (?:I-\1 )*L-\1 "
    # Inside of a repeated group, \1 is the label of the latest B.
    text = "".join(f"{tag} " for tag in tags)
    if not re.fullmatch(f"(?:O |{entity})*", text):
        return None
    return [
        (
            text[: match.start()].count(" "),
            text[: match.end()].count(" "),
            labels.index(match.group().split()[0][2:]),
        )
        for match in re.finditer(entity, text)
    ]


def legal_paths(crf: BiluoCRF, length: int) -> Tensor:
    paths = product(range(len(crf.tags)), repeat=length)
    keep = [p for p in paths if find_entities([crf.tags[i] for i in p], crf.labels) is not None]
    return torch.tensor(keep)


def path_scores(crf: BiluoCRF, emissions: Tensor, paths: Tensor) -> Tensor:
    """Score paths through one sequence, by the parameters as they are stored."""
    parameters = crf.crf
    score = parameters.start_transitions[paths[:, 0]] + parameters.end_transitions[paths[:, -1]]
    score = score + parameters.transitions[paths[:, :-1], paths[:, 1:]].sum(dim=1)
    return score + emissions[torch.arange(len(emissions)), paths].sum(dim=1)


def log_likelihood_of_pytorch_crf(crf: BiluoCRF, emissions: Tensor, tags: Tensor) -> Tensor:
    """The log likelihood of one sequence."""
    if len(tags) == 0:
        return emissions.sum()
    scores = {
        name: values.masked_fill(illegal, -1e6)
        for (name, values), illegal in zip(
            crf.crf.named_parameters(), is_illegal_of_two_labels(), strict=True
        )
    }
    oracle, mask = CRF(len(crf.tags), batch_first=True), make_mask(len(tags))
    return torch.func.functional_call(oracle, scores, (emissions[None], tags[None], mask))


@cache
def is_illegal_of_two_labels() -> tuple[Tensor, Tensor, Tensor]:
    return is_illegal(make_crf())


def is_illegal(crf: BiluoCRF) -> tuple[Tensor, Tensor, Tensor]:
    """Which starts, ends and transitions, in pytorch-crf's order of the parameters, occur in no
    legal path of up to four tags."""
    size = len(crf.tags)
    start, end, pair = torch.ones(size), torch.ones(size), torch.ones(size, size)
    for length in range(1, 5):
        paths = legal_paths(crf, length)
        start[paths[:, 0]] = 0
        end[paths[:, -1]] = 0
        pair[paths[:, :-1], paths[:, 1:]] = 0
    return start.bool(), end.bool(), pair.bool()


def all_spans(length: int, n_labels: int) -> list[tuple[int, int, int]]:
    starts_ends = [(i, j) for i in range(length) for j in range(i + 1, length + 1)]
    return [(start, end, label) for start, end in starts_ends for label in range(n_labels)]


def log_likelihood(crf: BiluoCRF, emissions: Tensor, paths: Tensor) -> Tensor:
    batch = emissions.expand(len(paths), -1, -1)
    return crf(batch, paths, torch.ones_like(paths, dtype=torch.bool))


def test_tags_keep_their_ids_when_a_label_is_added() -> None:
    assert biluo_tags([]) == ["O"]
    assert biluo_tags(["a", "b"]) == ["O", "B-a", "I-a", "L-a", "U-a", "B-b", "I-b", "L-b", "U-b"]
    assert biluo_tags(["a", "b", "c"])[:9] == biluo_tags(["a", "b"])


def test_a_label_given_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="once"):
        BiluoCRF(["a", "b", "a"])


def test_only_the_parameters_are_saved() -> None:
    names = [f"crf.{name}" for name in ("start_transitions", "end_transitions", "transitions")]
    assert list(BiluoCRF(LABELS).state_dict()) == names


def test_without_training_nothing_is_an_entity() -> None:
    crf, mask = BiluoCRF(LABELS), make_mask(5, 3, 1)
    assert not crf.decode(torch.zeros(3, 5, 9), mask).any()


@pytest.mark.parametrize("length", [1, 2, 3, 4])
def test_likelihood_is_that_of_brute_force(length: int) -> None:
    crf, emissions = make_crf(), make_emissions(length, 9)
    paths = legal_paths(crf, length)
    scores = path_scores(crf, emissions, paths)
    likelihoods = log_likelihood(crf, emissions, paths)
    torch.testing.assert_close(likelihoods, scores - scores.logsumexp(dim=0))
    torch.testing.assert_close(likelihoods.exp().sum().item(), 1.0)


@settings(deadline=None)
@given(
    st.integers(0, 2**31),
    st.lists(st.integers(0, 12), min_size=1, max_size=6),
    st.sampled_from([1, 100, 1e4]),
)
def test_likelihood_and_gradients_are_those_of_pytorch_crf(
    seed: int, lengths: list[int], scale: float
) -> None:
    crf, mask = make_crf(), make_mask(*lengths)
    torch.manual_seed(seed)
    emissions = (torch.randn(*mask.shape, 9).double() * scale).requires_grad_()
    # About half of the paths are legal.
    any_tags, legal_tags = torch.randint(9, mask.shape), crf.decode(emissions.flip(2), mask)
    tags = torch.where(torch.randint(2, (len(mask), 1)) == 1, any_tags, legal_tags)
    inputs = [emissions, *crf.parameters()]
    expected = torch.stack(
        [
            log_likelihood_of_pytorch_crf(crf, emissions[i, :length], tags[i, :length])
            for i, length in enumerate(lengths)
        ]
    )
    got, weights = crf(emissions, tags, mask), torch.randn(len(mask)).double()
    torch.testing.assert_close(got, expected)
    gradients, expected_gradients = (
        torch.autograd.grad(likelihoods, inputs, weights, materialize_grads=True)
        for likelihoods in (got, expected)
    )
    torch.testing.assert_close(gradients, expected_gradients)


def test_an_illegal_path_has_no_probability_and_finite_gradients() -> None:
    crf, emissions = make_crf(), make_emissions(3, 9).requires_grad_()
    legal = set(map(tuple, legal_paths(crf, 3).tolist()))
    illegal = torch.tensor([p for p in product(range(9), repeat=3) if p not in legal])
    likelihoods = log_likelihood(crf, emissions, illegal)
    likelihoods.sum().backward()
    assert likelihoods.exp().max() == 0
    assert likelihoods.isfinite().all()
    assert emissions.grad is not None and emissions.grad.isfinite().all()


@pytest.mark.parametrize("length", [1, 2, 3, 4])
def test_viterbi_finds_the_best_legal_path(length: int) -> None:
    crf = make_crf()
    emissions = make_emissions(20, length, 9)
    paths = legal_paths(crf, length)
    best = torch.stack([paths[path_scores(crf, one, paths).argmax()] for one in emissions])
    assert torch.equal(crf.decode(emissions, make_mask(*[length] * 20)), best)


@pytest.mark.parametrize("scale", [1, 1e4])
@pytest.mark.parametrize("length", [1, 2, 3, 4])
def test_entity_probabilities_are_those_of_brute_force(length: int, scale: float) -> None:
    crf, emissions = make_crf(), make_emissions(length, 9) * scale
    paths = legal_paths(crf, length)
    probabilities = path_scores(crf, emissions, paths).softmax(dim=0)
    found = [find_entities([crf.tags[i] for i in path], LABELS) or [] for path in paths.tolist()]
    spans = all_spans(length, 2)
    expected = [probabilities[[span in entities for entities in found]].sum() for span in spans]
    entities = torch.tensor([(0, *span) for span in spans])
    got = crf.entity_probabilities(emissions.unsqueeze(0), make_mask(length), entities)
    torch.testing.assert_close(got, torch.stack(expected))


@pytest.mark.parametrize("scale", [1, 1e4])
@pytest.mark.parametrize("length", [1, 2, 3, 4])
def test_beginnings_are_those_of_brute_force(length: int, scale: float) -> None:
    crf, emissions = make_crf(), make_emissions(length, 9) * scale
    paths = legal_paths(crf, length)
    probabilities = path_scores(crf, emissions, paths).softmax(dim=0)
    expected = torch.zeros(length, 2).double()
    for path, probability in zip(paths.tolist(), probabilities, strict=True):
        for start, _, label in find_entities([crf.tags[i] for i in path], LABELS) or []:
            expected[start, label] += probability
    got = crf.beginning_probabilities(emissions.unsqueeze(0), make_mask(length))
    torch.testing.assert_close(got[0], expected)


@pytest.mark.parametrize("junk", [0.0, 1e9, torch.nan, torch.inf])
def test_a_padded_batch_gives_what_single_sequences_give(junk: float) -> None:
    crf, lengths = make_crf(), [3, 1, 5, 0, 2]
    mask = make_mask(*lengths)
    emissions = make_emissions(5, 5, 9).masked_fill(~mask.unsqueeze(2), junk).requires_grad_()
    tags = torch.tensor([[0, 1, 3], [4, 0, 0], [5, 6, 6], [0, 0, 0], [8, 8, 0]])
    tags = torch.cat([tags, torch.tensor([[-1, -1]] * 2 + [[6, 7]] + [[-1, -1]] * 2)], dim=1)
    likelihoods, paths = crf(emissions, tags, mask), crf.decode(emissions, mask)
    rows = [(i, *span) for i, length in enumerate(lengths) for span in all_spans(length, 2)]
    probabilities = crf.entity_probabilities(emissions, mask, torch.tensor(rows).flip(0)).flip(0)
    beginnings = crf.beginning_probabilities(emissions, mask)
    assert not beginnings[~mask].any()
    for i, length in enumerate(lengths):
        one, whole = emissions[i : i + 1, :length], torch.ones(1, length, dtype=torch.bool)
        torch.testing.assert_close(likelihoods[i], crf(one, tags[i : i + 1, :length], whole)[0])
        assert paths[i].tolist() == crf.decode(one, whole)[0].tolist() + [0] * (5 - length)
        spans = torch.tensor([(0, *span) for span in all_spans(length, 2)])
        mine = torch.tensor([row[0] == i for row in rows])
        expected = crf.entity_probabilities(one, whole, spans)
        torch.testing.assert_close(probabilities[mine], expected)
        alone = crf.beginning_probabilities(one, whole)
        torch.testing.assert_close(beginnings[i : i + 1, :length], alone)
    likelihoods.sum().backward()
    assert emissions.grad is not None
    assert torch.equal(emissions.grad.any(dim=2), mask)


@pytest.mark.parametrize("batch,length", [(0, 0), (0, 4), (3, 0), (3, 4)])
def test_a_batch_without_tags(batch: int, length: int) -> None:
    crf = make_crf()
    emissions = make_emissions(batch, length, 9).requires_grad_()
    mask = torch.zeros(batch, length, dtype=torch.bool)
    likelihoods = crf(emissions, mask.long(), mask)
    likelihoods.sum().backward()
    assert likelihoods.tolist() == [0] * batch
    assert emissions.grad is not None and emissions.grad.count_nonzero() == 0
    assert crf.decode(emissions, mask).tolist() == [[0] * length] * batch
    no_entities = torch.zeros(0, 4, dtype=torch.long)
    assert crf.entity_probabilities(emissions, mask, no_entities).shape == (0,)
    assert crf.beginning_probabilities(emissions, mask).tolist() == [[[0] * 2] * length] * batch


def test_without_labels_all_is_outside() -> None:
    crf, mask = make_crf([]), make_mask(3, 1)
    emissions = make_emissions(2, 3, 1)
    torch.testing.assert_close(crf(emissions, mask.long() * 0, mask), torch.zeros(2).double())
    assert crf.decode(emissions, mask).tolist() == [[0] * 3] * 2


@pytest.mark.parametrize(
    "entity",
    [
        (0, 1, 3, 0),
        (0, 1, 1, 0),
        (0, -1, 1, 0),
        (0, 0, 1, 2),
        (0, 0, 1, -1),
        (7, 0, 1, 0),
        (-1, 0, 1, 0),
    ],
)
def test_an_entity_outside_of_its_sequence_is_refused(entity: tuple[int, ...]) -> None:
    entities = torch.tensor([(1, 0, 3, 0), entity])
    with pytest.raises(ValueError, match=re.escape(str(list(entity)))):
        make_crf().entity_probabilities(make_emissions(2, 3, 9), make_mask(2, 3), entities)


def test_gradients_are_those_of_finite_differences() -> None:
    crf, mask = make_crf(["a"]), make_mask(3, 0, 1, 2)
    tags = torch.tensor([[1, 2, 3], [0, 0, 0], [4, 0, 0], [0, 4, 0]])
    names, parameters = zip(*crf.named_parameters(), strict=True)

    def likelihoods(emissions: Tensor, *values: Tensor) -> Tensor:
        named = dict(zip(names, values, strict=True))
        return torch.func.functional_call(crf, named, (emissions, tags, mask))

    inputs = (make_emissions(4, 3, 5).requires_grad_(), *parameters)
    assert torch.autograd.gradcheck(likelihoods, inputs)


def test_training_leaves_what_is_illegal_alone() -> None:
    crf, emissions = make_crf(), make_emissions(4, 9)
    before = [p.detach().clone() for p in crf.crf.parameters()]
    optimizer = torch.optim.Adam(crf.parameters(), lr=5.0)
    for gold in [[0, 1, 2, 3], [5, 6, 7, 0], [4, 0, 8, 4]]:
        optimizer.zero_grad()
        (-log_likelihood(crf, emissions, torch.tensor([gold]))).sum().backward()
        optimizer.step()
    for old, new, illegal in zip(before, crf.crf.parameters(), is_illegal(crf), strict=True):
        assert torch.equal(old != new, ~illegal)
    paths = legal_paths(crf, 4)
    torch.testing.assert_close(log_likelihood(crf, emissions, paths).exp().sum().item(), 1.0)


def test_stored_scores_of_what_is_illegal_do_not_matter() -> None:
    crf, emissions, mask = make_crf(), make_emissions(6, 4, 9), make_mask(4, 4, 3, 2, 1, 4)
    entities = torch.tensor([(i % 6, 0, 1, i % 2) for i in range(12)])

    def outputs() -> list[Tensor]:
        likelihoods = crf(emissions, mask.long() * 0, mask)
        probabilities = crf.entity_probabilities(emissions, mask, entities)
        return [likelihoods, crf.decode(emissions, mask), probabilities]

    before = outputs()
    for parameter, illegal in zip(crf.crf.parameters(), is_illegal(crf), strict=True):
        parameter.data[illegal] = 1e7
    torch.testing.assert_close(outputs(), before, rtol=0, atol=0)


EXTREMES = [0.0, 1.0, -1.0, 1e5, -1e5, 1e30, -1e30, 3e38, torch.inf, -torch.inf, torch.nan]


@settings(deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 12), st.lists(st.sampled_from(EXTREMES), max_size=40))
def test_decoding_is_always_legal(seed: int, length: int, extremes: list[float]) -> None:
    crf = make_crf(dtype=torch.float32)
    torch.manual_seed(seed)
    emissions = torch.randn(3, length, 9) * 100
    places = torch.randint(emissions.numel(), (len(extremes),))
    emissions.view(-1)[places] = torch.tensor(extremes)
    for path in crf.decode(emissions, make_mask(length, length, length)).tolist():
        assert find_entities([crf.tags[i] for i in path], LABELS) is not None


def test_decoding_asks_the_device_for_no_value() -> None:
    """On the meta device, which has no values, .item() is an error. The mask is on the CPU."""
    crf = make_crf().to("meta")
    emissions, mask = make_emissions(2, 5, 9).to("meta"), make_mask(5, 2)
    assert crf.decode(emissions, mask).shape == (2, 5)


def test_the_spans_of_a_long_sequence_share_one_probability() -> None:
    """Either one of the spans from here on is an entity, or none begins here; the latter is read
    from the normalizers with and without a beginning, whose ratio is that of two likelihoods."""
    length, here = 2000, 1000
    crf = make_crf(dtype=torch.float32)
    emissions, outside = make_emissions(1, length, 9), torch.zeros(1, length, dtype=torch.long)
    mask = make_mask(length)
    emissions[0, here + 20 : here + 60, 2] += 9  # long entities too
    spans = [(0, here, end, label) for end in range(here + 1, length + 1) for label in range(2)]
    got = crf.entity_probabilities(emissions.float(), mask, torch.tensor(spans))
    assert got.dtype == torch.float32
    assert got.min() >= 0 and got.max() <= 1
    crf = crf.double()
    without = emissions.clone()
    without[0, here, [1, 4, 5, 8]] = -1e4
    ratio = crf(emissions, outside, mask) - crf(without, outside, mask)
    torch.testing.assert_close(got.double().sum() + ratio.exp()[0], torch.tensor(1.0).double())


def test_float32_is_enough_for_large_scores() -> None:
    crf, length = make_crf(dtype=torch.float32), 3000
    emissions = make_emissions(1, length, 9) * 30
    spans = torch.tensor([(0, i, i + n, x) for i in range(2990) for n in (1, 2, 7) for x in (0, 1)])
    got = crf.entity_probabilities(emissions.float(), make_mask(length), spans)
    exact = crf.double().entity_probabilities(emissions, make_mask(length), spans)
    assert exact.max() > 0.99
    torch.testing.assert_close(got, exact.float(), rtol=0, atol=1e-4)


def test_a_resized_crf_keeps_its_parameters() -> None:
    crf = make_crf().eval()
    resized = crf.resized([*LABELS, "new"])
    assert resized.tags == biluo_tags([*LABELS, "new"])
    assert not resized.training
    emissions, without_new = make_emissions(4, 5, 13), torch.tensor([0.0] * 9 + [-1e9] * 4)
    mask, tags = make_mask(5, 3, 1, 2), torch.zeros(4, 5, dtype=torch.long)
    old = crf(emissions[:, :, :9], tags, mask)
    torch.testing.assert_close(resized(emissions + without_new, tags, mask), old)
    assert not any(p[..., 9:].any() for p in resized.crf.parameters())
    torch.nn.init.zeros_(resized.crf.transitions)
    assert crf.crf.transitions.count_nonzero() == 81, "the old CRF is another one"


@pytest.mark.parametrize("labels", [[], LABELS[:1], LABELS[::-1], ["new", *LABELS]])
def test_labels_cannot_be_dropped_or_moved(labels: list[str]) -> None:
    with pytest.raises(ValueError, match="Add new labels at the end"):
        make_crf().resized(labels)
