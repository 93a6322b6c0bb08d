"""A linear-chain CRF over BILUO tags, in torch only.

The CRF is that of Lafferty et al. (2001), used for entities as in Xue et al. (2019), "Fine-tuning
BERT for Joint Entity and Relation Extraction in Chinese Medical Text" (arXiv 1908.07721, Eqs.
9-12). Its likelihood is pytorch-crf's. Added here: illegal tag sequences are ruled out, Viterbi
decoding is batched, and whole entities get a probability.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.func import functional_call
from torch.nn.functional import pad
from torchcrf import CRF

# Finite, so that a wrong gold path gives a large loss and no NaN; low enough that no emission
# below 1e5 makes up for it.
ILLEGAL = -1e6


def biluo_tags(labels: Sequence[str]) -> list[str]:
    """List the tags of some labels: "O", then four tags a label (BIEOS in the paper; E=L, S=U).
    The order is that of the labels, so a label added at the end moves no tag id.

    labels (Sequence[str]): Entity labels.
    RETURNS (list[str]): The tags; a tag's id is its index.
    """
    return ["O"] + [f"{prefix}-{label}" for label in labels for prefix in "BILU"]


class BiluoCRF(torch.nn.Module):
    """A linear-chain CRF that knows which BILUO tag may follow which. An illegal transition has
    a constant score in place of its parameter, so that it is neither used nor trained. All scores
    start at zero, and the first of equally good tags is taken: before training, everything is "O".

    Everywhere, `mask` is True on the positions of a sequence and False on the padding to its
    right, which may hold anything. Empty sequences and empty batches are allowed.
    """

    labels: list[str]
    tags: list[str]
    legal: Tensor

    def __init__(self, labels: Sequence[str]) -> None:
        """labels (Sequence[str]): Entity labels, each once."""
        super().__init__()
        if len(set(labels)) != len(labels):
            raise ValueError(f"Each label of a CRF must be given once, but got: {list(labels)}.")
        self.labels = list(labels)
        self.tags = biluo_tags(labels)
        self.crf = CRF(len(self.tags), batch_first=True)
        for scores in self.crf.parameters():
            torch.nn.init.zeros_(scores)
        # shape: (tags, tags), from the first to the second
        legal = torch.tensor([[_may_follow(a, b) for b in self.tags] for a in self.tags])
        # The labels say it all, so it is not saved with the parameters.
        self.register_buffer("legal", legal, persistent=False)

    def forward(self, emissions: Tensor, tags: Tensor, mask: Tensor) -> Tensor:
        """Compute the log likelihood of each tag sequence: 0 for an empty one.

        emissions (Tensor): Scores of the tags. *Shape:* (batch, length, tags)
        tags (Tensor): Ids of the gold tags. *Shape:* (batch, length)
        mask (Tensor): True where there is a tag. *Shape:* (batch, length)
        RETURNS (Tensor): Log likelihoods. *Shape:* (batch,)
        """
        if mask.size(1) == 0:
            return emissions.sum(dim=(1, 2))  # zeros that backward() accepts
        start, transitions, end = self._scores(ILLEGAL)
        scores = {"start_transitions": start, "transitions": transitions, "end_transitions": end}
        emissions = emissions.masked_fill(~mask.unsqueeze(2), 0.0)
        tags = tags.masked_fill(~mask, 0)
        # pytorch-crf wants a tag in each sequence: an empty one lends its first padding.
        nonempty = torch.cat([torch.ones_like(mask[:, :1]), mask[:, 1:]], dim=1)
        inputs = (emissions, tags, nonempty)
        # shape: (batch,)
        likelihoods = functional_call(self.crf, scores, inputs, {"reduction": "none"})
        return likelihoods.masked_fill(~mask[:, 0], 0.0)

    @torch.no_grad()
    def decode(self, emissions: Tensor, mask: Tensor) -> Tensor:
        """Find the best tags of each sequence by Viterbi's algorithm. They are always legal.

        emissions (Tensor): Scores of the tags. *Shape:* (batch, length, tags)
        mask (Tensor): True where there is a tag. *Shape:* (batch, length)
        RETURNS (Tensor): Ids of the tags, 0 ("O") in the padding. *Shape:* (batch, length)
        """
        if mask.size(1) == 0:
            return mask.long()
        start, transitions, end = self._scores(-torch.inf)
        # Sums have to stay finite, or an illegal path would be as good as a legal one.
        emissions = emissions.to(start.dtype).nan_to_num().clamp(-1e30, 1e30)
        # shape: (batch, tags)
        score = start + emissions[:, 0]
        # In the padding a tag comes from itself, so that all paths can be read from the right.
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
        """Compute the probability of each entity: that of all tag sequences that have exactly
        this span with this label. This is the forward-backward algorithm with one path in the
        span, divided by the sum over all paths (constrained forward-backward: Culotta and
        McCallum 2004, "Confidence Estimation for Information Extraction").

        emissions (Tensor): Scores of the tags. *Shape:* (batch, length, tags)
        mask (Tensor): True where there is a tag. *Shape:* (batch, length)
        entities (Tensor): Sequence, start, end (exclusive) and index of the label of each entity,
            as integers. *Shape:* (entities, 4)
        RETURNS (Tensor): Probabilities. *Shape:* (entities,)
        """
        if len(entities) == 0:
            return self.crf.transitions.new_zeros(0)
        # Log scores grow with the length: near 1e4 float32 keeps three decimals, and their
        # differences are what counts. MPS has no float64.
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
        """Make a CRF for more labels, which starts with the parameters of this one.

        labels (Sequence[str]): The labels of this CRF, then the new ones.
        RETURNS (BiluoCRF): A new CRF, on the same device.
        """
        if list(labels[: len(self.labels)]) != self.labels:
            raise ValueError(
                f"The labels of a resized CRF must begin with its present labels, {self.labels}, "
                f"in this order, but got: {list(labels)}. Add new labels at the end."
            )
        resized = BiluoCRF(labels).to(self.crf.transitions).train(self.training)
        for old, new in zip(self.crf.parameters(), resized.crf.parameters(), strict=True):
            new[(slice(len(self.tags)),) * old.dim()] = old
        return resized

    def _scores(self, illegal: float) -> tuple[Tensor, Tensor, Tensor]:
        """Get the scores of the start, the transitions and the end.

        illegal (float): The score of what is illegal.
        RETURNS (tuple[Tensor, Tensor, Tensor]): *Shapes:* (tags,), (tags, tags), (tags,)
        """
        # A sequence starts and ends as if it stood between two "O".
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

    last (Tensor): Best tag of the last position. *Shape:* (batch,)
    history (list[Tensor]): Best previous tag of each tag, for each position but the first.
        *Shape:* (batch, tags)
    RETURNS (Tensor): The best path. *Shape:* (batch, length)
    """
    path = [last.unsqueeze(1)]
    for previous in reversed(history):
        path.append(previous.gather(1, path[-1]))
    return torch.cat(path[::-1], dim=1)


def _path_sums(emissions: Tensor, mask: Tensor, start: Tensor, transitions: Tensor) -> Tensor:
    """Sum, in log space, over all paths that lead to a tag: the tag's transition is in, its
    emission is not. Run on the reversed sequences, it sums over all paths that lead away; their
    padding comes first then, and is waited through with the score of the start.

    emissions (Tensor): Scores of the tags. *Shape:* (batch, length, tags)
    mask (Tensor): True where there is a tag. *Shape:* (batch, length)
    start (Tensor): Scores of the first tag. *Shape:* (tags,)
    transitions (Tensor): Scores from tag to tag. *Shape:* (tags, tags)
    RETURNS (Tensor): Log sums. *Shape:* (batch, length, tags)
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

    emissions (Tensor): Scores of the tags. *Shape:* (batch, length, tags)
    transitions (Tensor): Scores from tag to tag. *Shape:* (tags, tags)
    before (Tensor): Sums over the paths to each tag. *Shape:* (batch, length, tags)
    after (Tensor): Sums over the paths from each tag. *Shape:* (batch, length, tags)
    entities (Tensor): Sequence, start, end, label. *Shape:* (entities, 4)
    RETURNS (Tensor): Log sums. *Shape:* (entities,)
    """
    row, first, end, label = entities.unbind(dim=1)
    last = end - 1
    B, I, L, U = (4 * label + tag for tag in range(1, 5))  # noqa: E741
    arrive, leave = before + emissions, after + emissions
    one = arrive[row, first, U] + after[row, first, U]
    # Scores of all I on the left of a position, each with a transition from I to itself.
    # shape: (batch, length, labels)
    steps = emissions[:, :, 2::4] + transitions.diagonal()[2::4]
    inner = steps.cumsum(dim=1) - steps
    inner = inner[row, last, label] - inner[row, (first + 1).minimum(last), label]
    # n times I has n - 1 transitions from I to itself.
    inner = inner + transitions[B, I] - transitions[I, I] + transitions[I, L]
    inner = torch.where(last - first == 1, transitions[B, L], inner)
    several = arrive[row, first, B] + inner + leave[row, last, L]
    return torch.where(first == last, one, several)


def _check_entities(entities: Tensor, mask: Tensor, n_labels: int) -> None:
    row, start, end, label = entities.unbind(dim=1)
    # A sequence that is not in the batch counts as one of length 0, put last.
    lengths = pad(mask.sum(dim=1), (0, 1))
    length = lengths[row.where((row >= 0) & (row < len(mask)), -1)]
    right = (start >= 0) & (start < end) & (end <= length) & (label >= 0) & (label < n_labels)
    if not right.all():
        raise ValueError(
            f"An entity needs a sequence of the batch, a span in it and one of {n_labels} labels, "
            f"but got (sequence, start, end, label) = {entities[~right][0].tolist()}."
        )
