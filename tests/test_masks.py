"""The masks against their definition, position by position."""

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from spacy_str_encoder.modules.masks import cls_mask, ner_mask, pair_mask

from .oracles import full_mask


@st.composite
def pairs_in_focus(draw: st.DrawFn) -> tuple[list[set[int]], int]:
    length = draw(st.integers(1, 6))
    positions = st.sets(st.integers(0, length - 1))
    return [{0, *pieces} for pieces in draw(st.lists(positions, max_size=3))], length


def as_rows(pairs: list[set[int]], length: int) -> Tensor:
    rows = [[j in in_focus for j in range(length)] for in_focus in pairs]
    return torch.tensor(rows, dtype=torch.bool).view(len(pairs), length)


@given(pairs_in_focus())
def test_cls_mask_confines_cls_alone(case: tuple[list[set[int]], int]) -> None:
    pairs, length = case
    masks = cls_mask(as_rows(pairs, length))
    assert masks.shape == (len(pairs), length, length)
    for mask, in_focus in zip(masks, pairs, strict=True):
        assert torch.equal(mask, full_mask("cls", in_focus, length))


@given(pairs_in_focus())
def test_pair_mask_confines_cls_and_both_entities(case: tuple[list[set[int]], int]) -> None:
    pairs, length = case
    masks = pair_mask(as_rows(pairs, length))
    assert masks.shape == (len(pairs), length, length)
    for mask, in_focus in zip(masks, pairs, strict=True):
        rows = sorted(in_focus)
        assert torch.equal(mask[rows], full_mask("pair", in_focus, length)[rows])


@given(pairs_in_focus())
def test_every_row_sees_something(case: tuple[list[set[int]], int]) -> None:
    pairs, length = case
    in_focus = as_rows(pairs, length)
    for masks in (cls_mask(in_focus), pair_mask(in_focus), ner_mask(length)):
        assert masks.any(dim=-1).all()


@given(st.integers(0, 5))
def test_ner_mask_hides_nothing(length: int) -> None:
    assert ner_mask(length).tolist() == [[True] * length] * length
