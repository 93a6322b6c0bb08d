"""Schedules of the learning rate."""

from collections.abc import Iterable, Iterator

from thinc.api import warmup_linear


def make_warmup_linear(
    initial_rate: float,
    total_steps: int,
    warmup_share: float = 0.1,
    min_warmup_steps: int = 0,
) -> Iterable[float]:
    """Create a schedule that rises from zero to the full rate, and falls back to zero. It is the
    `warmup_linear.v1` of thinc, with the warm-up as a share of the updates.

    initial_rate (float): The full rate, at the end of the warm-up.
    total_steps (int): The number of updates of the training. 0 stands for a number that is set when
        the pipeline is initialized, see `spacy-str-encoder.plan_updates.v1`.
    warmup_share (float): The share of these updates that are warm-up.
    min_warmup_steps (int): The minimum number of updates that are warm-up, however short the
        training is: fresh weights need some.
    RETURNS (Iterable[float]): The rate of each update.
    RAISES (ValueError): If the warm-up is not shorter than the training.
    """
    if total_steps == 0:
        return _unplanned()
    if not 0 <= warmup_share < 1:
        raise ValueError(f"warmup_share must be at least 0 and below 1, got {warmup_share}.")
    if not 0 <= min_warmup_steps < total_steps:
        raise ValueError(
            f"min_warmup_steps must be at least 0 and below total_steps, got {min_warmup_steps} "
            f"and {total_steps}. Train for more steps, or lower min_warmup_steps."
        )
    warmup_steps = max(min_warmup_steps, round(warmup_share * total_steps))
    return warmup_linear(initial_rate, warmup_steps, total_steps)


def _unplanned() -> Iterator[float]:
    # An optimizer asks for the first rate when it is made.
    yield 0.0
    raise ValueError(
        "total_steps of the learning rate must be set before training, got 0. Set it to a number "
        "of updates (--training.optimizer.learn_rate.total_steps), or keep the callback "
        "plan_updates in [initialize.after_init]."
    )
