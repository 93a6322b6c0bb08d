"""Sums and maxima over all paths of tags through sequences, in torch only.

A linear-chain CRF scores a path by its tags and the transitions between them. Sequences differ in
length, so their positions are laid out step by step: all first positions, from the longest sequence
to the shortest, then all second positions, and so on. The sequences that reach a step are the first
ones of the step before, and nothing is computed for padding.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

# The scores of the start, *shape:* (tags,), of the transitions from tag to tag, *shape:* (tags,
# tags), and of the end, *shape:* (tags,).
Scores = tuple[Tensor, Tensor, Tensor]


class Steps(NamedTuple):
    """The positions of sequences, step by step. Empty sequences have none."""

    # The row and the column of each position in the padded batch. Shape: (positions,) each
    where: tuple[Tensor, Tensor]
    # The place of its sequence, from the longest to the shortest. Shape: (positions,)
    place: Tensor
    # The index of the position as far from the end of its sequence as this one is from the start.
    # Shape: (positions,)
    mirror: Tensor
    # The index of the position before each one, without first positions.
    previous: Tensor
    # How many sequences reach each step. The first is the number of sequences that are not empty.
    sizes: list[int]


def find_steps(mask: Tensor, device: torch.device) -> Steps:
    """Lay the positions of sequences out.

    mask (Tensor): True on the positions of a sequence. If it is on the CPU, no device is asked for
        a value. *Shape:* (batch, length)
    device (torch.device): Where the indices are needed.
    RETURNS (Steps): The positions.
    """
    lengths, order = mask.sum(dim=1).cpu().sort(descending=True)
    column, place = (torch.arange(mask.size(1)).unsqueeze(1) < lengths).nonzero(as_tuple=True)
    sizes = column.bincount(minlength=1)
    begins = sizes.cumsum(dim=0) - sizes
    mirror = begins[lengths[place] - 1 - column] + place
    previous = (begins[column - 1] + place)[sizes[0] :]
    indices = (order[place], column, place, mirror, previous)
    row, column, place, mirror, previous = (index.to(device) for index in indices)
    return Steps((row, column), place, mirror, previous, sizes.tolist())


def scan(
    emissions: Tensor,
    start: Tensor,
    transitions: Tensor,
    sizes: list[int],
    reduce: Callable[[Tensor, int], Tensor],
) -> Tensor:
    """Reduce the scores of all paths to each tag to one, including the transition to the tag, but
    not its emission.

    emissions (Tensor): The scores of the tags, step by step. *Shape:* (..., positions, tags)
    start (Tensor): The scores of the first tag. *Shape:* (..., tags)
    transitions (Tensor): The scores from tag to tag. *Shape:* (..., tags, tags)
    sizes (list[int]): The number of positions of each step.
    reduce (Callable[[Tensor, int], Tensor]): Function that reduces a dimension.
    RETURNS (Tensor): The reduced scores. *Shape:* (..., positions, tags)
    """
    steps = emissions.split(sizes, dim=-2)
    reduced = [start.expand_as(steps[0])]
    for here, there in pairwise(steps):
        score = (reduced[-1] + here)[..., : there.size(-2), :]
        reduced.append(reduce(score.unsqueeze(-1) + transitions, -2))
    return torch.cat(reduced, dim=-2)


def best_paths(emissions: Tensor, scores: Scores, steps: Steps) -> Tensor:
    """Find the best path of each sequence with Viterbi's algorithm.

    emissions (Tensor): The scores of the tags, step by step. *Shape:* (positions, tags)
    scores (Scores): The scores of the start, the transitions and the end.
    steps (Steps): The positions.
    RETURNS (Tensor): The tags of the paths, step by step. *Shape:* (positions,)
    """
    start, transitions, end = scores
    pointers = []

    def keep_best(options: Tensor, dim: int) -> Tensor:
        best, pointer = options.max(dim)
        pointers.append(pointer)
        return best

    arrive = scan(emissions, start, transitions, steps.sizes, keep_best) + emissions
    # This is right for the last tags. All others are read back from the tags that they lead to.
    tags = (arrive + end).argmax(dim=1, keepdim=True)
    moves = [*zip(pairwise(tags.split(steps.sizes)), pointers, strict=True)]
    for (here, there), pointer in reversed(moves):
        here[: len(there)] = pointer.gather(1, there)
    return tags.squeeze(1)


def path_sums(emissions: Tensor, scores: Scores, steps: Steps) -> tuple[Tensor, Tensor]:
    """Sum, in log space, over all paths to each tag and over all paths from it, including the
    transition to or from the tag, but not its emission. This is the forward-backward algorithm: the
    sequences and the reversed sequences take their steps together.

    emissions (Tensor): The scores of the tags, step by step. *Shape:* (positions, tags)
    scores (Scores): The scores of the start, the transitions and the end.
    steps (Steps): The positions.
    RETURNS (tuple[Tensor, Tensor]): The log sums, step by step. *Shape:* (positions, tags) each
    """
    start, transitions, end = scores
    both_emissions = torch.stack([emissions, emissions[steps.mirror]])
    both_starts = torch.stack([start, end]).unsqueeze(1)
    both_transitions = torch.stack([transitions, transitions.T]).unsqueeze(1)
    before, after = scan(both_emissions, both_starts, both_transitions, steps.sizes, _log_sum)
    return before, after[steps.mirror]


def path_scores(emissions: Tensor, tags: Tensor, scores: Scores, steps: Steps) -> Tensor:
    """Score one path of each sequence.

    emissions (Tensor): The scores of the tags, step by step. *Shape:* (positions, tags)
    tags (Tensor): The tags of the paths, step by step. *Shape:* (positions,)
    scores (Scores): The scores of the start, the transitions and the end.
    steps (Steps): The positions.
    RETURNS (Tensor): The scores, from the longest sequence to the shortest that is not empty.
        *Shape:* (sequences,)
    """
    start, transitions, end = scores
    n = steps.sizes[0]
    borders = start[tags[:n]] + end[tags[steps.mirror[:n]]]
    emitted = emissions.gather(1, tags.unsqueeze(1)).squeeze(1)
    moved = transitions[tags[steps.previous], tags[n:]]
    return borders.index_add(0, steps.place, emitted).index_add(0, steps.place[n:], moved)


class LogSum(torch.autograd.Function):
    """Sum, in log space, over all paths of each sequence.

    Its gradients are probabilities of tags and of pairs of tags, which follow from the sums to and
    from each tag. So autograd need not go back through all steps.
    """

    @staticmethod
    def forward(
        ctx: Any,
        emissions: Tensor,
        start: Tensor,
        transitions: Tensor,
        end: Tensor,
        steps: Steps,
    ) -> Tensor:
        """Sum over the paths.

        emissions (Tensor): The scores of the tags, step by step. *Shape:* (positions, tags)
        start (Tensor): The scores of the first tag. *Shape:* (tags,)
        transitions (Tensor): The scores from tag to tag. *Shape:* (tags, tags)
        end (Tensor): The scores of the last tag. *Shape:* (tags,)
        steps (Steps): The positions.
        RETURNS (Tensor): The log sums, from the longest sequence to the shortest that is not empty.
            *Shape:* (sequences,)
        """
        before, after = path_sums(emissions, (start, transitions, end), steps)
        ctx.save_for_backward(transitions, before + emissions, after, after + emissions)
        ctx.steps = steps
        return (before + emissions + after)[: steps.sizes[0]].logsumexp(dim=1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_log_sums: Tensor) -> tuple[Tensor | None, ...]:
        """Compute the gradients."""
        transitions, arrive, after, leave = ctx.saved_tensors
        _, place, mirror, previous, (n, *_) = ctx.steps
        weights = d_log_sums[place]
        # shape: (positions, tags)
        d_emissions = (arrive + after).softmax(dim=1) * weights.unsqueeze(1)
        # shape: (positions, tags, tags)
        pairs = arrive[previous].unsqueeze(2) + transitions + leave[n:].unsqueeze(1)
        pairs = pairs.flatten(1).softmax(dim=1).view_as(pairs)
        d_transitions = torch.tensordot(weights[n:], pairs, dims=1)
        d_start, d_end = d_emissions[:n].sum(dim=0), d_emissions[mirror[:n]].sum(dim=0)
        return d_emissions, d_start, d_transitions, d_end, None


def _log_sum(logs: Tensor, dim: int) -> Tensor:
    # The largest log probability is the largest score less the log sum. Where most transitions are
    # illegal, torch.logsumexp takes several times as long: on a CPU, e^x is slow if it is near 0.
    return logs.amax(dim) - logs.log_softmax(dim).amax(dim)
