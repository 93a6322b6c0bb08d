import torch
from hypothesis import given
from hypothesis import strategies as st

from spacy_str_encoder.layers.range_maxima import range_maxima


@st.composite
def rows_and_ranges(draw: st.DrawFn) -> tuple[torch.Tensor, torch.Tensor]:
    n_rows, n_ranges = draw(st.integers(1, 70)), draw(st.integers(0, 20))
    torch.manual_seed(draw(st.integers(0, 1000)))
    # Few values, so that many of them tie; all below zero, which is what empty ranges have.
    rows = torch.randint(-5, 0, (n_rows, 3)).double()
    return rows, torch.randint(0, n_rows + 1, (2, n_ranges))


@given(rows_and_ranges())
def test_maxima(drawn: tuple[torch.Tensor, torch.Tensor]) -> None:
    rows, (start, end) = drawn
    maxima = range_maxima(rows, start, end)
    assert maxima.shape == (len(start), 3)
    for found, i, j in zip(maxima, start.tolist(), end.tolist(), strict=True):
        expected = [max(rows[i:j, column].tolist(), default=0.0) for column in range(3)]
        assert found.tolist() == expected


def test_gradients() -> None:
    torch.manual_seed(0)
    rows = torch.randn(12, 2, dtype=torch.double, requires_grad=True)
    start, end = torch.tensor([[0, 3, 5, 2, 11, 7], [12, 4, 11, 2, 12, 3]])
    assert torch.autograd.gradcheck(lambda rows: range_maxima(rows, start, end), rows)
