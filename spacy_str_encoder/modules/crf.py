"""Linear-chain CRF over BILUO tags, in torch only.

The CRF (Lafferty et al. 2001) is used for entities as in Xue et al. 2019, "Fine-tuning BERT for
Joint Entity and Relation Extraction in Chinese Medical Text" (arXiv 1908.07721, Eqs. 9-12). This
module rules out illegal tag sequences, and computes the likelihood of tags, the best tags and the
probabilities of entities.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import Parameter
from torch.nn.functional import pad

from .paths import LogSum, Scores, best_paths, find_steps, path_scores, path_sums

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


def check_unique(labels: Sequence[str]) -> None:
    """Check the labels of a new CRF.

    labels (Sequence[str]): The labels.
    RAISES (ValueError): If a label occurs twice.
    """
    if len(set(labels)) != len(labels):
        raise ValueError(f"Each label of a CRF must be given once, got {list(labels)}.")


def check_extended(present: list[str], labels: Sequence[str]) -> None:
    """Check the labels of a resized CRF.

    present (list[str]): The labels that it has.
    labels (Sequence[str]): The labels that it will have.
    RAISES (ValueError): If they do not begin with the present ones.
    """
    if list(labels[: len(present)]) != present:
        raise ValueError(
            f"The labels of a resized CRF must begin with its present labels, {present}, in this "
            f"order, got {list(labels)}. Add new labels at the end."
        )


def entity_path(label: int, length: int) -> list[int]:
    """Write an entity as tags: U, or B I ... I L.

    label (int): The index of its label.
    length (int): Its number of tokens.
    RETURNS (list[int]): The ids of the tags.
    """
    begin = 1 + 4 * label
    return [begin + 3] if length == 1 else [begin, *[begin + 1] * (length - 2), begin + 2]


def read_entities(tags: Tensor) -> Tensor:
    """Read the entities of legal tags.

    tags (Tensor): The ids of the tags. *Shape:* (batch, length)
    RETURNS (Tensor): The sequence, start, end (exclusive) and label index of each entity, from left
        to right in each sequence. *Shape:* (entities, 4)
    """
    part = torch.where(tags > 0, (tags - 1) % 4, -1)
    row, start = ((part == 0) | (part == 3)).nonzero(as_tuple=True)
    _, last = ((part == 2) | (part == 3)).nonzero(as_tuple=True)
    label = (tags[row, start] - 1).div(4, rounding_mode="floor")
    return torch.stack([row, start, last + 1, label], dim=1)


class BiluoCRF(torch.nn.Module):
    """Linear-chain CRF that only allows legal transitions between BILUO tags. Illegal transitions
    have a constant score instead of a parameter, so they are neither used nor trained. All scores
    start at zero, and the first of equally good tags is chosen: before training, all tags are "O".

    In all methods, `mask` is True on the positions of a sequence and False on the padding to its
    right, which may contain any values. Empty sequences and empty batches are allowed. On a GPU, a
    mask on the CPU is faster, since its lengths are needed there.
    """

    labels: list[str]
    tags: list[str]
    legal: Tensor

    def __init__(self, labels: Sequence[str]) -> None:
        """Initialize the scores.

        labels (Sequence[str]): The entity labels, without duplicates.
        """
        super().__init__()
        check_unique(labels)
        self.labels = list(labels)
        self.tags = biluo_tags(labels)
        self.crf = _Parameters(len(self.tags))
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
        exact, start, transitions, end = _exact(emissions, *self._scores(ILLEGAL))
        steps = find_steps(mask, exact.device)
        # shape: (positions, tags)
        exact = exact[steps.where]
        gold = tags.to(exact.device)[steps.where]
        # shape: (sequences,)
        scores = path_scores(exact, gold, (start, transitions, end), steps)
        likelihoods = scores - LogSum.apply(exact, start, transitions, end, steps)
        rows = steps.where[0][: len(likelihoods)]
        padded = likelihoods.new_zeros(len(mask)).index_copy(0, rows, likelihoods)
        return padded.to(self.crf.transitions)

    @torch.no_grad()
    def decode(self, emissions: Tensor, mask: Tensor) -> Tensor:
        """Find the best legal tags of each sequence with Viterbi's algorithm.

        emissions (Tensor): The scores of the tags. *Shape:* (batch, length, tags)
        mask (Tensor): True on the positions of a sequence. *Shape:* (batch, length)
        RETURNS (Tensor): The ids of the tags, 0 ("O") in the padding. *Shape:* (batch, length)
        """
        steps = find_steps(mask, emissions.device)
        scores = self._scores(-torch.inf)
        # Sums must stay finite, otherwise illegal paths would be as good as legal ones.
        # shape: (positions, tags)
        finite = emissions[steps.where].to(scores[0].dtype).nan_to_num().clamp(-1e30, 1e30)
        path = torch.zeros(mask.shape, dtype=torch.long, device=emissions.device)
        path[steps.where] = best_paths(finite, scores, steps)
        return path

    def write_entities(self, entities: Sequence[tuple[int, int, int]], length: int) -> Tensor:
        """Write entities without overlaps as tags.

        entities (Sequence[tuple[int, int, int]]): Start, end and label of each entity.
        length (int): The length of the sequence.
        RETURNS (Tensor): The ids of the tags. *Shape:* (length,)
        """
        tags = torch.zeros(length, dtype=torch.long)
        for start, end, label in entities:
            tags[start:end] = torch.tensor(entity_path(label, end - start))
        return tags

    def find_entities(self, emissions: Tensor, mask: Tensor) -> Tensor:
        """Find the entities of the best legal tags of each sequence.

        emissions (Tensor): The scores of the tags. *Shape:* (batch, length, tags)
        mask (Tensor): True on the positions of a sequence. *Shape:* (batch, length)
        RETURNS (Tensor): The sequence, start, end (exclusive) and label index of each entity.
            *Shape:* (entities, 4)
        """
        return read_entities(self.decode(emissions, mask))

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
        _check_entities(entities.cpu(), mask.cpu(), len(self.labels))
        rows, row = entities[:, 0].unique(return_inverse=True)
        sums = self._sum_paths(emissions[rows], mask[rows.to(mask.device)])
        entities = torch.cat([row.unsqueeze(1), entities[:, 1:]], dim=1).to(sums.log_z.device)
        scores = _entity_scores(sums, entities)
        return (scores - sums.log_z[entities[:, 0]]).exp().to(self.crf.transitions)

    @torch.no_grad()
    def beginning_probabilities(self, emissions: Tensor, mask: Tensor) -> Tensor:
        """Compute the probability that an entity begins at each position, the total probability of
        all tag sequences with the tag B or U there. Since each entity begins once, the sum of these
        is the expected number of entities.

        emissions (Tensor): The scores of the tags. *Shape:* (batch, length, tags)
        mask (Tensor): True on the positions of a sequence. *Shape:* (batch, length)
        RETURNS (Tensor): The probabilities, 0 in the padding. *Shape:* (batch, length, labels)
        """
        sums = self._sum_paths(emissions, mask)
        logs = sums.before + sums.emissions + sums.after - sums.log_z[:, None, None]
        padding = ~mask.to(logs.device).unsqueeze(2)
        tags = logs.masked_fill(padding, -torch.inf).exp()
        return (tags[:, :, 1::4] + tags[:, :, 4::4]).to(self.crf.transitions)

    def _sum_paths(self, emissions: Tensor, mask: Tensor) -> "_PathSums":
        exact, start, transitions, end = _exact(emissions, *self._scores(-torch.inf))
        steps = find_steps(mask, exact.device)
        before, after = exact.new_zeros(2, *exact.shape)
        sums = path_sums(exact[steps.where], (start, transitions, end), steps)
        before[steps.where], after[steps.where] = sums
        # A batch without tokens has no first ones.
        log_z = (before + exact + after)[:, :1].logsumexp(dim=(1, 2))
        return _PathSums(exact, transitions, before, after, log_z)

    @torch.no_grad()
    def resized(self, labels: Sequence[str]) -> "BiluoCRF":
        """Create a CRF for more labels, initialized with the parameters of this one.

        labels (Sequence[str]): The labels of this CRF, followed by new ones.
        RETURNS (BiluoCRF): The new CRF, on the same device.
        """
        check_extended(self.labels, labels)
        resized = BiluoCRF(labels).to(self.crf.transitions).train(self.training)
        for old, new in zip(self.crf.parameters(), resized.crf.parameters(), strict=True):
            new[(slice(len(self.tags)),) * old.dim()] = old
        return resized

    def _scores(self, illegal: float) -> Scores:
        """Get the scores of the start, the transitions and the end.

        illegal (float): The score of illegal transitions.
        RETURNS (Scores): The scores.
        """
        # A sequence starts and ends as if it were between two "O".
        start = self.crf.start_transitions.masked_fill(~self.legal[0], illegal)
        transitions = self.crf.transitions.masked_fill(~self.legal, illegal)
        end = self.crf.end_transitions.masked_fill(~self.legal[:, 0], illegal)
        return start, transitions, end


class _PathSums(NamedTuple):
    """Log sums over the paths through padded sequences, in float64."""

    # The scores of the tags. Shape: (batch, length, tags)
    emissions: Tensor
    # The scores from tag to tag. Shape: (tags, tags)
    transitions: Tensor
    # Over the paths to each tag, and from each tag. Shape: (batch, length, tags) each
    before: Tensor
    after: Tensor
    # Over all paths. Shape: (batch,)
    log_z: Tensor


class _Parameters(torch.nn.Module):
    """Scores to train. The names are those of pytorch-crf, which saved pipelines have."""

    def __init__(self, n_tags: int) -> None:
        super().__init__()
        # Whatever the default of PyTorch is, which another library may have changed.
        zeros = torch.zeros(n_tags, n_tags, dtype=torch.float32)
        self.start_transitions = Parameter(zeros[0].clone())
        self.end_transitions = Parameter(zeros[0].clone())
        self.transitions = Parameter(zeros)


def _may_follow(previous: str, tag: str) -> bool:
    if previous[0] in "BI":
        return tag[0] in "IL" and tag[1:] == previous[1:]
    return tag[0] in "OBU"


def _exact(*tensors: Tensor) -> list[Tensor]:
    """Convert tensors to float64. Log scores grow with the length, and only their differences
    matter: near 1e4, float32 has three decimals."""
    # MPS does not support float64.
    device = "cpu" if tensors[0].device.type == "mps" else tensors[0].device
    return [tensor.to(device).double() for tensor in tensors]


def _entity_scores(sums: _PathSums, entities: Tensor) -> Tensor:
    """Sum, in log space, over all paths with the tags U, or B I ... I L, of each entity.

    sums (_PathSums): The sums over the paths to and from each tag.
    entities (Tensor): The sequence, start, end and label of each entity. *Shape:* (entities, 4)
    RETURNS (Tensor): The log sums. *Shape:* (entities,)
    """
    emissions, transitions, before, after, _ = sums
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
