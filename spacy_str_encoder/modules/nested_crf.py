"""Conditional random field (CRF) whose entities may overlap, in torch only."""

from collections.abc import Sequence
from copy import deepcopy

import torch
from torch import Tensor
from torch.nn.functional import pad

from .crf import BiluoCRF, check_extended, check_unique, entity_path, read_entities

# The initial score of each transition to a tag that begins an entity: few tokens begin one.
BEGINNING = -3.0


class NestedCRF(torch.nn.Module):
    """CRF with one tag sequence for each label, so that entities of different labels may nest,
    cross, or lie in one place. Entities of the same label can't overlap.

    It takes the emissions of a `BiluoCRF` with the same labels: the sequence of a label reads those
    of "O" and of its own four tags. All sequences share their transitions, so new labels need no
    new parameters. Before training, all tags are "O", and entities are improbable.

    In all methods, `mask` is as in `BiluoCRF`.
    """

    labels: list[str]
    columns: Tensor

    def __init__(self, labels: Sequence[str]) -> None:
        """Initialize the scores.

        labels (Sequence[str]): The entity labels, without duplicates.
        """
        super().__init__()
        check_unique(labels)
        self.labels = list(labels)
        self.shared = BiluoCRF([""])
        with torch.no_grad():
            # B and U
            self.shared.crf.start_transitions[1::3] = BEGINNING
            self.shared.crf.transitions[:, 1::3] = BEGINNING
        # shape: (labels, 5), the columns of O, B, I, L and U
        columns = pad(1 + torch.arange(4 * len(labels)).view(-1, 4), (1, 0))
        # They follow from the labels, so they are not saved with the parameters.
        self.register_buffer("columns", columns, persistent=False)

    def forward(self, emissions: Tensor, tags: Tensor, mask: Tensor) -> Tensor:
        """Compute the log likelihood of the tags of each sequence, summed over labels.

        emissions (Tensor): The scores of the tags. *Shape:* (batch, length, tags)
        tags (Tensor): The gold tags of each label, as `write_entities` returns them. *Shape:*
            (batch, length, labels)
        mask (Tensor): True on the positions of a sequence. *Shape:* (batch, length)
        RETURNS (Tensor): The log likelihoods. *Shape:* (batch,)
        """
        emissions, each_mask = self._split(emissions, mask)
        likelihoods = self.shared(emissions, tags.transpose(1, 2).flatten(0, 1), each_mask)
        return likelihoods.view(len(mask), len(self.labels)).sum(dim=1)

    def write_entities(self, entities: Sequence[tuple[int, int, int]], length: int) -> Tensor:
        """Write entities as tags. Of overlapping entities with the same label, the one that starts
        first is written, or the longer one.

        entities (Sequence[tuple[int, int, int]]): Start, end and label of each entity.
        length (int): The length of the sequence.
        RETURNS (Tensor): The ids of the tags O, B, I, L and U. *Shape:* (length, labels)
        """
        tags = torch.zeros(length, len(self.labels), dtype=torch.long)
        for start, end, label in sorted(entities, key=lambda each: (each[0], -each[1])):
            if not tags[start:end, label].any():
                tags[start:end, label] = torch.tensor(entity_path(0, end - start))
        return tags

    def find_entities(self, emissions: Tensor, mask: Tensor) -> Tensor:
        """Find the entities of the best tags of each label.

        emissions (Tensor): The scores of the tags. *Shape:* (batch, length, tags)
        mask (Tensor): True on the positions of a sequence. *Shape:* (batch, length)
        RETURNS (Tensor): The sequence, start, end (exclusive) and label index of each entity.
            *Shape:* (entities, 4)
        """
        found = read_entities(self.shared.decode(*self._split(emissions, mask)))
        each, start, end, _ = found.unbind(dim=1)
        n_labels = len(self.labels)
        return torch.stack([each // n_labels, start, end, each % n_labels], dim=1)

    def entity_probabilities(self, emissions: Tensor, mask: Tensor, entities: Tensor) -> Tensor:
        """Compute the probability of each entity, see `BiluoCRF.entity_probabilities`.

        emissions (Tensor): The scores of the tags. *Shape:* (batch, length, tags)
        mask (Tensor): True on the positions of a sequence. *Shape:* (batch, length)
        entities (Tensor): The sequence, start, end (exclusive) and label index of each entity, as
            integers. *Shape:* (entities, 4)
        RETURNS (Tensor): The probabilities. *Shape:* (entities,)
        """
        sequence, start, end, label = entities.unbind(dim=1)
        each = sequence * len(self.labels) + label
        rows = torch.stack([each, start, end, torch.zeros_like(label)], dim=1)
        return self.shared.entity_probabilities(*self._split(emissions, mask), rows)

    def beginning_probabilities(self, emissions: Tensor, mask: Tensor) -> Tensor:
        """Compute the probability that an entity of each label begins at each position, see
        `BiluoCRF.beginning_probabilities`.

        emissions (Tensor): The scores of the tags. *Shape:* (batch, length, tags)
        mask (Tensor): True on the positions of a sequence. *Shape:* (batch, length)
        RETURNS (Tensor): The probabilities, 0 in the padding. *Shape:* (batch, length, labels)
        """
        each = self.shared.beginning_probabilities(*self._split(emissions, mask))
        return each.view(len(mask), len(self.labels), mask.size(1)).transpose(1, 2)

    def resized(self, labels: Sequence[str]) -> "NestedCRF":
        """Create a CRF for more labels with the parameters of this one.

        labels (Sequence[str]): The labels of this CRF, followed by new ones.
        RETURNS (NestedCRF): The new CRF, on the same device.
        """
        check_extended(self.labels, labels)
        resized = NestedCRF(labels).to(self.columns.device).train(self.training)
        resized.shared = deepcopy(self.shared)
        return resized

    def _split(self, emissions: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """RETURNS (tuple[Tensor, Tensor]): The emissions of each sequence and label, *shape:*
        (batch * labels, length, 5), and their mask, *shape:* (batch * labels, length).
        """
        each = emissions[:, :, self.columns].transpose(1, 2).flatten(0, 1)
        return each, mask.repeat_interleave(len(self.labels), dim=0)
