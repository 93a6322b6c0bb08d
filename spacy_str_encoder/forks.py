"""Processes that are forked, as `nlp.pipe` with `n_process` does on Linux."""

import os
import sys


def use_one_thread_in_forks() -> None:
    """Let each process that is forked from this one compute with one thread of PyTorch, as those of
    its own `DataLoader` do.

    Threads are not forked with their process. PyTorch would wait for them forever:
    https://github.com/pytorch/pytorch/issues/41197
    """
    # Windows has no forks.
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_use_one_thread)


def _use_one_thread() -> None:
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)
