"""Linear-chain CRF over BILUO tags, in torch only.

The CRF (Lafferty et al. 2001) is used for entities as in Xue et al. 2019, "Fine-tuning BERT for
Joint Entity and Relation Extraction in Chinese Medical Text" (arXiv 1908.07721, Eqs. 9-12). The
likelihood is computed by pytorch-crf. This module also rules out illegal tag sequences, decodes in
batches, and computes the probabilities of entities.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.func import functional_call
from torch.nn.functional import pad
from torchcrf import CRF

# Finite, so that an illegal gold path gives a large loss and not NaN, but too low for emissions
# below 1e5 to outweigh it.
ILLEGAL = -1e6


def biluo_tags(labels: Sequence[str]) -> list[str]:
    """List the tags of labels: "O", then four tags per label (BIEOS in the paper; E=L, S=U). The
    tags have the order of the labels, so adding a label at the end changes no tag id.

    labels (Sequence[str]): The entity labels.
    RETURNS (list[str]): The tags. The id of a tag is its index.
    """
    return ["O"] + [f"{prefix}-{label}" for label in labels for prefix in "BILU"]


class BiluoCRF(torch.nn.Module):
    """Linear-chain CRF that only allows legal transitions between BILUO tags. Illegal transitions
    have a constant score instead of a parameter, so they are neither used nor trained. All scores
    start at zero, and the first of equally good tags is chosen: before training, all tags are "O".

    In all methods, `mask` is True on the positions of a sequence and False on the padding to its
    right, which may contain any values. Empty sequences and empty batches are allowed.
    """

    labels: list[str]
    tags: list[str]
    legal: Tensor

    def __init__(self, labels: Sequence[str]) -> None:
        """Initialize the scores.

        labels (Sequence[str]): The entity labels, without duplicates.
        """
        super().__init__()
        if len(set(labels)) != len(labels):
            raise ValueError(f"Each label of a CRF must be given once, got {list(labels)}.")
        self.labels = list(labels)
        self.tags = biluo_tags(labels)
        # Whatever the default of PyTorch is, which another library may have changed.
        self.crf = CRF(len(self.tags), batch_first=True).float()
        for scores in self.crf.parameters():
            torch.nn.init.zeros_(scores)
        # shape: (tags, tags), from the first to the second
        legal = torch.tensor([[_may_follow(a, b) for b in self.tags] for a in self.tags])
        # It follows from the labels, so it is not saved with the parameters.
        self.register_buffer("legal", legal, persistent=False)

    def forward(self, emissions: Tensor, tags: Tensor, mask: Tensor) -> Tensor:
        """Compute the log likelihood of each tag sequence, which is 0 for an empty sequence.

        emissions (Tensor): The scores of the tags. *Shape:* (batch, length, tags)
        tags (Tensor): The ids of the gold tags. *Shape:* (batch, length)
        mask (Tensor): True on the positions of a sequence. *Shape:* (batch, length)
        RETURNS (Tensor): The log likelihoods. *Shape:* (batch,)
        """
        if mask.size(1) == 0:
            return emissions.sum(dim=(1, 2))  # zeros that backward() accepts
        start, transitions, end = self._scores(ILLEGAL)
        scores = {"start_transitions": start, "transitions": transitions, "end_transitions": end}
        emissions = emissions.masked_fill(~mask.unsqueeze(2), 0.0)
        tags = tags.masked_fill(~mask, 0)
        # pytorch-crf requires a tag in each sequence, so empty ones use their first padding.
        nonempty = torch.cat([torch.ones_like(mask[:, :1]), mask[:, 1:]], dim=1)
        inputs = (emissions, tags, nonempty)
        # shape: (batch,)
        likelihoods = functional_call(self.crf, scores, inputs, {"reduction": "none"})
        return likelihoods.masked_fill(~mask[:, 0], 0.0)

    @torch.no_grad()
    def decode(self, emissions: Tensor, mask: Tensor) -> Tensor:
        """Find the best legal tags of each sequence with Viterbi's algorithm.

        emissions (Tensor): The scores of the tags. *Shape:* (batch, length, tags)
        mask (Tensor): True on the positions of a sequence. *Shape:* (batch, length)
        RETURNS (Tensor): The ids of the tags, 0 ("O") in the padding. *Shape:* (batch, length)
        """
        if mask.size(1) == 0:
            return mask.long()
        start, transitions, end = self._scores(-torch.inf)
        # Sums must stay finite, otherwise illegal paths would be as good as legal ones.
        emissions = emissions.to(start.dtype).nan_to_num().clamp(-1e30, 1e30)
        # shape: (batch, tags)
        score = start + emissions[:, 0]
        # In the padding, each tag points back to itself, so all paths can be read from the right.
        itself = torch.arange(score.size(1), device=score.device)
        history = []
        for i in range(1, mask.size(1)):
            inside = mask[:, i, None]
            # shape: (batch, tags)
            best, previous = (score.unsqueeze(2) + transitions).max(dim=1)
            score = torch.where(inside, best + emissions[:, i], score)
            history.append(torch.where(inside, previous, itself))
        return _read_back((score + end).argmax(dim=1), history).masked_fill(~mask, 0)

    @torch.no_grad()
    def entity_probabilities(self, emissions: Tensor, mask: Tensor, entities: Tensor) -> Tensor:
        """Compute the probability of each entity, the total probability of all tag sequences with
        exactly this span and label. This is the forward-backward algorithm with a single path in
        the span, divided by the sum over all paths (constrained forward-backward: Culotta and
        McCallum 2004, "Confidence Estimation for Information Extraction").

        emissions (Tensor): The scores of the tags. *Shape:* (batch, length, tags)
        mask (Tensor): True on the positions of a sequence. *Shape:* (batch, length)
        entities (Tensor): The sequence, start, end (exclusive) and label index of each entity, as
            integers. *Shape:* (entities, 4)
        RETURNS (Tensor): The probabilities. *Shape:* (entities,)
        """
        if len(entities) == 0:
            return self.crf.transitions.new_zeros(0)
        # Log scores grow with the length, and only their differences matter: near 1e4, float32 has
        # three decimals. MPS does not support float64.
        device = "cpu" if emissions.device.type == "mps" else emissions.device
        mask, entities = mask.to(device), entities.to(device)
        _check_entities(entities, mask, len(self.labels))
        inputs = (emissions, *self._scores(-torch.inf))
        emissions, start, transitions, end = (x.to(device).double() for x in inputs)
        # shape: (batch, length, tags)
        before = _path_sums(emissions, mask, start, transitions)
        after = _path_sums(emissions.flip(1), mask.flip(1), end, transitions.T).flip(1)
        # shape: (batch,)
        log_z = (before[:, 0] + emissions[:, 0] + after[:, 0]).logsumexp(dim=1)
        scores = _entity_scores(emissions, transitions, before, after, entities)
        return (scores - log_z[entities[:, 0]]).exp().to(self.crf.transitions)

    @torch.no_grad()
    def resized(self, labels: Sequence[str]) -> "BiluoCRF":
        """Create a CRF for more labels, initialized with the parameters of this one.

        labels (Sequence[str]): The labels of this CRF, followed by new ones.
        RETURNS (BiluoCRF): The new CRF, on the same device.
        """
        if list(labels[: len(self.labels)]) != self.labels:
            raise ValueError(
                f"The labels of a resized CRF must begin with its present labels, {self.labels}, "
                f"in this order, got {list(labels)}. Add new labels at the end."
            )
        resized = BiluoCRF(labels).to(self.crf.transitions).train(self.training)
        for old, new in zip(self.crf.parameters(), resized.crf.parameters(), strict=True):
            new[(slice(len(self.tags)),) * old.dim()] = old
        return resized

    def _scores(self, illegal: float) -> tuple[Tensor, Tensor, Tensor]:
        """Get the scores of the start, the transitions and the end.

        illegal (float): The score of illegal transitions.
        RETURNS (tuple[Tensor, Tensor, Tensor]): The scores. *Shapes:* (tags,), (tags, tags),
            (tags,)
        """
        # A sequence starts and ends as if it were between two "O".
        start = self.crf.start_transitions.masked_fill(~self.legal[0], illegal)
        transitions = self.crf.transitions.masked_fill(~self.legal, illegal)
        end = self.crf.end_transitions.masked_fill(~self.legal[:, 0], illegal)
        return start, transitions, end


def _may_follow(previous: str, tag: str) -> bool:
    if previous[0] in "BI":
        return tag[0] in "IL" and tag[1:] == previous[1:]
    return tag[0] in "OBU"


def _read_back(last: Tensor, history: list[Tensor]) -> Tensor:
    """Follow Viterbi's back pointers.

    last (Tensor): The best tag of the last position. *Shape:* (batch,)
    history (list[Tensor]): The best previous tag of each tag, for all positions except the first.
        *Shape:* (batch, tags)
    RETURNS (Tensor): The best path. *Shape:* (batch, length)
    """
    path = [last.unsqueeze(1)]
    for previous in reversed(history):
        path.append(previous.gather(1, path[-1]))
    return torch.cat(path[::-1], dim=1)


def _path_sums(emissions: Tensor, mask: Tensor, start: Tensor, transitions: Tensor) -> Tensor:
    """Sum, in log space, over all paths to each tag, including the transition to the tag, but not
    its emission. On reversed sequences, it sums over all paths from each tag: their padding comes
    first, where the score of the start is carried along.

    emissions (Tensor): The scores of the tags. *Shape:* (batch, length, tags)
    mask (Tensor): True on the positions of a sequence. *Shape:* (batch, length)
    start (Tensor): The scores of the first tag. *Shape:* (tags,)
    transitions (Tensor): The scores from tag to tag. *Shape:* (tags, tags)
    RETURNS (Tensor): The log sums. *Shape:* (batch, length, tags)
    """
    sums = [start.expand(emissions.size(0), -1)]
    for i in range(emissions.size(1) - 1):
        # shape: (batch, tags, 1)
        score = (sums[-1] + emissions[:, i]).unsqueeze(2)
        moved = (score + transitions).logsumexp(dim=1)
        sums.append(torch.where(mask[:, i, None], moved, sums[-1]))
    return torch.stack(sums, dim=1)


def _entity_scores(
    emissions: Tensor, transitions: Tensor, before: Tensor, after: Tensor, entities: Tensor
) -> Tensor:
    """Sum, in log space, over all paths with the tags U, or B I ... I L, of each entity.

    emissions (Tensor): The scores of the tags. *Shape:* (batch, length, tags)
    transitions (Tensor): The scores from tag to tag. *Shape:* (tags, tags)
    before (Tensor): The sums over the paths to each tag. *Shape:* (batch, length, tags)
    after (Tensor): The sums over the paths from each tag. *Shape:* (batch, length, tags)
    entities (Tensor): The sequence, start, end and label of each entity. *Shape:* (entities, 4)
    RETURNS (Tensor): The log sums. *Shape:* (entities,)
    """
    row, first, end, label = entities.unbind(dim=1)
    last = end - 1
    B, I, L, U = (4 * label + tag for tag in range(1, 5))  # noqa: E741
    arrive, leave = before + emissions, after + emissions
    one = arrive[row, first, U] + after[row, first, U]
    # The scores of all I to the left of a position, each with a transition from I to I.
    # shape: (batch, length, labels)
    steps = emissions[:, :, 2::4] + transitions.diagonal()[2::4]
    inner = steps.cumsum(dim=1) - steps
    inner = inner[row, last, label] - inner[row, (first + 1).minimum(last), label]
    # A sequence of n tags I has n - 1 transitions from I to I.
    inner = inner + transitions[B, I] - transitions[I, I] + transitions[I, L]
    inner = torch.where(last - first == 1, transitions[B, L], inner)
    several = arrive[row, first, B] + inner + leave[row, last, L]
    return torch.where(first == last, one, several)


def _check_entities(entities: Tensor, mask: Tensor, n_labels: int) -> None:
    row, start, end, label = entities.unbind(dim=1)
    # Indices outside of the batch refer to an additional sequence of length 0 at the end.
    lengths = pad(mask.sum(dim=1), (0, 1))
    length = lengths[row.where((row >= 0) & (row < len(mask)), -1)]
    valid = (start >= 0) & (start < end) & (end <= length) & (label >= 0) & (label < n_labels)
    if not valid.all():
        raise ValueError(
            f"An entity must have a span in a sequence of the batch and one of {n_labels} labels, "
            f"got (sequence, start, end, label) = {entities[~valid][0].tolist()}."
        )
