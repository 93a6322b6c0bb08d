"""An encoder without padding is plain Hugging Face, window by window."""

from collections.abc import Iterator
from typing import Any
from unittest import mock

import numpy
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoConfig, AutoModel, PretrainedConfig

from spacy_str_encoder.encoders import MODEL_FAMILIES, first_position
from spacy_str_encoder.layers import packing
from spacy_str_encoder.layers.packing import pack_chunks
from spacy_str_encoder.modules.encode import encode

CPU = torch.device("cpu")
SIZES = {
    "vocab_size": 40,
    "hidden_size": 16,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "max_position_embeddings": 24,
    "type_vocab_size": 2,
}
LAYERS = [3, 1, 0]
OWN_SETTINGS: dict[str, dict[str, Any]] = {
    "electra": {"embedding_size": 8},
    "ernie": {"use_task_id": True},
}


def make_config(family: str) -> PretrainedConfig:
    return AutoConfig.for_model(family, **SIZES, **OWN_SETTINGS.get(family, {}))


@pytest.fixture(params=MODEL_FAMILIES, scope="module")
def transformer(request: pytest.FixtureRequest) -> Any:
    torch.manual_seed(0)
    config = make_config(request.param)
    model = AutoModel.from_config(config, **MODEL_FAMILIES[request.param])
    for name, parameter in model.named_parameters():
        if "LayerNorm" not in name:
            torch.nn.init.normal_(parameter, std=0.4)
    return model.eval()


windows = st.lists(st.integers(2, 20), min_size=1, max_size=8)


def encode_windows(
    transformer: Any, lengths: list[int], gaps: list[int]
) -> tuple[torch.Tensor, list[torch.Tensor], list[slice]]:
    """Encode windows that lie in a batch with rows between them that belong to none."""
    starts = numpy.cumsum([0, *(a + b for a, b in zip(lengths, gaps, strict=True))])
    pieces = torch.zeros(3, int(starts[-1]), dtype=torch.int64)
    places = [slice(int(a), int(a) + n) for a, n in zip(starts, lengths, strict=False)]
    generator = torch.Generator().manual_seed(len(lengths))
    for place in places:
        count = place.stop - place.start
        pieces[0, place] = torch.randint(5, 40, (count,), generator=generator)
        pieces[1, place] = first_position(transformer.config) + torch.arange(count)
        pieces[2, place] = torch.randint(0, 2, (count,), generator=generator)
    chunks = pack_chunks(numpy.array(lengths), starts, CPU)
    return (
        pieces,
        encode(transformer, transformer.encoder.layer, pieces, chunks, returned=LAYERS),
        places,
    )


def plain_states(transformer: Any, pieces: torch.Tensor, place: slice) -> list[torch.Tensor]:
    output = transformer(
        pieces[0, place][None],
        token_type_ids=pieces[2, place][None],
        output_hidden_states=True,
    )
    return [output.hidden_states[number][0] for number in LAYERS]


@pytest.fixture(params=[(1024, 0.0), (1024, 1.0), (30, 0.0), (30, 0.25)], scope="module")
def packs(request: pytest.FixtureRequest) -> Iterator[None]:
    """As on a CPU, and with padding in attention, as on a GPU."""
    rows, padding = request.param
    with mock.patch.multiple(packing, CHUNK_ROWS=rows, PADDING=padding):
        yield


@pytest.mark.usefixtures("packs")
@settings(max_examples=10)
@given(lengths=windows, data=st.data())
def test_states_are_those_of_each_window_alone(
    transformer: Any, lengths: list[int], data: st.DataObject
) -> None:
    gaps = [data.draw(st.integers(0, 2)) for _ in lengths]
    with torch.no_grad():
        pieces, states, places = encode_windows(transformer, lengths, gaps)
        unused = torch.ones(pieces.shape[1], dtype=torch.bool)
        for place in places:
            unused[place] = False
            for actual, expected in zip(
                states, plain_states(transformer, pieces, place), strict=True
            ):
                torch.testing.assert_close(actual[place], expected, rtol=1e-4, atol=1e-4)
    for state in states:
        assert not state[unused].any()


@pytest.mark.usefixtures("packs")
def test_gradients_are_those_of_each_window_alone(transformer: Any) -> None:
    lengths = [7, 20, 7, 3, 18, 12, 12]
    pieces, states, places = encode_windows(transformer, lengths, [0] * len(lengths))
    weights = [
        torch.randn(state.shape, generator=torch.Generator().manual_seed(1)) for state in states
    ]
    loss = sum((a * b).sum() for a, b in zip(states, weights, strict=True))
    parameters = dict(transformer.named_parameters())
    actual = torch.autograd.grad(loss, list(parameters.values()), allow_unused=True)
    plain = sum(
        (state * weight[place]).sum()
        for place in places
        for state, weight in zip(plain_states(transformer, pieces, place), weights, strict=True)
    )
    expected = torch.autograd.grad(plain, list(parameters.values()), allow_unused=True)
    for name, left, right in zip(parameters, actual, expected, strict=True):
        assert (left is None) == (right is None), name
        if left is not None and right is not None:
            torch.testing.assert_close(left, right, rtol=1e-3, atol=1e-3, msg=name)


def test_windows_run_in_chunks_of_similar_length_without_padding() -> None:
    lengths = numpy.random.default_rng(0).integers(2, 200, 300)
    chunks = pack_chunks(lengths, numpy.cumsum([0, *lengths]), CPU)
    assert sum(len(chunk.rows) for chunk in chunks) == lengths.sum()
    assert all(len(chunk.rows) <= packing.CHUNK_ROWS for chunk in chunks)
    assert len(chunks) < 1.2 * lengths.sum() / packing.CHUNK_ROWS
    assert all(group.padding is None for chunk in chunks for group in chunk.groups)


def test_padding_is_bounded_where_groups_are_larger() -> None:
    lengths = numpy.random.default_rng(0).integers(2, 200, 300)
    with mock.patch.object(packing, "PADDING", 0.25):
        chunks = pack_chunks(lengths, numpy.cumsum([0, *lengths]), CPU)
    paddings = [group.padding for chunk in chunks for group in chunk.groups if group.padding]
    assert paddings
    for padding in paddings:
        counts = padding.present.sum(dim=1)
        assert counts.min() >= 0.75 * padding.present.shape[1]
