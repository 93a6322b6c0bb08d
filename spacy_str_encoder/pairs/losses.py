"""Losses of pairs of entities, and their gradients.

A class with a logit of -inf is ruled out: it does not contribute to the loss, gets no gradient, and
its gold relations are ignored.
"""

from typing import Any

import numpy
from thinc.api import Ops
from thinc.types import Floats2d

from ..arrays import IntArray


def softmax_loss(ops: Ops, logits: Floats2d, gold: IntArray) -> tuple[float, Floats2d]:
    """Compute the negative log likelihood of one class per pair, summed over pairs.

    ops (Ops): Operations for the device of the logits.
    logits (Floats2d): The logits. *Shape:* (pairs, classes).
    gold (IntArray): Row and class of each gold relation, at most one per row. The other rows have
        the first class, "no relation". *Shape:* (relations, 2).
    RETURNS (tuple[float, Floats2d]): The loss, and its gradient.
    """
    targets = ops.xp.zeros(len(logits), dtype="int64")
    rows, classes = _possible(ops, logits, gold)
    targets[rows] = classes
    every = ops.xp.arange(len(logits))
    d_logits = ops.softmax(logits)
    loss = -float(ops.xp.log(d_logits[every, targets] + 1e-30).sum())
    d_logits[every, targets] -= 1
    return loss, d_logits


def sigmoid_loss(ops: Ops, logits: Floats2d, gold: IntArray) -> tuple[float, Floats2d]:
    """Compute the binary cross entropy, summed over classes and pairs. The first class, "no
    relation", is not used.

    ops (Ops): Operations for the device of the logits.
    logits (Floats2d): The logits. *Shape:* (pairs, classes).
    gold (IntArray): Row and class of each gold relation. *Shape:* (relations, 2).
    RETURNS (tuple[float, Floats2d]): The loss, and its gradient.
    """
    rows, classes = _possible(ops, logits, gold)
    # The log probability that a pair is not in a class is -log(1 + exp(logit)).
    loss = ops.xp.logaddexp(0, logits[:, 1:]).sum() - logits[rows, classes].sum()
    d_logits = sigmoid(ops, logits)
    d_logits[:, 0] = 0
    d_logits[rows, classes] -= 1
    return float(loss), d_logits


def sigmoid(ops: Ops, logits: Floats2d) -> Floats2d:
    """Compute the independent probability of each class: 0 if it is ruled out.

    ops (Ops): Operations for the device of the logits.
    logits (Floats2d): The logits. *Shape:* (pairs, classes).
    RETURNS (Floats2d): The probabilities. *Shape:* (pairs, classes).
    """
    # thinc's sigmoid would clip -inf.
    return ops.xp.exp(-ops.xp.logaddexp(0, -logits))


def _possible(ops: Ops, logits: Any, gold: IntArray) -> tuple[Any, Any]:
    rows, classes = ops.xp.asarray(gold).T
    possible = logits[rows, classes] != -numpy.inf
    return rows[possible], classes[possible]
