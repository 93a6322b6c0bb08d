"""Benchmarks of the focused layers against one pass of the encoder and naive implementations."""

from functools import partial
from itertools import combinations
from typing import Any

import numpy
import torch
from transformers import BertConfig, BertModel

import floors
from measure import Result, ratio
from spacy_str_encoder.layers.focus_rows import CLS, FIRST, SECOND, FocusRows
from spacy_str_encoder.layers.run_focused import run_focused
from spacy_str_encoder.layers.str_encoder import ENTITY_STATE, SHARED_STATE
from spacy_str_encoder.modules.masks import MaskName, cls_mask, pair_mask
from workload import BERT_BASE, ENTITY_LENGTHS, Sentence, Shape, make_sentences

PIECES = 64
PAIRS = 28
# [CLS] and two entities of two pieces on average.
ROWS = 1 + 2 * sum(ENTITY_LENGTHS) / len(ENTITY_LENGTHS)


class Batch:
    """Sentences of the same length, and an encoder with random weights."""

    def __init__(self, shape: Shape, sentences: list[Sentence], device: torch.device) -> None:
        """Create the encoder.

        shape (Shape): The size of the encoder.
        sentences (list[Sentence]): The sentences.
        device (torch.device): The device.
        """
        config = BertConfig(
            vocab_size=1000,
            hidden_size=shape.width,
            num_hidden_layers=shape.layers,
            num_attention_heads=shape.heads,
            intermediate_size=4 * shape.width,
            attn_implementation="sdpa",
        )
        torch.manual_seed(0)
        self.model: Any = BertModel(config, add_pooling_layer=False).eval().to(device)
        self.pieces = torch.randint(5, 1000, (len(sentences), PIECES), device=device)
        self.rows = _focus_rows(sentences)

    def encode(self) -> Any:
        """Encode the sentences.

        RETURNS (tuple[Tensor, ...]): The states of all layers.
        """
        return self.model(self.pieces, output_hidden_states=True).hidden_states

    def find(self, focus_layers: int, mask: MaskName) -> torch.Tensor:
        """Encode the sentences, and run the focused layers for all pairs.

        focus_layers (int): The number of focused layers, K.
        mask (Literal["cls", "pair"]): The mask.
        RETURNS (Tensor): The state of `[CLS]` for each pair.
        """
        hidden_states = self.encode()
        shared = len(hidden_states) - 1 - focus_layers
        states = {
            SHARED_STATE: hidden_states[shared].flatten(0, 1),
            ENTITY_STATE: hidden_states[shared + 1].flatten(0, 1),
        }
        layers = self.model.encoder.layer[-focus_layers:]
        return run_focused(layers, states, self.rows, mask=mask)

    def find_under_whole_mask(self, focus_layers: int, mask: MaskName) -> torch.Tensor:
        """Encode the sentences, and run the last layers again on all rows, with the pairs of a
        sentence in one batch.

        focus_layers (int): The number of focused layers, K.
        mask (Literal["cls", "pair"]): The mask.
        RETURNS (Tensor): The state of `[CLS]` for each pair.
        """
        make_mask = cls_mask if mask == "cls" else pair_mask
        shared = self.encode()[-1 - focus_layers]
        vectors = []
        for state, in_focus in zip(shared, self._in_focus(), strict=True):
            hidden_states = state.expand(PAIRS, -1, -1)
            attention_mask = make_mask(in_focus)[:, None]
            for layer in self.model.encoder.layer[-focus_layers:]:
                hidden_states = layer(hidden_states, attention_mask=attention_mask)[0]
            vectors.append(hidden_states[:, 0])
        return torch.cat(vectors)

    def find_by_encoding_again(self) -> None:
        """Encode the sentences, and encode each again for each of its pairs, with the pairs of a
        sentence in one batch. There is no mask, which makes this faster.
        """
        self.encode()
        for pieces in self.pieces:
            self.model(pieces.expand(PAIRS, -1))

    def _in_focus(self) -> torch.Tensor:
        in_focus = torch.from_numpy(self.rows.in_focus).to(self.pieces.device)
        return in_focus.view(-1, PAIRS, PIECES)


def _focus_rows(sentences: list[Sentence]) -> FocusRows:
    parts = numpy.zeros((len(sentences) * PAIRS, PIECES), dtype="uint8")
    parts[:, 0] = CLS
    pairs = [pair for sentence in sentences for pair in combinations(sentence.entities, 2)]
    for row, pair in zip(parts, pairs, strict=True):
        for part, (start, end) in zip((FIRST, SECOND), pair, strict=True):
            row[1 + start : 1 + end] |= part
    return FocusRows(
        window_start=numpy.repeat(numpy.arange(len(sentences)) * PIECES, PAIRS),
        lengths=numpy.full(len(pairs), PIECES),
        parts=parts,
        reachable=numpy.ones(len(pairs), dtype=bool),
        marks=numpy.zeros((len(pairs), 2), dtype="int64"),
    )


@torch.no_grad()
def measure(device: torch.device) -> list[Result]:
    """Run the benchmarks.

    device (torch.device): The device.
    RETURNS (list[Result]): The ratios.
    """
    batch = Batch(BERT_BASE, make_sentences(4, pieces=PIECES), device)
    assert torch.allclose(batch.find(4, "pair"), batch.find_under_whole_mask(4, "pair"), atol=1e-4)
    assert torch.allclose(batch.find(4, "cls"), batch.find_under_whole_mask(4, "cls"), atol=1e-4)
    plain = floors.plain(BERT_BASE.layers, PIECES)

    def passes(of_a_pair: float) -> float:
        return 1 + PAIRS * of_a_pair / plain

    floor_pair = passes(floors.pair_mask(4, ROWS))
    results = [
        ratio(
            "NER path and all pairs / one plain pass: Eq. 14, K=4",
            partial(batch.find, 4, "pair"),
            batch.encode,
            floor=floor_pair,
            target="≤ 1.9",
        )
    ]
    for focus_layers, target in ((2, "≤ 1.2"), (3, "≤ 1.5"), (4, "≤ 3.8")):
        results.append(
            ratio(
                f"NER path and all pairs / one plain pass: Eq. 13, K={focus_layers}",
                partial(batch.find, focus_layers, "cls"),
                batch.encode,
                floor=passes(floors.cls_mask(focus_layers, ROWS, PIECES)),
                target=target,
            )
        )
    whole = passes(floors.whole_mask(4, PIECES))
    floor_cls = passes(floors.cls_mask(4, ROWS, PIECES))
    masks: tuple[tuple[MaskName, str, float, str], ...] = (
        ("pair", "Eq. 14", floor_pair, "≥ 5"),
        ("cls", "Eq. 13", floor_cls, "≥ 2.7"),
    )
    for mask, name, floor, target in masks:
        results.append(
            ratio(
                f"the last K layers again under the whole mask / ours: {name}, K=4",
                partial(batch.find_under_whole_mask, 4, mask),
                partial(batch.find, 4, mask),
                floor=whole / floor,
                target=target,
                repeats=11,
            )
        )
    results.append(
        ratio(
            "encoding the sentence again for each pair / ours: Eq. 14, K=4",
            batch.find_by_encoding_again,
            partial(batch.find, 4, "pair"),
            floor=(1 + PAIRS) / floor_pair,
            target="≥ 15",
            repeats=3,
        )
    )
    return results
